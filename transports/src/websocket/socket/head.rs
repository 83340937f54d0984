//! Reading the head of a request or of a response, and no byte beyond it that is not kept.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
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

/// Reads a head, and gives what came after it too.
pub(super) async fn read<T: TryParse>(
    io: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<(T, Vec<u8>), HeadError> {
    let mut bytes = Vec::new();
    loop {
        let before = bytes.len();
        bytes.reserve(CHUNK);
        if io.read_buf(&mut bytes).await.map_err(HeadError::Io)? == 0 {
            return Err(HeadError::Ended);
        }
        // Parsed anew only when it may be complete: a byte at a time does not make it quadratic.
        let from = before.saturating_sub(3);
        let ended = bytes[from..].windows(2).any(|pair| pair == b"\n\r" || pair == b"\n\n");
        if ended || bytes.len() > limit {
            let parsed = T::try_parse(&bytes).map_err(HeadError::Malformed)?;
            if let Some((size, head)) = parsed.filter(|(size, _)| *size <= limit) {
                bytes.drain(..size);
                return Ok((head, bytes));
            }
        }
        if bytes.len() > limit {
            return Err(HeadError::TooLarge { limit });
        }
    }
}
