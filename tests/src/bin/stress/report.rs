//! What is told: lines while it runs, and a table in the end.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::scenarios;
use crate::suite::Report;

pub(crate) struct Told {
    begun: Instant,
    /// In percent, where it is not all.
    load: u64,
    rows: Vec<Row>,
    failures: Vec<String>,
}

struct Row {
    name: &'static str,
    passed: u64,
    failed: u64,
    longest: Duration,
    detail: String,
}

impl Told {
    pub(crate) fn new(names: impl Iterator<Item = &'static str>, load: u64) -> Self {
        let row = |name| Row { name, passed: 0, failed: 0, longest: Duration::ZERO, detail: String::new() };
        Self { begun: Instant::now(), load, rows: names.map(row).collect(), failures: Vec::new() }
    }

    /// The same, and nothing is said of what has passed.
    pub(crate) fn add_quietly(&mut self, report: Report) {
        self.say(&report, report.outcome.is_err());
        self.count(report);
    }

    /// What became of a scenario, on stderr.
    pub(crate) fn add(&mut self, report: Report) {
        self.say(&report, true);
        self.count(report);
    }

    fn say(&self, Report { name, took, outcome, .. }: &Report, is_told: bool) {
        let (word, detail) = match outcome {
            Ok(detail) => ("ok", detail.clone()),
            Err(mismatch) => ("FAILED", mismatch.to_string()),
        };
        if is_told {
            let at = self.begun.elapsed().as_secs_f64();
            eprintln!("{at:7.1} s  {word:<6}  {name} ({:.1} s): {detail}", took.as_secs_f64());
        }
    }

    fn count(&mut self, report: Report) {
        let Report { name, seed, took, outcome } = report;
        if let Err(mismatch) = &outcome {
            let load = if self.load == 100 { String::new() } else { format!(" --load {}", self.load) };
            // The other checks are of what all of them do.
            let is_scenario = scenarios::ALL.iter().any(|scenario| scenario.name == name);
            let only = if is_scenario { format!(" --only {name}") } else { String::new() };
            self.failures.push(format!(
                "{name}\n  expected: {}\n  observed: {}\n  seed:     {seed}\n  again:    cargo run --release -p pubsub-tests \
                 --bin stress -- --seed {seed}{only}{load}\n",
                mismatch.expected, mismatch.observed
            ));
        }
        let Some(row) = self.rows.iter_mut().find(|row| row.name == name) else { return };
        row.longest = row.longest.max(took);
        match outcome {
            Ok(detail) => (row.passed, row.detail) = (row.passed + 1, detail),
            Err(_) => row.failed += 1,
        }
    }

    pub(crate) fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// For stdout. The last line counts.
    pub(crate) fn summary(&self) -> String {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        let mut text = format!("{:<width$}  passed  failed  longest\n", "scenario");
        for Row { name, passed, failed, longest, detail } in &self.rows {
            let longest = longest.as_secs_f64();
            let _ = writeln!(text, "{name:<width$}  {passed:>6}  {failed:>6}  {longest:>5.1} s  {detail}");
        }
        for failure in &self.failures {
            let _ = write!(text, "\n{failure}");
        }
        let sum = |of: fn(&Row) -> u64| self.rows.iter().map(of).sum::<u64>();
        let _ = write!(text, "\n{} passed, {} failed", sum(|row| row.passed), sum(|row| row.failed));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Mismatch;

    #[test]
    fn the_last_line_counts_and_a_failure_says_how_to_see_it_again() {
        let mut told = Told::new(["one", "limits"].into_iter(), 25);
        let report = |name, outcome| Report { name, seed: 7, took: Duration::from_secs(1), outcome };
        told.add(report("one", Ok("3 events".into())));
        told.add(report("limits", Err(Mismatch::new("event 1", "event 2"))));
        told.add(report("limits", Ok("3 events".into())));
        assert!(told.has_failures());
        let summary = told.summary();
        assert_eq!(summary.lines().last(), Some("2 passed, 1 failed"));
        let failure = "limits\n  expected: event 1\n  observed: event 2\n  seed:     7\n  again:    cargo run --release -p \
                       pubsub-tests --bin stress -- --seed 7 --only limits --load 25\n";
        assert!(summary.contains(failure), "{summary}");
    }
}
