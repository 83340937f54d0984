//! Letting a client in: the handshake, its codec, its place.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::asking::Asking;
use super::connection::{Presence, Serving};
use super::credentials::{self, Malformed};
use super::events::HubEvent;
use super::handle::HubConnection;
use super::notices::Notice;
use super::origins::FOREIGN;
use super::shared::Shared;
use crate::websocket::socket::{Close, UpgradeRequest, WebSocket, receive_upgrade};
use crate::websocket::wire::Token;
use crate::websocket::{AcceptError, CloseCode, Codecs};

/// How the name of a subprotocol begins; that of a codec follows.
pub(crate) const SUBPROTOCOL: &str = "pubsub.v1.";

pub(super) async fn admit<S>(shared: &Arc<Shared>, stream: S) -> Result<HubConnection, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let accepted = receive_upgrade(stream, shared.handshake).await?;
    if !shared.door.origins.allow(accepted.request.headers()) {
        return Err(accepted.refuse(403, FOREIGN).await.into());
    }
    let choice = Choice::of(&accepted.request, &shared.codecs);
    let (socket, _) = accepted.accept(choice.subprotocol.as_deref(), shared.limits).await?;
    enter(shared, choice, socket).await
}

/// Serves a client whose request was answered as it should be.
pub(super) async fn enter<S>(
    shared: &Arc<Shared>,
    choice: Choice,
    mut socket: WebSocket<S>,
) -> Result<HubConnection, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Choice { codec, token, .. } = choice;
    let opened = codec.and_then(|codec| {
        shared.act(|core, now| {
            if core.stopped {
                return Err(CloseCode::Shutdown);
            }
            let id = core.protocol.open(now, codec, None)?;
            match token {
                Ok(Some(token)) => core.protocol.present(id, token),
                Ok(None) => {}
                Err(Malformed) => core.protocol.disconnect(id, CloseCode::Unauthenticated),
            }
            let handle = HubConnection { shared: Arc::clone(shared), key: core.seat(id) };
            let known = handle.clone();
            core.notify(Notice::Connection(HubEvent::Connected(known)));
            Ok((id, handle, core.protocol.is_asking(id)))
        })
    });
    let (id, handle, is_asking) = match opened {
        Ok(opened) => opened,
        Err(code) => return Err(send_away(shared, &mut socket, code).await),
    };
    let presence = Presence { handle: handle.clone(), code: CloseCode::Abnormal, _task: shared.task() };
    let asking = Asking::new(is_asking);
    let serving = Serving { shared: Arc::clone(shared), id, socket, presence, asking, ended: None };
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

/// The codec that a client asks for, and the subprotocol to answer.
pub(super) struct Choice {
    codec: Result<usize, CloseCode>,
    /// What cannot be spoken is taken too, so that the close frame is understood.
    pub(super) subprotocol: Option<String>,
    token: Result<Option<Token>, Malformed>,
}

impl Choice {
    /// Who asks for none gets JSON, or what there is.
    pub(super) fn of(request: &UpgradeRequest, codecs: &Codecs) -> Self {
        let token = credentials::of_upgrade(request);
        let mut unknown = None;
        for name in request.subprotocols() {
            let Some(codec) = name.strip_prefix(SUBPROTOCOL) else { continue };
            match codecs.named(codec) {
                Some(place) => return Self { codec: Ok(place), subprotocol: Some(name.to_owned()), token },
                None => unknown = unknown.or(Some(name.to_owned())),
            }
        }
        match unknown {
            Some(name) => Self { codec: Err(CloseCode::Codec), subprotocol: Some(name), token },
            None => Self { codec: Ok(codecs.named("json").unwrap_or(0)), subprotocol: None, token },
        }
    }
}
