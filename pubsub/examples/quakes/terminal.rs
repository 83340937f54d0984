//! What the terminal can do, and how large it is.

use std::env::{var, var_os};
use std::fs::File;
use std::io::IsTerminal;
use std::process::{Command, Stdio};

/// What there is to draw on.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) lines: usize,
}

/// The whole terminal. What it says itself comes first: what was exported does not follow the window.
pub(crate) fn size() -> Size {
    let (lines, columns) = ask();
    Size {
        columns: columns.or_else(|| exported("COLUMNS")).unwrap_or(80).clamp(50, 200),
        lines: lines.or_else(|| exported("LINES")).unwrap_or(24).clamp(4, 200),
    }
}

/// The width of what is printed on `stream`: as asked for by `COLUMNS`, or that of the terminal, if it is one.
pub(crate) fn columns(stream: &impl IsTerminal) -> usize {
    let asked = || if stream.is_terminal() { ask().1 } else { None };
    exported("COLUMNS").or_else(asked).unwrap_or(80).clamp(60, 200)
}

/// Whether `stream` shows colours, and nobody asked for none: <https://no-color.org>.
pub(crate) fn has_colours(stream: &impl IsTerminal) -> bool {
    moves_a_cursor(stream) && var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether a line on `stream` can be drawn over.
pub(crate) fn moves_a_cursor(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && var_os("TERM").is_some_and(|term| term != "dumb")
}

fn exported(name: &str) -> Option<usize> {
    number(&var(name).ok()?)
}

/// Lines and columns, from `stty`: the standard library cannot ask, and most shells know but do not export them.
fn ask() -> (Option<usize>, Option<usize>) {
    let Ok(terminal) = File::open("/dev/tty") else { return (None, None) };
    let answer = Command::new("stty").arg("size").stdin(terminal).stderr(Stdio::null()).output();
    let answer = answer.map(|answer| answer.stdout).unwrap_or_default();
    let answer = String::from_utf8_lossy(&answer);
    let mut numbers = answer.split_whitespace().map(number);
    (numbers.next().flatten(), numbers.next().flatten())
}

/// A terminal that does not know its size says 0.
fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number| *number > 0)
}
