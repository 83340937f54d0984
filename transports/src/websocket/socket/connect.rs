//! The client's half of the opening handshake: RFC 6455, section 4.1.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tungstenite::handshake::client::{Response, generate_key};
use tungstenite::handshake::derive_accept_key;
use tungstenite::http::StatusCode;
use tungstenite::http::header::{self, HeaderMap, HeaderValue};

use super::head::{self, HeadError};
use super::parser::Limits;
use super::stream::{Role, WebSocket};
use super::tcp::{ClientStream, ClientTls};
use super::url::WebSocketUrl;
use crate::{ConnectError, ErrorCode, Rejection};

/// How a client connects.
#[derive(Clone)]
pub(crate) struct ConnectOptions {
    /// Beyond those of the handshake.
    pub(crate) headers: HeaderMap,
    /// Which to speak; the server takes one of them.
    pub(crate) subprotocols: Vec<String>,
    /// For all of it.
    pub(crate) timeout: Duration,
    pub(crate) limits: Limits,
    pub(crate) tls: ClientTls,
}

/// How much the server may say in its answer.
const MAX_RESPONSE: usize = 16 * 1024;

/// Opens a WebSocket. Gives the subprotocol that the server took, too.
///
/// # Cancel safety
/// Dropping the future closes what it has opened.
pub(crate) async fn connect(
    url: &WebSocketUrl,
    options: &ConnectOptions,
) -> Result<(WebSocket<ClientStream>, Option<String>), ConnectError> {
    let opened = async {
        let io =
            TcpStream::connect((url.host(), url.port())).await.map_err(|error| unreachable(url, error))?;
        // What is written is a batch already.
        io.set_nodelay(true).map_err(|error| unreachable(url, error))?;
        let io = ClientStream::over(io, url, &options.tls).await?;
        handshake(io, url, options).await
    };
    let during = "connect and shake hands";
    timeout(options.timeout, opened).await.map_err(|_| ConnectError::TimedOut { during })?
}

fn unreachable(url: &WebSocketUrl, error: io::Error) -> ConnectError {
    ConnectError::Unreachable { address: url.to_string(), source: Arc::new(error) }
}

async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    mut io: S,
    url: &WebSocketUrl,
    options: &ConnectOptions,
) -> Result<(WebSocket<S>, Option<String>), ConnectError> {
    let key = generate_key();
    let request = request(url, options, &key)?;
    io.write_all(&request).await.map_err(|error| unreachable(url, error))?;
    io.flush().await.map_err(|error| unreachable(url, error))?;
    let (subprotocol, early) = answer(&mut io, url, options, &key).await?;
    Ok((WebSocket::new(io, Role::Client, options.limits, &early), subprotocol))
}

/// The subprotocol that the server takes, and what came after its answer to the request with this key.
pub(super) async fn answer(
    io: &mut (impl AsyncRead + Unpin),
    url: &WebSocketUrl,
    options: &ConnectOptions,
    key: &str,
) -> Result<(Option<String>, Vec<u8>), ConnectError> {
    let (response, early) = head::read(io, MAX_RESPONSE).await.map_err(|error| match error {
        HeadError::Io(error) => unreachable(url, error),
        HeadError::Ended => unreachable(url, io::ErrorKind::UnexpectedEof.into()),
        HeadError::TooLarge { limit } => protocol(format!("its answer has more than {limit} bytes")),
        HeadError::Malformed(error) => protocol(error.to_string()),
    })?;
    let subprotocol = check(&response, &derive_accept_key(key.as_bytes()), &options.subprotocols)?;
    Ok((subprotocol, early))
}

/// Written here, since tungstenite tells the log whatever it writes, with the token in it.
pub(super) fn request(
    url: &WebSocketUrl,
    options: &ConnectOptions,
    key: &str,
) -> Result<Vec<u8>, ConnectError> {
    let value = |text: &str| {
        let reason = "a host, a header or a subprotocol has a character that none may have".to_owned();
        HeaderValue::from_str(text).map_err(|_| ConnectError::Url { reason })
    };
    // Spelt as everybody does: not every server takes small letters for the same.
    let mut own = vec![
        ("Host", value(&url.authority())?),
        ("Connection", HeaderValue::from_static("Upgrade")),
        ("Upgrade", HeaderValue::from_static("websocket")),
        ("Sec-WebSocket-Version", HeaderValue::from_static("13")),
        ("Sec-WebSocket-Key", value(key)?),
    ];
    if !options.subprotocols.is_empty() {
        own.push(("Sec-WebSocket-Protocol", value(&options.subprotocols.join(", "))?));
    }
    let is_own = |name: &str| own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let more = options.headers.iter().map(|(name, value)| (name.as_str(), value));
    let more = more.filter(|(name, _)| !is_own(name));
    let mut request = format!("GET {} HTTP/1.1\r\n", url.target()).into_bytes();
    for (name, value) in own.iter().map(|(name, value)| (*name, value)).chain(more) {
        for part in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            request.extend_from_slice(part);
        }
    }
    request.extend_from_slice(b"\r\n");
    Ok(request)
}

fn protocol(reason: impl Into<String>) -> ConnectError {
    ConnectError::Protocol { reason: reason.into() }
}

/// Whether the server has answered this request, and which subprotocol it took.
fn check(response: &Response, accept: &str, offered: &[String]) -> Result<Option<String>, ConnectError> {
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(status));
    }
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let tokens = |name| text(name).into_iter().flat_map(|list| list.split(',')).map(str::trim);
    if !tokens(header::UPGRADE).any(|token| token.eq_ignore_ascii_case("websocket"))
        || !tokens(header::CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"))
    {
        return Err(protocol("it does not upgrade to a WebSocket"));
    }
    if text(header::SEC_WEBSOCKET_ACCEPT) != Some(accept) {
        return Err(protocol("it has not answered our key"));
    }
    if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err(protocol("it uses an extension that was not offered"));
    }
    match text(header::SEC_WEBSOCKET_PROTOCOL) {
        None => Ok(None),
        Some(taken) if offered.iter().any(|offered| offered == taken) => Ok(Some(taken.to_owned())),
        Some(_) => Err(protocol("it takes a subprotocol that was not offered")),
    }
}

fn refusal(status: StatusCode) -> ConnectError {
    let message = format!("the server answered {status}");
    let refused = |code| ConnectError::Refused(Rejection::new(code, message.clone()));
    match status.as_u16() {
        401 => ConnectError::Unauthenticated { message },
        403 => refused(ErrorCode::Denied),
        429 => refused(ErrorCode::RateLimited),
        500..=599 => refused(ErrorCode::Internal),
        _ => protocol(message),
    }
}
