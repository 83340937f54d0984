//! Letting in a client whose request a server of HTTP has read.

use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tungstenite::handshake::server::Response;
use tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tungstenite::http::{HeaderMap, HeaderValue, Request, StatusCode};

use super::admission::{self, Choice};
use super::credentials;
use super::origins::FOREIGN;
use super::shared::Shared;
use crate::websocket::socket::{Role, WebSocket, answer_upgrade};
use crate::websocket::wire::Token;

/// The answer to a request to become a WebSocket. Once it was sent, a task of its own lets the client in and serves it.
///
/// # Errors
/// The status and the reason to refuse it with.
pub(crate) fn upgrade<B>(
    shared: &Arc<Shared>,
    request: Request<B>,
) -> Result<Response, (StatusCode, String)> {
    let (mut parts, _) = request.into_parts();
    let connection = parts.extensions.remove::<OnUpgrade>();
    let (request, mut response) = answer_upgrade(Request::from_parts(parts, ()))?;
    if !shared.door.origins.allow(request.headers()) {
        return Err((StatusCode::FORBIDDEN, FOREIGN.to_owned()));
    }
    let Some(connection) = connection else {
        let reason = "this connection cannot become a WebSocket".to_owned();
        return Err((StatusCode::UPGRADE_REQUIRED, reason));
    };
    let choice = Choice::of(&request, &shared.codecs);
    if let Some(value) = choice.subprotocol.as_deref().and_then(|name| HeaderValue::from_str(name).ok()) {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
    }
    let (shared, task) = (Arc::clone(shared), shared.task());
    tokio::spawn(async move {
        let mut deaf = shared.deaf.subscribe();
        let enter = async {
            let upgraded = tokio::time::timeout(shared.handshake.timeout, connection).await;
            // Who is gone before it was let in is nobody.
            let Ok(Ok(upgraded)) = upgraded else { return };
            let socket = WebSocket::new(TokioIo::new(upgraded), Role::Server, shared.limits, &[]);
            let _ = admission::enter(&shared, choice, socket).await;
        };
        tokio::select! {
            () = enter => {}
            _ = deaf.wait_for(|deaf| *deaf) => {}
        }
        drop(task);
    });
    Ok(response)
}

/// The token of a request for an event stream.
///
/// # Errors
/// The status and the reason to refuse it with.
pub(crate) fn credentials(
    shared: &Shared,
    headers: &HeaderMap,
) -> Result<Option<Token>, (StatusCode, String)> {
    if !shared.door.origins.allow(headers) {
        return Err((StatusCode::FORBIDDEN, FOREIGN.to_owned()));
    }
    let token = credentials::of_request(headers, shared.door.cookie.as_deref());
    token.map_err(|_| (StatusCode::UNAUTHORIZED, "the token is none".to_owned()))
}
