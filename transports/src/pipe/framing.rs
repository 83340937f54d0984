//! Messages with their lengths before them.

use std::fmt;
use std::io::{self, Read};

use bytes::Bytes;

/// Why no message could be read.
#[derive(Debug)]
pub enum FrameError {
    /// The pipe broke, or ended within a message.
    Io(io::Error),
    /// Something else was written to the pipe, or a message beyond the limit.
    TooLarge {
        /// The length that it says.
        length: usize,
        /// The limit.
        limit: usize,
        /// Its first bytes, as text.
        begins: String,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::TooLarge { length, limit, begins } => write!(
                f,
                "a message of {length} bytes, where {limit} are allowed: it begins with {begins:?}, so something else may have \
                 been written there"
            ),
        }
    }
}

/// The next message; `None` where the pipe ends between two.
///
/// # Errors
/// [`FrameError`]: what comes after it cannot be told apart any more.
pub fn read_frame(pipe: &mut impl Read, limit: usize) -> Result<Option<Bytes>, FrameError> {
    let mut head = [0; 4];
    let mut filled = 0;
    while filled < head.len() {
        match pipe.read(&mut head[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FrameError::Io(error)),
        }
    }
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if length > limit {
        let begins = String::from_utf8_lossy(&head).into_owned();
        return Err(FrameError::TooLarge { length, limit, begins });
    }
    // Grown as it comes: a length alone takes no memory.
    let mut message = Vec::new();
    let read = pipe.take(length as u64).read_to_end(&mut message).map_err(FrameError::Io)?;
    if read < length {
        return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(Some(message.into()))
}

/// Appends a message with its length.
pub(super) fn append(message: &[u8], out: &mut Vec<u8>) {
    // Codecs and limits keep messages far below 4 GiB.
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back() {
        let mut pipe = Vec::new();
        for message in [&b"one"[..], b"", b"three"] {
            append(message, &mut pipe);
        }
        let mut pipe = &pipe[..];
        for message in [&b"one"[..], b"", b"three"] {
            assert_eq!(read_frame(&mut pipe, 5).unwrap().unwrap(), message);
        }
        assert!(read_frame(&mut pipe, 5).unwrap().is_none());
    }

    #[test]
    fn the_limit_is_that_of_a_message() {
        let mut pipe = Vec::new();
        append(b"123456", &mut pipe);
        assert!(read_frame(&mut &pipe[..], 6).unwrap().is_some());
        assert!(matches!(
            read_frame(&mut &pipe[..], 5),
            Err(FrameError::TooLarge { length: 6, limit: 5, .. })
        ));
    }

    #[test]
    fn garbage_is_told_as_it_is() {
        let error = read_frame(&mut &b"Hello, world!\n"[..], 1 << 20).unwrap_err();
        assert!(error.to_string().contains("\"Hell\""), "{error}");
    }

    #[test]
    fn an_end_within_a_message_is_an_error() {
        let mut pipe = Vec::new();
        append(b"123456", &mut pipe);
        for end in 1..pipe.len() {
            assert!(matches!(read_frame(&mut &pipe[..end], 6), Err(FrameError::Io(_))), "{end}");
        }
    }
}
