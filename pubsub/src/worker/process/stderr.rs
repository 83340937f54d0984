//! What a worker process writes to standard error, line by line.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

/// Who gets the lines: the name of the worker, and the line.
pub(super) type Lines = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// A longer line is cut into lines of so many bytes.
const LINE: u64 = 8 * 1024;

/// To the standard error of this process, after the name.
pub(super) fn pass_through() -> Lines {
    Arc::new(|name, line| eprintln!("{name}: {line}"))
}

/// Reads to the end, whatever is written there.
pub(super) fn read(name: &str, pipe: impl Read, lines: &Lines) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    let mut is_cut = false;
    loop {
        line.clear();
        match pipe.by_ref().take(LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            // The end of a line that was just as long.
            Ok(_) if is_cut && line == b"\n" => is_cut = false,
            Ok(_) => {
                is_cut = !line.ends_with(b"\n");
                lines(name, String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
            }
        }
    }
}
