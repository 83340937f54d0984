//! Reading the head of a request or of a response, and no byte beyond it that is not kept.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use tungstenite::error::ProtocolError;
use tungstenite::handshake::machine::TryParse;

/// How much is read at once: a head is short.
const CHUNK: usize = 1024;

#[derive(Debug)]
pub(super) enum HeadError {
    Io(io::Error),
    /// It ended in the middle, or before the beginning.
    Ended,
    TooLarge {
        limit: usize,
    },
    Malformed(tungstenite::Error),
}

/// Reads a head, and gives what came after it too. What becomes of it does not depend on the pieces that it comes in.
pub(super) async fn read<T: TryParse>(
    io: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<(T, Vec<u8>), HeadError> {
    let mut bytes = Vec::new();
    let mut begin = None;
    loop {
        let before = bytes.len();
        bytes.reserve(CHUNK);
        if io.read_buf(&mut bytes).await.map_err(HeadError::Io)? == 0 {
            return Err(HeadError::Ended);
        }
        // Each byte is looked at once, and all of them are parsed once: neither a byte at a time nor empty lines make it quadratic.
        begin = begin.or_else(|| (before..bytes.len()).find(|at| !b"\r\n".contains(&bytes[*at])));
        let end = begin.and_then(|begin| {
            let from = before.saturating_sub(2).max(begin);
            end(&bytes[from..]).map(|end| from + end)
        });
        match end {
            Some(end) if end <= limit => {
                let parsed = T::try_parse(&bytes[..end]).map_err(HeadError::Malformed)?;
                let incomplete = || HeadError::Malformed(ProtocolError::HandshakeIncomplete.into());
                let (_, head) = parsed.ok_or_else(incomplete)?;
                bytes.drain(..end);
                return Ok((head, bytes));
            }
            None if bytes.len() <= limit => {}
            _ => return Err(HeadError::TooLarge { limit }),
        }
    }
}

/// Where an empty line ends. Those before a head are not of it.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut lines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    lines.find_map(|at| match &bytes[at..] {
        [b'\n', ..] => Some(at + 1),
        [b'\r', b'\n', ..] => Some(at + 2),
        _ => None,
    })
}
