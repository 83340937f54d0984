//! What the other side did against the rules.

use std::fmt;

/// A rule of RFC 6455 that was broken, or a bound that was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A bit of an extension, and none was agreed on.
    ReservedBits,
    /// A kind of frame that there is not.
    Opcode(u8),
    /// A length in more bytes than it needs, or beyond 2⁶³.
    Length,
    /// A control frame in fragments, or longer than 125 bytes.
    Control,
    /// A client's frame without a mask, or a server's with one.
    Masking,
    /// A fragment of no message.
    Continuation,
    /// A message within another.
    Interleaved,
    /// A close frame with half a code, or one that is never sent.
    CloseCode,
    /// A text, or the reason of a close frame, that is no UTF-8.
    Utf8,
    /// More bytes than a message may have.
    TooBig {
        /// How many it may have.
        limit: usize,
    },
}

impl Violation {
    /// The code of the close frame that answers it.
    pub(crate) fn close_code(self) -> u16 {
        match self {
            Self::Utf8 => 1007,
            Self::TooBig { .. } => 1009,
            _ => 1002,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedBits => f.write_str("a reserved bit is set"),
            Self::Opcode(number) => write!(f, "there is no kind of frame {number}"),
            Self::Length => f.write_str("a length is not written as it has to be"),
            Self::Control => f.write_str("a control frame is in fragments or too long"),
            Self::Masking => f.write_str("a client masks its frames and a server does not"),
            Self::Continuation => f.write_str("a fragment belongs to no message"),
            Self::Interleaved => f.write_str("a message begins within another"),
            Self::CloseCode => f.write_str("a close frame has no code that may be sent"),
            Self::Utf8 => f.write_str("a text is not UTF-8"),
            Self::TooBig { limit } => write!(f, "a message has at most {limit} bytes"),
        }
    }
}

impl std::error::Error for Violation {}
