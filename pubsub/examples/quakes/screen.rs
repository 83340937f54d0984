//! The whole terminal, for as long as something is drawn on it.
//!
//! It is not asked how large it is: that takes more than the standard library, and the answer would be old after the
//! next resize. Every frame is drawn anew from the upper left corner. What is too wide is cut by the terminal, which
//! is told not to wrap lines; what is too high comes to lie on the last line, where the last of it stays.

use std::io::{self, Write};

/// Another screen than that of the shell, no cursor, no wrapped lines.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// The terminal is as it was when this is dropped, whatever the reason: an end, an interrupt, a panic.
pub(crate) struct Screen(());

impl Screen {
    pub(crate) fn enter() -> Self {
        write(ENTER);
        Self(())
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
