//! What is told: lines while it runs, and a table in the end.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::scenarios;
use crate::suite::Report;

pub(crate) struct Told {
    begun: Instant,
    again: Again,
    rows: Vec<Row>,
    failures: Vec<String>,
}

/// What has to be run to see a failure again.
pub(crate) enum Again {
    /// The round, of this load in percent.
    Round { load: u64, only: Vec<String> },
    /// The whole soak: its hubs keep less than others, and what goes on beside a scenario is a part of it.
    Soak { seed: u64, length: Duration, only: Vec<String> },
}

impl Again {
    fn arguments(&self, name: &str, seed: u64) -> String {
        let named = |names: &[String]| names.iter().map(|name| format!(" --only {name}")).collect::<String>();
        match self {
            Self::Round { load, only } => {
                // The other checks are of what all of them do.
                let is_scenario = scenarios::ALL.iter().any(|scenario| scenario.name == name);
                let only = if is_scenario { format!(" --only {name}") } else { named(only) };
                let load = if *load == 100 { String::new() } else { format!(" --load {load}") };
                format!("--seed {seed}{only}{load}")
            }
            Self::Soak { seed, length, only } => {
                format!("--seed {seed}{} --soak {}s", named(only), length.as_secs())
            }
        }
    }
}

struct Row {
    name: &'static str,
    passed: u64,
    failed: u64,
    longest: Duration,
    detail: String,
}

impl Told {
    pub(crate) fn new(names: impl Iterator<Item = &'static str>, again: Again) -> Self {
        let row = |name| Row { name, passed: 0, failed: 0, longest: Duration::ZERO, detail: String::new() };
        Self { begun: Instant::now(), again, rows: names.map(row).collect(), failures: Vec::new() }
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
            let again = self.again.arguments(name, seed);
            self.failures.push(format!(
                "{name}\n  expected: {}\n  observed: {}\n  seed:     {seed}\n  again:    cargo run --release -p pubsub-tests \
                 --bin stress -- {again}\n",
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
    use crate::leaks;

    #[test]
    fn the_last_line_counts_and_a_failure_says_how_to_see_it_again() {
        let again = Again::Round { load: 25, only: Vec::new() };
        let mut told = Told::new(["one", "limits"].into_iter(), again);
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

    #[test]
    fn what_failed_in_a_round_is_seen_again_in_a_round_and_what_failed_in_a_soak_in_a_soak() {
        let only = || vec!["limits".to_owned(), "no_pong".to_owned()];
        let round = Again::Round { load: 100, only: only() };
        assert_eq!(round.arguments("limits", 7), "--seed 7 --only limits");
        assert_eq!(round.arguments(leaks::NAME, 7), "--seed 7 --only limits --only no_pong");
        let soak = Again::Soak { seed: 5, length: Duration::from_secs(90), only: only() };
        for name in ["limits", "steady_crowd", leaks::NAME] {
            assert_eq!(soak.arguments(name, 7), "--seed 5 --only limits --only no_pong --soak 90s");
        }
        let soak = Again::Soak { seed: 5, length: Duration::from_secs(60), only: Vec::new() };
        assert_eq!(soak.arguments("limits", 7), "--seed 5 --soak 60s");
    }
}
