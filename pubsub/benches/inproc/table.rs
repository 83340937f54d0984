//! Runs the candidates of a workload in turns, and prints medians and ratios.

use std::fmt::Write;

pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// The first is ours.
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) goals: Vec<Goal>,
    pub(crate) rounds: usize,
}

pub(crate) type Candidate = (&'static str, fn() -> f64);

pub(crate) enum Goal {
    /// The peer's time is to be at least so many times ours.
    Ratio {
        ours: &'static str,
        peer: &'static str,
        at_least: f64,
    },
    AtMost {
        ours: &'static str,
        nanoseconds: f64,
    },
}

pub(crate) const HEAD: &str = "\
| workload | measured | ours | peer | ratio | goal | reached |
|---|---|---|---|---|---|---|
";

impl Workload {
    /// The rows of the table.
    pub(crate) fn run(&self) -> String {
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); self.candidates.len()];
        for _ in 0..self.rounds {
            for ((_, run), times) in self.candidates.iter().zip(&mut times) {
                times.push(run());
            }
        }
        let medians: Vec<f64> = times.into_iter().map(median).collect();
        let time = |name| {
            let place = self.candidates.iter().position(|(other, _)| *other == name);
            medians[place.expect("a candidate of this workload")]
        };
        let mut rows = String::new();
        for goal in &self.goals {
            let (ours, peer, ratio, goal, reached) = match *goal {
                Goal::Ratio { ours, peer, at_least } => {
                    let ratio = time(peer) / time(ours);
                    let peer = format!("{peer} {:.1}", time(peer));
                    (ours, peer, format!("{ratio:.2}"), format!(">= {at_least}"), ratio >= at_least)
                }
                Goal::AtMost { ours, nanoseconds } => (
                    ours,
                    String::new(),
                    String::new(),
                    format!("<= {nanoseconds}"),
                    time(ours) <= nanoseconds,
                ),
            };
            let (name, unit, reached) = (self.name, self.unit, if reached { "yes" } else { "no" });
            let ours = format!("{ours} {:.1}", time(ours));
            let _ = writeln!(rows, "| {name} | {unit} | {ours} | {peer} | {ratio} | {goal} | {reached} |");
        }
        rows
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
