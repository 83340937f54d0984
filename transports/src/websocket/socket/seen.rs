//! What the parsers find in any input, for tests from outside.

use tungstenite::http::{HeaderMap, HeaderValue, header};

use super::connect::{self, ConnectOptions};
use super::parser::{Found, Limits, Parser, Payload};
use super::stream::{Role, WebSocket};
use super::tcp::ClientTls;
use super::url::WebSocketUrl;
use crate::ConnectError;
use crate::seen::Seen;
use crate::websocket::seen::{AMPLE, Handshake, MESSAGE, shake_hands};
use crate::websocket::server::SUBPROTOCOL;

/// The messages and control frames in these pieces: what a hub reads (`masked`), or a spoke. `kept` is the longest message.
pub fn frames(masked: bool, limit: usize, pieces: &[&[u8]]) -> Seen {
    let role = if masked { Role::Server } else { Role::Client };
    let mut parser = Parser::new(role, Limits { message: limit });
    let mut seen = Seen::default();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut from = 0;
        while from < piece.len() {
            match parser.read(&mut piece[from..]) {
                Ok(Some((took, found))) => {
                    let bytes = match &found {
                        Found::Message(_, Payload::Place(place)) => &piece[from..][place.clone()],
                        Found::Message(_, Payload::Own(own)) | Found::Ping(own) => own,
                        Found::Pong | Found::Close(_) => &[],
                    };
                    let what = match &found {
                        Found::Message(kind, _) => format!("{kind:?}"),
                        Found::Ping(_) => "Ping".to_owned(),
                        other => format!("{other:?}"),
                    };
                    seen.kept = seen.kept.max(bytes.len());
                    seen.items.push(format!("{what} {}", bytes.escape_ascii()));
                    from += took;
                }
                Ok(None) => break,
                Err(violation) => return Seen { error: Some(format!("{violation:?}")), ..seen },
            }
        }
    }
    seen
}

/// The URL as it is read; `None` if it is none.
pub fn url(text: &str) -> Option<String> {
    text.parse::<WebSocketUrl>().ok().map(|url| url.to_string())
}

/// The key of all requests here: that of RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What a spoke says to the hub at this URL, which speaks JSON, with this in its header `Authorization`. `None` if it would say nothing.
pub fn request(url: &str, authorization: &str) -> Option<Vec<u8>> {
    let mut options = options();
    options.headers.insert(header::AUTHORIZATION, HeaderValue::from_str(authorization).ok()?);
    connect::request(&url.parse().ok()?, &options, KEY).ok()
}

/// What a spoke makes of the answer to that; and how much was taken for it.
pub fn spoke(pieces: &[&[u8]]) -> (Handshake, usize) {
    shake_hands(pieces, async |mut wire, limits| {
        let url = "ws://hub".parse().map_err(|error: ConnectError| error.to_string())?;
        let options = options();
        let answer = connect::answer(&mut wire, &url, &options, KEY);
        let (subprotocol, early) = answer.await.map_err(|error| error.to_string())?;
        let said = subprotocol.map(|name| ("subprotocol", name)).into_iter().collect();
        Ok((said, WebSocket::new(wire, Role::Client, limits, &early)))
    })
}

fn options() -> ConnectOptions {
    ConnectOptions {
        headers: HeaderMap::new(),
        subprotocols: vec![format!("{SUBPROTOCOL}json")],
        timeout: AMPLE,
        limits: Limits { message: MESSAGE },
        tls: ClientTls::default(),
    }
}
