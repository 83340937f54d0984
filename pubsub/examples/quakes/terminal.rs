//! What the terminal can do.

use std::env::{var, var_os};
use std::io::IsTerminal;

/// The width to draw for.
pub(crate) fn columns() -> usize {
    let asked = var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    asked.unwrap_or(80).clamp(60, 200)
}

/// The height to draw for.
pub(crate) fn lines() -> usize {
    let asked = var("LINES").ok().and_then(|lines| lines.parse().ok());
    asked.unwrap_or(40).clamp(10, 200)
}

/// Whether `stream` shows colours, and nobody asked for none: <https://no-color.org>.
pub(crate) fn has_colours(stream: &impl IsTerminal) -> bool {
    moves_a_cursor(stream) && var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether a line on `stream` can be drawn over.
pub(crate) fn moves_a_cursor(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && var_os("TERM").is_some_and(|term| term != "dumb")
}
