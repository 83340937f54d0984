//! Medians, ratios, and where they are written.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

pub(crate) struct Table {
    only: Vec<String>,
    /// Only our side, for a profiler.
    pub(crate) ours: bool,
    rows: String,
}

const HEAD: &str = "\
| workload | measured | ours | peer | ratio | goal | reached |
|---|---|---|---|---|---|---|
";
const END: &str = "<!-- end of the table -->";

/// What the ratio is to be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// Their time is at least so many times ours.
    AtLeast(f64),
    /// Ours is at most so many times theirs.
    AtMost(f64),
    /// Ours is at most this, whatever theirs is.
    Below(f64),
}

impl Table {
    pub(crate) fn new(only: Vec<String>, ours: bool) -> Self {
        print!("{HEAD}");
        Self { only, ours, rows: String::new() }
    }

    pub(crate) fn wants(&self, workload: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| workload.contains(part))
    }

    /// One comparison. Less is better.
    pub(crate) fn row(
        &mut self,
        workload: &str,
        unit: &str,
        ours: f64,
        peer: Option<(&str, f64)>,
        goal: Goal,
    ) {
        let ratio = peer.map(|(_, peer)| peer / ours);
        let (goal, reached) = match goal {
            Goal::AtLeast(least) => (format!(">= {least}"), ratio.is_some_and(|ratio| ratio >= least)),
            Goal::AtMost(most) => {
                (format!("<= {most} of it"), ratio.is_some_and(|ratio| 1.0 / ratio <= most))
            }
            Goal::Below(most) => (format!("<= {most}"), ours <= most),
        };
        let peer = peer.map_or(String::new(), |(name, peer)| format!("{name} {peer:.1}"));
        let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let reached = if reached { "yes" } else { "no" };
        let mut row = String::new();
        let _ = writeln!(row, "| {workload} | {unit} | {ours:.1} | {peer} | {ratio} | {goal} | {reached} |");
        print!("{row}");
        self.rows.push_str(&row);
    }

    /// Into the file, between the marks that name this command.
    pub(crate) fn save(&self, path: &Path, command: &str) -> io::Result<()> {
        let begin = format!("<!-- table: written by `{command}` -->\n");
        let readme = fs::read_to_string(path)?;
        let parts =
            readme.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let Some((before, after)) = parts else {
            return Err(io::Error::other("the README does not say where the table goes"));
        };
        fs::write(path, format!("{before}{begin}{HEAD}{}{END}{after}", self.rows))
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
