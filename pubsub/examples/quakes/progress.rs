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
        let columns = terminal::moves_a_cursor(&io::stderr()).then(|| terminal::columns() - 1);
        Self { total, columns }
    }

    pub(crate) fn draw(&mut self, done: u64, text: &str) {
        let Some(columns) = self.columns else { return };
        let bar = bar(done as f64 / self.total.max(1) as f64, BAR);
        let line = format!("{bar:<BAR$} {done:>6} of {}  {text}", self.total);
        // A status line is not worth an error: whoever closed standard error does not read it.
        let _ = write!(io::stderr(), "\r\x1b[K{}", fit(&line, columns));
    }

    pub(crate) fn clear(&mut self) {
        if self.columns.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
