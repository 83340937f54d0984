//! The lines of an event stream.

use std::io::Write;

use super::Positions;

/// A comment: a sign of life, which readers pass over.
pub(crate) const KEEP_ALIVE: &[u8] = b":\n\n";

/// How long a client is to wait before it comes back, in milliseconds, where somebody has said so.
pub(crate) fn retry(millis: Option<u64>, out: &mut Vec<u8>) {
    if let Some(millis) = millis {
        // Into memory: it does not fail.
        let _ = write!(out, "retry: {millis}\n\n");
    }
}

/// One event. A name has no line break: it is that of a topic or of a control message.
pub(super) fn event(name: &str, positions: &Positions, data: &[u8], out: &mut Vec<u8>) {
    let _ = write!(out, "event: {name}\nid: {positions}\n");
    // What a client published may have line breaks between its members, and each line of data needs its name.
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
}
