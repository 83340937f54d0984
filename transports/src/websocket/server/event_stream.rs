//! A client that reads by server-sent events: a connection of the hub that asks once and then only listens.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;

use super::connection::Presence;
use super::events::HubEvent;
use super::guard::Guard;
use super::handle::HubConnection;
use super::notices::Notice;
use super::shared::{Fate, Shared};
use crate::websocket::sse::{EventStreamText, KEEP_ALIVE, Positions, retry};
use crate::websocket::wire::{Command, Connect, Message, PROTOCOL, Token};
use crate::websocket::{CloseCode, ConnectionId, Identity, Outgoing};
use crate::{AddressError, ErrorCode, Rejection};

/// How much is taken from the queue at once.
const PULL: usize = 16 * 1024;

/// What is to be sent as the body of an answer of type `text/event-stream`, given by
/// [`Hub::event_stream`](super::Hub::event_stream). It ends when the hub ends the connection; dropping it is leaving.
///
/// Each item is a few whole events. While it is not polled the hub's queue for it fills up, within the bounds and with the
/// overflow policy that hold for every connection.
pub struct EventStream {
    shared: Arc<Shared>,
    id: ConnectionId,
    codec: usize,
    text: EventStreamText,
    presence: Presence,
    pulled: Vec<Outgoing>,
    /// What is said before anything else.
    first: Vec<u8>,
    ended: bool,
}

/// Why there is no event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventStreamError {
    /// No topic was asked for: there is no stream of everything.
    NoTopics,
    /// A topic is no address.
    Topic(AddressError),
    /// The last event id was not given for these topics.
    LastEventId,
    /// The token proves nothing, or nobody could say whether it does.
    Unauthenticated(Rejection),
    /// None of the topics may be followed.
    Denied(Rejection),
    /// The hub does not let it in.
    Closed(CloseCode),
}

impl EventStreamError {
    /// The status of HTTP that says it: 400 for what the client did wrong, 401 and 403 for who it is, 503 for what may be
    /// different later.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NoTopics | Self::Topic(_) | Self::LastEventId => 400,
            Self::Unauthenticated(rejection) | Self::Denied(rejection) if rejection.is_retryable() => {
                if *rejection.code() == ErrorCode::RateLimited {
                    429
                } else {
                    503
                }
            }
            Self::Closed(CloseCode::Unauthenticated) | Self::Unauthenticated(_) => 401,
            Self::Denied(_) => 403,
            Self::Closed(code) if code.comes_back() || *code == CloseCode::ConnectionLimit => 503,
            Self::Closed(_) => 403,
        }
    }
}

impl fmt::Display for EventStreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTopics => {
                f.write_str("name what to follow: `?topic=type` or `?topic=type:id`, once for each")
            }
            Self::Topic(error) => error.fmt(f),
            Self::LastEventId => f.write_str("the last event id was given for other topics"),
            Self::Unauthenticated(rejection) | Self::Denied(rejection) => rejection.fmt(f),
            Self::Closed(code) => code.fmt(f),
        }
    }
}

impl std::error::Error for EventStreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Topic(error) => Some(error),
            _ => None,
        }
    }
}

/// Lets in who wants to follow `topics`, and asks for them.
pub(super) async fn open(
    shared: &Arc<Shared>,
    topics: &[String],
    last_event_id: Option<&str>,
    token: Option<Token>,
) -> Result<EventStream, EventStreamError> {
    if topics.is_empty() {
        return Err(EventStreamError::NoTopics);
    }
    let identity = match token {
        Some(token) if shared.door.guard.authenticate.is_some() => {
            Some(shared.door.guard.identify(token).await.map_err(EventStreamError::Unauthenticated)?)
        }
        _ => None,
    };
    let mut positions =
        Positions::new(topics, identity.as_ref().map(Identity::name)).map_err(EventStreamError::Topic)?;
    if let Some(last) = last_event_id.filter(|last| !last.is_empty()) {
        positions.go_on_after(last).map_err(|_| EventStreamError::LastEventId)?;
    }
    // Envelopes are text here.
    let codec = shared.codecs.named("json").ok_or(EventStreamError::Closed(CloseCode::Codec))?;
    // Who is somebody is told who, as on a WebSocket: `@self` comes by that name.
    let connect = identity.is_some().then_some(Command::Connect(Connect {
        protocol: PROTOCOL,
        token: None,
        features: None,
        map_hash: None,
    }));
    let encode = |command| shared.codecs.get(codec).encode_command("", &command);
    let commands: Result<Vec<Bytes>, _> =
        connect.into_iter().chain([positions.command()]).map(encode).collect();
    let commands = commands.map_err(|_| EventStreamError::Closed(CloseCode::TooBig))?;
    let opened = shared.act(|core, now| {
        if core.stopped {
            return Err(CloseCode::Shutdown);
        }
        let id = core.protocol.open(now, codec, identity)?;
        let handle = HubConnection { shared: Arc::clone(shared), key: core.seat(id) };
        let known = handle.clone();
        core.notify(Notice::Connection(HubEvent::Connected(known)));
        for command in commands {
            core.protocol.receive(now, id, &Message::Text(command));
        }
        Ok((id, handle, core.protocol.is_asking(id), core.protocol.is_open(id)))
    });
    let (id, handle, mut is_asking, is_open) = opened.map_err(EventStreamError::Closed)?;
    let presence = Presence { handle, code: CloseCode::GoingAway, _task: shared.task() };
    if !is_open {
        // The command was a valid one: it was not taken of a stranger.
        return Err(EventStreamError::Closed(CloseCode::Unauthenticated));
    }
    while is_asking {
        let key = presence.handle.key;
        let Some(question) = shared.lock().take_question(key, id) else { break };
        let answer = Guard::answer(shared, question).await;
        let refusal = answer.refusal_of_all();
        is_asking = shared.act(|core, now| core.answer(now, id, answer));
        if let Some(refusal) = refusal.filter(|_| !is_asking) {
            return Err(EventStreamError::Denied(refusal));
        }
    }
    let mut first = Vec::new();
    retry(Some(RETRY.as_millis() as u64), &mut first);
    Ok(EventStream {
        shared: Arc::clone(shared),
        id,
        codec,
        text: EventStreamText::new(positions),
        presence,
        pulled: Vec::new(),
        first,
        ended: false,
    })
}

/// When a browser comes back after a connection was lost.
const RETRY: Duration = Duration::from_secs(2);

impl EventStream {
    /// The hub's handle on it.
    #[must_use]
    pub fn connection(&self) -> &HubConnection {
        &self.presence.handle
    }

    /// Takes what waits in the protocol. What becomes of the connection, if that was all.
    fn pull(&mut self, cx: &mut Context<'_>) -> Option<Fate> {
        let (key, id, pulled) = (self.presence.handle.key, self.id, &mut self.pulled);
        self.shared.act(|core, now| {
            let more = core.protocol.pull(now, id, PULL, pulled);
            if pulled.iter().any(|one| matches!(one, Outgoing::Ping)) {
                // There is no answer here but that it is written.
                core.protocol.pong(now, id);
            }
            if more {
                return None;
            }
            core.wait(key, id, cx.waker(), false);
            Some(core.fate(key, id))
        })
    }
}

impl Stream for EventStream {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let this = &mut *self;
        let mut out = std::mem::take(&mut this.first);
        while !this.ended {
            let fate = this.pull(cx);
            let codecs = &this.shared.codecs;
            for one in this.pulled.drain(..) {
                match one {
                    Outgoing::Message(message) => {
                        this.text.write(codecs.get(this.codec), message.bytes(), &mut out);
                    }
                    Outgoing::Ping => out.extend_from_slice(KEEP_ALIVE),
                    Outgoing::Close(code) => {
                        this.presence.code = code;
                        this.ended = true;
                    }
                }
            }
            if let Some(Fate::Stopped) = fate {
                this.presence.code = CloseCode::Shutdown;
                this.ended = true;
            }
            if !out.is_empty() {
                return Poll::Ready(Some(out.into()));
            }
            if fate.is_some() && !this.ended {
                return Poll::Pending;
            }
        }
        Poll::Ready((!out.is_empty()).then(|| out.into()))
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("connection", &self.presence.handle).finish_non_exhaustive()
    }
}
