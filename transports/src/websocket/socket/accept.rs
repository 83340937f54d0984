//! The server's half of the opening handshake: RFC 6455, section 4.2.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tungstenite::handshake::server::{Response, create_response, write_response};
#[cfg(feature = "axum")]
use tungstenite::http::Request;
use tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tungstenite::http::{HeaderValue, StatusCode};

use super::head::{self, HeadError};
use super::parser::Limits;
use super::stream::{Role, WebSocket};
use super::upgrade::UpgradeRequest;

/// What a handshake may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandshakeLimits {
    /// The bytes of the request.
    pub(crate) head: usize,
    /// The time for the request, and as much for the answer.
    pub(crate) timeout: Duration,
}

/// Why nobody was let in.
#[derive(Debug)]
pub(crate) enum HandshakeError {
    /// The connection broke.
    Io(io::Error),
    /// The request, or the reading of the answer, took too long.
    TimedOut,
    /// The request was refused, with this status.
    Refused {
        /// Of HTTP.
        status: u16,
        /// What was wrong.
        reason: String,
    },
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("the connection broke in the handshake"),
            Self::TimedOut => f.write_str("the handshake took too long"),
            Self::Refused { status, reason } => {
                write!(f, "the handshake was refused with {status}: {reason}")
            }
        }
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// What to answer a request that somebody else has read, where it is one to become a WebSocket.
///
/// # Errors
/// The status and the reason to refuse it with.
#[cfg(feature = "axum")]
pub(crate) fn answer_upgrade(
    request: Request<()>,
) -> Result<(UpgradeRequest, Response), (StatusCode, String)> {
    match create_response(&request) {
        Ok(response) => Ok((UpgradeRequest::new(request), response)),
        Err(error) => {
            let refusal = Refusal::of_request(&error);
            Err((refusal.status, refusal.reason))
        }
    }
}

/// A client that may become a WebSocket, and waits for the answer.
pub(crate) struct Accepted<S> {
    io: S,
    pub(crate) request: UpgradeRequest,
    response: Response,
    early: Vec<u8>,
    limits: HandshakeLimits,
}

/// Reads a request to become a WebSocket. One that is none is answered with an error of HTTP.
///
/// # Cancel safety
/// None: the stream is dropped.
pub(crate) async fn receive_upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    mut io: S,
    limits: HandshakeLimits,
) -> Result<Accepted<S>, HandshakeError> {
    let read = timeout(limits.timeout, head::read(&mut io, limits.head)).await;
    let refusal = match read.map_err(|_| HandshakeError::TimedOut)? {
        Ok((request, early)) => match create_response(&request) {
            Ok(response) => {
                return Ok(Accepted { io, request: UpgradeRequest::new(request), response, early, limits });
            }
            Err(error) => Refusal::of_request(&error),
        },
        Err(HeadError::Io(error)) => return Err(HandshakeError::Io(error)),
        Err(HeadError::Ended) => return Err(HandshakeError::Io(io::ErrorKind::UnexpectedEof.into())),
        Err(HeadError::TooLarge { limit }) => {
            let reason = format!("a request has at most {limit} bytes");
            Refusal { status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, header: None, reason }
        }
        Err(HeadError::Malformed(error)) => Refusal::of_request(&error),
    };
    refusal.send(io, limits).await
}

impl<S: AsyncRead + AsyncWrite + Unpin> Accepted<S> {
    /// Lets the client in, with one of the subprotocols that it offered or with none.
    pub(crate) async fn accept(
        self,
        subprotocol: Option<&str>,
        limits: Limits,
    ) -> Result<(WebSocket<S>, UpgradeRequest), HandshakeError> {
        let Self { mut io, request, mut response, early, limits: handshake } = self;
        if let Some(value) = subprotocol.and_then(|name| HeaderValue::from_str(name).ok()) {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
        let mut head = Vec::with_capacity(192);
        // Into memory, and headers that are ASCII: it does not fail.
        write_response(&mut head, &response).map_err(|error| HandshakeError::Io(io::Error::other(error)))?;
        write(&mut io, &head, handshake).await?;
        Ok((WebSocket::new(io, Role::Server, limits, &early), request))
    }

    /// Sends the client away.
    pub(crate) async fn refuse(self, status: u16, reason: &str) -> HandshakeError {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
        let refusal = Refusal { status, header: None, reason: reason.to_owned() };
        match refusal.send::<S, ()>(self.io, self.limits).await {
            Err(error) => error,
            Ok(()) => HandshakeError::TimedOut,
        }
    }
}

async fn write(
    io: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    limits: HandshakeLimits,
) -> Result<(), HandshakeError> {
    let write = async {
        io.write_all(bytes).await?;
        io.flush().await
    };
    timeout(limits.timeout, write).await.map_err(|_| HandshakeError::TimedOut)?.map_err(HandshakeError::Io)
}

struct Refusal {
    status: StatusCode,
    header: Option<&'static str>,
    reason: String,
}

impl Refusal {
    /// A request that is HTTP, and none to become a WebSocket.
    fn of_request(error: &tungstenite::Error) -> Self {
        use tungstenite::error::{Error, ProtocolError as Protocol};
        let (status, header) = match error {
            Error::Protocol(Protocol::WrongHttpMethod) => {
                (StatusCode::METHOD_NOT_ALLOWED, Some("Allow: GET\r\n"))
            }
            Error::Protocol(
                Protocol::MissingConnectionUpgradeHeader | Protocol::MissingUpgradeWebSocketHeader,
            ) => (StatusCode::UPGRADE_REQUIRED, Some("Upgrade: websocket\r\n")),
            Error::Protocol(Protocol::MissingSecWebSocketVersionHeader) => {
                (StatusCode::UPGRADE_REQUIRED, Some("Sec-WebSocket-Version: 13\r\n"))
            }
            _ => (StatusCode::BAD_REQUEST, None),
        };
        Self { status, header, reason: error.to_string() }
    }

    async fn send<S: AsyncRead + AsyncWrite + Unpin, T>(
        self,
        mut io: S,
        limits: HandshakeLimits,
    ) -> Result<T, HandshakeError> {
        let Self { status, header, reason } = self;
        let (header, length) = (header.unwrap_or_default(), reason.len());
        let answer = format!(
            "HTTP/1.1 {status}\r\n{header}Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {length}\r\n\r\n{reason}"
        );
        write(&mut io, answer.as_bytes(), limits).await?;
        // So that the answer is read, and not lost by what is left unread here.
        let _ = timeout(limits.timeout, io.shutdown()).await;
        Err(HandshakeError::Refused { status: status.as_u16(), reason })
    }
}
