//! Frames to messages, however the bytes come.

use std::ops::Range;

use super::close::Close;
use super::frame::{Head, Kind, MAX_HEAD, Opcode};
use super::mask;
use super::stream::Role;
use super::violation::Violation;

/// How much a message may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The bytes of a message, whether it comes in one frame or in many.
    pub(crate) message: usize,
}

/// Something complete that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Message(Kind, Payload),
    Ping(Vec<u8>),
    Pong,
    Close(Close),
}

/// Where a message is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// In the bytes that were parsed.
    Place(Range<usize>),
    /// It came in parts.
    Own(Vec<u8>),
}

/// Reads what one side sends. What is not complete is kept, and nothing else.
pub(super) struct Parser {
    masked: bool,
    limits: Limits,
    /// The beginning of a head.
    head: [u8; MAX_HEAD],
    head_len: u8,
    /// The frame that is being read, and how much of it was.
    frame: Option<(Head, usize)>,
    /// The message that is being read: in fragments, or in a frame that is.
    message: Option<(Kind, Vec<u8>)>,
    control: Vec<u8>,
}

impl Parser {
    /// What `role` reads: what its other side sends.
    pub(super) fn new(role: Role, limits: Limits) -> Self {
        Self {
            masked: role == Role::Server,
            limits,
            head: [0; MAX_HEAD],
            head_len: 0,
            frame: None,
            message: None,
            control: Vec::new(),
        }
    }

    /// Reads on in `bytes`, which it unmasks where they are, up to the end of something complete. Gives that, with how
    /// many bytes it took; `None` if all were taken and more are needed.
    ///
    /// # Errors
    /// What the other side did wrong. There is no reading on after it.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<Option<(usize, Found)>, Violation> {
        let mut at = 0;
        loop {
            let (head, done) = match self.frame {
                Some(frame) => frame,
                None => match self.read_head(&bytes[at..])? {
                    (size, Some(head)) => {
                        at += size;
                        (head, 0)
                    }
                    (_, None) => return Ok(None),
                },
            };
            // It fits: a message has a bound, and a control frame another.
            let left = head.len as usize - done;
            let part = at..bytes.len().min(at + left);
            let complete = part.len() == left;
            if let Some(key) = head.key {
                mask::apply(key, done, &mut bytes[part.clone()]);
            }
            at = part.end;
            self.frame = (!complete).then_some((head, done + part.len()));
            if let Some(found) = self.take(head, bytes, part, complete)? {
                return Ok(Some((at, found)));
            }
            if at == bytes.len() {
                return Ok(None);
            }
        }
    }

    /// How many bytes it took, and the head if it is complete.
    fn read_head(&mut self, bytes: &[u8]) -> Result<(usize, Option<Head>), Violation> {
        let known = usize::from(self.head_len);
        // Whole, as nearly always: read where it is.
        if known == 0 && bytes.len() >= 2 && bytes.len() >= Head::size(bytes[1]) {
            let head = Head::read(bytes)?;
            self.check(&head)?;
            return Ok((Head::size(bytes[1]), Some(head)));
        }
        let mut len = known;
        for byte in bytes {
            self.head[len] = *byte;
            len += 1;
            if len >= 2 && len == Head::size(self.head[1]) {
                self.head_len = 0;
                let head = Head::read(&self.head)?;
                self.check(&head)?;
                return Ok((len - known, Some(head)));
            }
        }
        self.head_len = len as u8;
        Ok((bytes.len(), None))
    }

    /// What a head says about what was before it, and about us.
    fn check(&self, head: &Head) -> Result<(), Violation> {
        if head.key.is_some() != self.masked {
            return Err(Violation::Masking);
        }
        if head.opcode.is_control() {
            return Ok(());
        }
        match (head.opcode, &self.message) {
            (Opcode::Continuation, None) => return Err(Violation::Continuation),
            (Opcode::Data(_), Some(_)) => return Err(Violation::Interleaved),
            _ => {}
        }
        let before = self.message.as_ref().map_or(0, |(_, bytes)| bytes.len());
        let limit = self.limits.message;
        if head.len > (limit - before.min(limit)) as u64 {
            return Err(Violation::TooBig { limit });
        }
        Ok(())
    }

    /// Takes a part of a frame, which may complete something.
    fn take(
        &mut self,
        head: Head,
        bytes: &[u8],
        part: Range<usize>,
        complete: bool,
    ) -> Result<Option<Found>, Violation> {
        if head.opcode.is_control() {
            self.control.extend_from_slice(&bytes[part]);
            return if complete { self.control(head.opcode).map(Some) } else { Ok(None) };
        }
        let ends = complete && head.fin;
        let (kind, payload) = match (&mut self.message, head.opcode) {
            (None, Opcode::Data(kind)) if ends => (kind, Payload::Place(part)),
            (message, opcode) => {
                let (_, own) = message.get_or_insert_with(|| match opcode {
                    Opcode::Data(kind) => (kind, Vec::new()),
                    _ => unreachable!("a fragment without a message was refused"),
                });
                own.extend_from_slice(&bytes[part]);
                if !ends {
                    return Ok(None);
                }
                let Some((kind, own)) = self.message.take() else { return Ok(None) };
                (kind, Payload::Own(own))
            }
        };
        if kind == Kind::Text {
            let text = match &payload {
                Payload::Place(place) => &bytes[place.clone()],
                Payload::Own(own) => own,
            };
            std::str::from_utf8(text).map_err(|_| Violation::Utf8)?;
        }
        Ok(Some(Found::Message(kind, payload)))
    }

    fn control(&mut self, opcode: Opcode) -> Result<Found, Violation> {
        let payload = std::mem::take(&mut self.control);
        match opcode {
            Opcode::Close => Close::read(&payload).map(Found::Close),
            Opcode::Ping => Ok(Found::Ping(payload)),
            _ => Ok(Found::Pong),
        }
    }
}

#[cfg(test)]
mod tests;
