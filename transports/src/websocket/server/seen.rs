//! What a hub makes of any request, for tests from outside.

use super::admission::Choice;
use super::credentials::{self, Malformed};
use crate::codec::Json;
use crate::websocket::Codecs;
use crate::websocket::seen::{AMPLE, Handshake, shake_hands};
use crate::websocket::socket::{HandshakeLimits, receive_upgrade};
use crate::websocket::wire::Token;

/// The handshake of a hub that allows a request of so many bytes; and how much was taken for it.
pub fn hub(limit: usize, pieces: &[&[u8]]) -> (Handshake, usize) {
    shake_hands(pieces, async |wire, limits| {
        let handshake = HandshakeLimits { head: limit, timeout: AMPLE };
        let accepted = receive_upgrade(wire, handshake).await.map_err(|error| error.to_string())?;
        let choice = Choice::of(&accepted.request, &Codecs::one(Json::default()));
        let accepting = accepted.accept(choice.subprotocol.as_deref(), limits);
        let (socket, request) = accepting.await.map_err(|error| error.to_string())?;
        let mut said = vec![("path", request.path().to_owned())];
        said.extend(choice.subprotocol.map(|name| ("subprotocol", name)));
        said.extend(token("token", credentials::of_upgrade(&request)));
        #[cfg(feature = "axum")]
        said.extend(token("cookie", credentials::of_request(request.headers(), Some("session"))));
        Ok((said, socket))
    })
}

fn token(name: &'static str, token: Result<Option<Token>, Malformed>) -> Option<(&'static str, String)> {
    match token {
        Ok(token) => token.map(|token| (name, token.0)),
        Err(Malformed) => Some(("malformed", name.to_owned())),
    }
}
