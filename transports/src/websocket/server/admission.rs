//! Letting a client in: the handshake, its codec, its place.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::connection::{Presence, Serving};
use super::events::HubEvent;
use super::handle::HubConnection;
use super::shared::Shared;
use crate::websocket::socket::{Close, UpgradeRequest, WebSocket, receive_upgrade};
use crate::websocket::{AcceptError, CloseCode, Codecs};

/// How the name of a subprotocol begins; that of a codec follows.
pub(crate) const SUBPROTOCOL: &str = "pubsub.v1.";

pub(super) async fn admit<S>(shared: &Arc<Shared>, stream: S) -> Result<HubConnection, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let accepted = receive_upgrade(stream, shared.handshake).await?;
    let choice = choose(&accepted.request, &shared.codecs);
    // What cannot be spoken is taken too, so that the close frame is understood.
    let subprotocol = match &choice {
        Ok((_, name)) => name.clone(),
        Err(name) => Some(name.clone()),
    };
    let (mut socket, _) = accepted.accept(subprotocol.as_deref(), shared.limits).await?;
    let opened = match choice {
        Ok((codec, _)) => shared.act(|core, now| {
            if core.stopped {
                return Err(CloseCode::Shutdown);
            }
            let id = core.protocol.open(now, codec, None)?;
            let handle = HubConnection { shared: Arc::clone(shared), key: core.seat(id) };
            let known = handle.clone();
            core.notify(move |shared| shared.events.tell(&HubEvent::Connected(known)));
            Ok((id, handle))
        }),
        Err(_) => Err(CloseCode::Codec),
    };
    let (id, handle) = match opened {
        Ok(opened) => opened,
        Err(code) => return Err(send_away(shared, &mut socket, code).await),
    };
    let presence = Presence { handle: handle.clone(), code: CloseCode::Abnormal, _task: shared.task() };
    let serving = Serving { shared: Arc::clone(shared), id, socket, presence };
    tokio::spawn(serving.run());
    Ok(handle)
}

async fn send_away<S>(shared: &Arc<Shared>, socket: &mut WebSocket<S>, code: CloseCode) -> AcceptError
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    socket.close(&Close::new(code.number(), code.reason()));
    let _ = timeout(shared.times.close, socket.finish()).await;
    AcceptError::Closed(code)
}

/// The codec that the client asks for, and the subprotocol to answer; or one that cannot be spoken. Who asks for none
/// gets JSON, or what there is.
fn choose(request: &UpgradeRequest, codecs: &Codecs) -> Result<(usize, Option<String>), String> {
    let mut unknown = None;
    for name in request.subprotocols() {
        let Some(codec) = name.strip_prefix(SUBPROTOCOL) else { continue };
        match codecs.named(codec) {
            Some(place) => return Ok((place, Some(name.to_owned()))),
            None => unknown = unknown.or(Some(name.to_owned())),
        }
    }
    match unknown {
        Some(name) => Err(name),
        None => Ok((codecs.named("json").unwrap_or(0), None)),
    }
}
