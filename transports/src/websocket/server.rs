//! The hub over sockets: [`HubProtocol`](super::HubProtocol) with listeners, tasks and a clock.

mod admission;
mod asking;
mod behind;
#[cfg(feature = "redis")]
mod behind_redis;
mod builder;
mod connection;
mod credentials;
mod error;
mod event_stream;
mod events;
mod guard;
mod handle;
#[cfg(feature = "axum")]
mod http;
mod listener;
mod member;
mod notices;
mod origins;
#[cfg(feature = "test-util")]
pub(super) mod seen;
mod shared;
mod timer;
#[cfg(feature = "websocket-tls")]
mod tls;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

pub(crate) use self::admission::SUBPROTOCOL;
#[cfg(feature = "redis")]
pub use self::behind_redis::BehindError;
pub use self::builder::HubBuilder;
pub use self::error::AcceptError;
pub use self::event_stream::{EventStream, EventStreamError};
pub use self::events::{HubEvent, HubEvents};
pub use self::handle::HubConnection;
pub use self::member::HubTransport;
use self::shared::Shared;
use crate::ConnectionState;
use crate::codec::{Codec, Json};
use crate::websocket::HubStats;
use crate::websocket::wire::Token;

/// A hub: spokes connect to it, and what one publishes all get who follow it.
///
/// It keeps the last events of each type, so a spoke that comes back gets what it missed. A browser's `WebSocket` is a
/// client too, with no library at all.
///
/// Cloning it gives another handle. When the last is dropped, everything of it ends at once; [`close`](Self::close) ends
/// it in an orderly way.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// use pubsub_transports::websocket::Hub;
///
/// let hub = Hub::bind("127.0.0.1:0").await?;
/// println!("ws://{}", hub.local_addr().expect("it listens"));
/// // `PubSub::new(hub.transport())` makes a bus of it for this process.
/// hub.close().await;
/// # Ok(()) }
/// ```
pub struct Hub<C = Json> {
    handle: Arc<Handle<C>>,
}

struct Handle<C> {
    shared: Arc<Shared>,
    codec: Arc<C>,
    address: Option<SocketAddr>,
}

impl Hub {
    /// A hub with the defaults that listens at this address. Port 0 takes a free one.
    ///
    /// # Errors
    /// Those of the system: somebody listens there, or we may not.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing that listens.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn bind(address: impl tokio::net::ToSocketAddrs) -> std::io::Result<Self> {
        Self::builder().bind(address).await
    }

    /// Settings, to start with.
    pub fn builder() -> HubBuilder {
        HubBuilder::default()
    }
}

impl<C: Codec> Hub<C> {
    /// Where it listens; `None` if nowhere.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.handle.address
    }

    /// The transport of a bus in this process. There may be several.
    #[must_use]
    pub fn transport(&self) -> HubTransport<C> {
        HubTransport { shared: Arc::clone(&self.handle.shared), codec: Arc::clone(&self.handle.codec) }
    }

    /// Lets in a client from somewhere else than the hub's own listener: a stream on which a request to become a WebSocket
    /// comes next. Ready when the client is in; a task of its own serves it then.
    ///
    /// # Errors
    /// If it is not let in. It was told so, if it could be.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready drops the stream.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn accept<S>(&self, stream: S) -> Result<HubConnection, AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        admission::admit(&self.handle.shared, stream).await
    }

    /// Follows these topics for a client that reads by server-sent events, after the `Last-Event-ID` that it says: the body of
    /// the answer. Each topic is `type` or `type:id`. One that is refused is an event `__error`, and the others go on. `token`
    /// is what the client brought to prove who it is; it is passed over where nobody
    /// [asks](HubBuilder::authenticate) for one.
    ///
    /// # Errors
    /// If there is nothing to follow, or the client is not let in: [`status`](EventStreamError::status) is the answer then.
    ///
    /// # Cancel safety
    /// Dropping the future lets nobody in.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pubsub_transports::websocket::Hub;
    ///
    /// let hub = Hub::builder().start();
    /// let body = hub.event_stream(&["chat:lobby".to_owned()], None, None).await?;
    /// // Of an answer with the header `Content-Type: text/event-stream`.
    /// # drop(body);
    /// # hub.close().await;
    /// # Ok(()) }
    /// ```
    pub async fn event_stream(
        &self,
        topics: &[String],
        last_event_id: Option<&str>,
        token: Option<Token>,
    ) -> Result<EventStream, EventStreamError> {
        event_stream::open(&self.handle.shared, topics, last_event_id, token).await
    }

    /// Who comes and who goes from now on.
    #[must_use]
    pub fn events(&self) -> HubEvents {
        self.handle.shared.events.watch()
    }

    /// All that are connected.
    #[must_use]
    pub fn connections(&self) -> Vec<HubConnection> {
        let keys = self.handle.shared.lock().keys();
        keys.into_iter().map(|key| HubConnection { shared: Arc::clone(&self.handle.shared), key }).collect()
    }

    /// How many subscriptions there are of connected clients.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.handle.shared.lock().protocol.routes()
    }

    /// What it is doing now: topics, counts, and the longest queues.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        let upstream_connected = self.upstream().map(|state| state.is_connected());
        HubStats { upstream_connected, ..self.handle.shared.lock().protocol.stats() }
    }

    /// How it stands with what it is behind; `None` if it is behind nothing.
    #[must_use]
    pub fn upstream(&self) -> Option<ConnectionState> {
        self.handle.shared.behind.borrow().clone()
    }

    /// Whether it lets clients in: until it is [closed](Self::close).
    #[must_use]
    pub fn is_open(&self) -> bool {
        !*self.handle.shared.deaf.borrow()
    }

    #[cfg(feature = "axum")]
    pub(crate) fn upgrade<B>(
        &self,
        request: tungstenite::http::Request<B>,
    ) -> Result<tungstenite::handshake::server::Response, (tungstenite::http::StatusCode, String)> {
        http::upgrade(&self.handle.shared, request)
    }

    /// The token of a request that is none to become a WebSocket.
    ///
    /// # Errors
    /// The status and the reason to refuse it with.
    #[cfg(feature = "axum")]
    pub(crate) fn credentials(
        &self,
        headers: &tungstenite::http::HeaderMap,
    ) -> Result<Option<Token>, (tungstenite::http::StatusCode, String)> {
        http::credentials(&self.handle.shared, headers)
    }

    /// Ends every connection, each with a moment at which to come back, and everything else of the hub: its buses are closed.
    /// Ready when nothing is left of it. What does not read in time is given up.
    ///
    /// # Cancel safety
    /// Once begun, no more clients are let in. Called again it goes on.
    pub async fn close(&self) {
        let shared = &self.handle.shared;
        let window = shared.times.shutdown_window;
        shared.deaf.send_replace(true);
        shared.act(|core, _| core.protocol.shut_down(window));
        // The last task is that of the timers, which those that close may need.
        let _ = timeout(shared.times.close, shared.tasks_left(1)).await;
        let link = shared.upstream.get().and_then(behind::Upstream::take_link);
        shared.stop();
        shared.tasks_left(0).await;
        if let Some(link) = link {
            let _ = link.close().await;
        }
    }
}

impl<C> Drop for Handle<C> {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl<C> Clone for Hub<C> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle) }
    }
}

impl<C> fmt::Debug for Hub<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("address", &self.handle.address).finish_non_exhaustive()
    }
}
