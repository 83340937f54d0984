//! Messages with their lengths before them.

use std::fmt;
use std::io::{self, Read};

use bytes::{Buf as _, Bytes, BytesMut};

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

/// Reads messages from a pipe: as much as there is at once, so that many short ones cost one call of the system.
pub struct FrameReader<R> {
    pipe: R,
    limit: usize,
    /// Read, and not given out. It grows as bytes come: a length alone takes no memory.
    buffer: BytesMut,
    /// What is read into.
    chunk: Box<[u8]>,
}

/// How much is read at once.
const READ: usize = 64 * 1024;

const LENGTH: usize = 4;

impl<R: Read> FrameReader<R> {
    /// Messages of at most `limit` bytes.
    pub fn new(pipe: R, limit: usize) -> Self {
        Self { pipe, limit, buffer: BytesMut::new(), chunk: vec![0; READ].into() }
    }

    /// The next message, if all of it was read already.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`]: what comes after it cannot be told apart any more.
    pub fn buffered(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(head) = self.buffer.first_chunk::<LENGTH>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
        if length > self.limit {
            let begins = String::from_utf8_lossy(head).into_owned();
            return Err(FrameError::TooLarge { length, limit: self.limit, begins });
        }
        if self.buffer.len() - LENGTH < length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    /// Waits for more. `false`: the pipe has ended, between two messages.
    ///
    /// # Errors
    /// [`FrameError::Io`]: it broke, or ended within a message.
    pub fn fill(&mut self) -> Result<bool, FrameError> {
        loop {
            match self.pipe.read(&mut self.chunk) {
                Ok(0) if self.buffer.is_empty() => return Ok(false),
                Ok(0) => return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => {
                    self.buffer.extend_from_slice(&self.chunk[..read]);
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(FrameError::Io(error)),
            }
        }
    }

    /// The next message, waited for; `None` where the pipe ends between two.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            if let Some(message) = self.buffered()? {
                return Ok(Some(message));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }
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
        // Whatever is read at once.
        for at_once in [1, 2, 5, 1_000] {
            let mut reader = FrameReader::new(Slowly(&pipe, at_once), 5);
            for message in [&b"one"[..], b"", b"three"] {
                assert_eq!(reader.next().unwrap().unwrap(), message);
            }
            assert!(reader.next().unwrap().is_none());
        }
    }

    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let some = buffer.len().min(self.1);
            self.0.read(&mut buffer[..some])
        }
    }

    #[test]
    fn what_is_there_is_given_without_waiting() {
        let mut pipe = Vec::new();
        append(b"one", &mut pipe);
        append(b"two", &mut pipe);
        let mut reader = FrameReader::new(&pipe[..pipe.len() - 1], 5);
        assert!(reader.buffered().unwrap().is_none(), "nothing was read");
        assert!(reader.fill().unwrap());
        assert_eq!(reader.buffered().unwrap().unwrap(), "one");
        assert!(reader.buffered().unwrap().is_none(), "the last byte is missing");
        assert!(matches!(reader.fill(), Err(FrameError::Io(_))));
    }

    #[test]
    fn the_limit_is_that_of_a_message() {
        let mut pipe = Vec::new();
        append(b"123456", &mut pipe);
        assert!(FrameReader::new(&pipe[..], 6).next().unwrap().is_some());
        assert!(matches!(
            FrameReader::new(&pipe[..], 5).next(),
            Err(FrameError::TooLarge { length: 6, limit: 5, .. })
        ));
    }

    #[test]
    fn garbage_is_told_as_it_is() {
        let error = FrameReader::new(&b"Hello, world!\n"[..], 1 << 20).next().unwrap_err();
        assert!(error.to_string().contains("\"Hell\""), "{error}");
    }

    #[test]
    fn an_end_within_a_message_is_an_error() {
        let mut pipe = Vec::new();
        append(b"123456", &mut pipe);
        for end in 1..pipe.len() {
            assert!(matches!(FrameReader::new(&pipe[..end], 6).next(), Err(FrameError::Io(_))), "{end}");
        }
    }
}
