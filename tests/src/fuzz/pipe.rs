//! What comes over the pipe of a worker process.

use std::io::{self, Read};

use pubsub_transports::__private::{Control, FrameReader};
use pubsub_transports::codec::Json;

use super::in_proportion;

/// How much a message may have.
const LIMIT: usize = 512;

/// The first byte says how much is read at once.
pub fn pipe(input: &[u8]) {
    let Some((at_once, bytes)) = input.split_first() else { return };
    let slowly = messages(bytes, usize::from(*at_once).max(1));
    assert_eq!(messages(bytes, usize::MAX), slowly, "whatever is read at once");
    for message in &slowly {
        let Ok(control) = Control::read(&Json::default(), message) else { continue };
        let again = control.write(&Json::default()).expect("it is no longer than it was");
        let again = Control::read(&Json::default(), &again).expect("it was written");
        assert_eq!(format!("{again:?}"), format!("{control:?}"));
    }
}

fn messages(bytes: &[u8], at_once: usize) -> Vec<bytes::Bytes> {
    // The buffer that is read into, and what is given out.
    in_proportion(bytes.len(), 128, 72 * 1024, || {
        let mut reader = FrameReader::new(Slowly { bytes, at_once }, LIMIT);
        let mut messages = Vec::new();
        while let Ok(Some(message)) = reader.next() {
            assert!(message.len() <= LIMIT);
            messages.push(message);
        }
        messages
    })
}

struct Slowly<'a> {
    bytes: &'a [u8],
    at_once: usize,
}

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let some = buffer.len().min(self.at_once);
        self.bytes.read(&mut buffer[..some])
    }
}
