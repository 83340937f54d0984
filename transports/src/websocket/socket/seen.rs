//! What the parsers find in any input, for tests from outside.

use super::parser::{Found, Limits, Parser, Payload};
use super::stream::Role;
use super::url::WebSocketUrl;
use crate::seen::Seen;

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
