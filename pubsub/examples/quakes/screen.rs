//! The whole terminal, for as long as something is drawn on it.
//!
//! Every frame is drawn anew from the upper left corner, for the size that the terminal has. It is asked for its size
//! again and again, because it may be resized. Until then what is too wide is cut by the terminal, which is told not
//! to wrap lines; what is too high comes to lie on the last line, where the last of it stays.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::terminal::{self, Size};

/// Another screen than that of the shell, no cursor, no wrapped lines.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// To ask takes a process, and that some milliseconds: too long for every frame.
const ASK: Duration = Duration::from_secs(1);

/// The terminal is as it was when this is dropped, whatever the reason: an end, an interrupt, a panic.
pub(crate) struct Screen {
    size: Size,
    asked: Instant,
}

impl Screen {
    pub(crate) fn enter() -> Self {
        write(ENTER);
        Self { size: terminal::size(), asked: Instant::now() }
    }

    /// What the next frame is to be drawn for.
    pub(crate) fn size(&mut self) -> Size {
        if self.asked.elapsed() >= ASK {
            (self.size, self.asked) = (terminal::size(), Instant::now());
        }
        self.size
    }

    pub(crate) fn draw(&mut self, frame: &str) {
        // Down, and not on to a new line, which would scroll the screen at its end.
        let lines: Vec<_> = frame.lines().map(|line| format!("{line}\x1b[K")).collect();
        write(&format!("\x1b[H{}\x1b[J", lines.join("\r\x1b[B")));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        write(LEAVE);
    }
}

/// In one piece, so that no half of a frame is seen. A terminal that is gone needs no frame and no restoring.
fn write(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
