//! One line of the terminal that is drawn over and over.

use std::io::{self, Write};

use crate::chart::{bar, fit};
use crate::terminal;

const BAR: usize = 20;

/// A bar on standard error. Draws nothing if that is no terminal.
pub(crate) struct Progress {
    total: u64,
    /// The width of the line; `None` if nothing is drawn.
    columns: Option<usize>,
}

impl Progress {
    pub(crate) fn new(total: u64) -> Self {
        let columns = terminal::moves_a_cursor(&io::stderr()).then(|| terminal::columns(&io::stderr()) - 1);
        Self { total, columns }
    }

    /// For when something else has the terminal.
    pub(crate) fn hidden() -> Self {
        Self { total: 0, columns: None }
    }

    pub(crate) fn draw(&mut self, done: u64, text: &str) {
        let Some(columns) = self.columns else { return };
        let bar = bar(done as f64 / self.total.max(1) as f64, BAR);
        let line = format!("{bar:<BAR$} {done:>6} of {}  {text}", self.total);
        // Without wrapping: a terminal that is narrower than it says would break the line, and the next one could not be
        // drawn over it. A status line is not worth an error: whoever closed standard error does not read it.
        let _ = write!(io::stderr(), "\r\x1b[K\x1b[?7l{}\x1b[?7h", fit(&line, columns));
    }

    pub(crate) fn clear(&mut self) {
        if self.columns.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
