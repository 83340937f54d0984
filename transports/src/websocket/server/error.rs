//! Why a client was not let in.

use std::fmt;
use std::io;

use crate::websocket::CloseCode;
use crate::websocket::socket::HandshakeError;

/// Why a client was not let in.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptError {
    /// The connection broke.
    Io(io::Error),
    /// It took too long over the handshake.
    TimedOut,
    /// What came was no request to become a WebSocket, and was answered so.
    Handshake {
        /// The status of HTTP.
        status: u16,
        /// What was wrong.
        reason: String,
    },
    /// It was a WebSocket, and was closed with this code.
    Closed(CloseCode),
}

impl From<HandshakeError> for AcceptError {
    fn from(error: HandshakeError) -> Self {
        match error {
            HandshakeError::Io(error) => Self::Io(error),
            HandshakeError::TimedOut => Self::TimedOut,
            HandshakeError::Refused { status, reason } => Self::Handshake { status, reason },
        }
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("the connection broke in the handshake"),
            Self::TimedOut => f.write_str("the handshake took too long"),
            Self::Handshake { status, reason } => {
                write!(f, "the handshake was refused with {status}: {reason}")
            }
            Self::Closed(code) => write!(f, "the client was not let in: {code}"),
        }
    }
}

impl std::error::Error for AcceptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
