//! How a hub is configured and started.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, ToSocketAddrs};

use super::behind::Upstream;
use super::origins::Origins;
use super::shared::{Door, Shared, Times};
use super::{Handle, Hub, listener, timer};
use crate::codec::{Codec, DecodeError, Json};
use crate::websocket::socket::{HandshakeLimits, Limits};
use crate::websocket::wire::Token;
use crate::websocket::{Codecs, HubConfig, HubProtocol, Identity, Permission};
use crate::{Inlet, Link, Rejection};

/// Settings of a [`Hub`], made by [`Hub::builder`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// use pubsub_transports::websocket::{HistoryConfig, Hub, HubConfig};
///
/// let history = HistoryConfig { events: 10_000, ..HistoryConfig::default() };
/// let hub = Hub::builder()
///     .config(HubConfig { max_topics: 16, history, ..HubConfig::default() })
///     .bind("127.0.0.1:0")
///     .await?;
/// # hub.close().await;
/// # Ok(()) }
/// ```
#[must_use = "nothing is started until `bind` or `start`"]
pub struct HubBuilder<C = Json> {
    codec: Arc<C>,
    codecs: Codecs,
    config: HubConfig,
    max_head: usize,
    times: Times,
    door: Door,
    anonymous: Option<bool>,
    pub(super) behind: Option<Attach>,
}

/// Gives the link to what the hub is behind.
pub(super) type Attach = Box<dyn FnOnce(Arc<dyn Inlet>) -> Arc<dyn Link> + Send + Sync>;

impl Default for HubBuilder {
    fn default() -> Self {
        let codec = Arc::new(Json::default());
        Self {
            codecs: Codecs::shared(Arc::clone(&codec)),
            codec,
            config: HubConfig::default(),
            max_head: 8 * 1024,
            times: Times { close: Duration::from_secs(5), shutdown_window: Duration::from_secs(10) },
            door: Door::default(),
            anonymous: None,
            behind: None,
        }
    }
}

impl<C: Codec> HubBuilder<C> {
    /// The codec of the hub's own process, and of clients that ask for it: JSON, by default. It takes the place of all that
    /// were named before.
    ///
    /// # Panics
    /// If the hub is `behind` something, whose codec it has.
    pub fn codec<D: Codec>(self, codec: D) -> HubBuilder<D> {
        assert!(self.behind.is_none(), "a hub has the codec of what it is behind: name it there");
        self.with_codec(Arc::new(codec))
    }

    pub(super) fn with_codec<D: Codec>(self, codec: Arc<D>) -> HubBuilder<D> {
        let Self { config, max_head, times, door, anonymous, behind, .. } = self;
        HubBuilder {
            codecs: Codecs::shared(Arc::clone(&codec)),
            codec,
            config,
            max_head,
            times,
            door,
            anonymous,
            behind,
        }
    }

    /// Another codec that clients may ask for, by the subprotocol `pubsub.v1.` and its name. `recode` is given a topic, a
    /// payload, and the names of the codec that the payload is in and of that it is to be in.
    pub fn and_codec(
        mut self,
        codec: impl Codec,
        recode: impl Fn(&str, &[u8], &str, &str) -> Result<Vec<u8>, DecodeError> + Send + Sync + 'static,
    ) -> Self {
        self.codecs = self.codecs.and(codec, recode);
        self
    }

    /// Every limit and time of the protocol, with its defaults.
    pub fn config(mut self, config: HubConfig) -> Self {
        self.config = config;
        self
    }

    /// Asks this function who brings a token, and lets in nobody without one, unless [`anonymous`](Self::anonymous) says so.
    ///
    /// A client brings it in `__connect`, in the header `Authorization: Bearer`, or in a subprotocol `bearer.` and the token in
    /// base64 for URLs without padding; one that reads by server-sent events in the header or in a
    /// [cookie](Self::token_cookie). A refusal closes it with 4500, and one that is retryable with a code that lets it come back. It
    /// brings a new one on the same connection by a further `__connect`, before the
    /// [lifetime](crate::websocket::Identity::valid_for) that was said of it ends.
    ///
    /// The function is called outside of every lock. While a client waits for it nothing more is read from it. If it panics or takes
    /// longer than [`guard_timeout`](Self::guard_timeout) the client is closed with 4001.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pubsub_transports::websocket::{Action, Hub, Identity, Permission};
    /// use pubsub_transports::{ErrorCode, Rejection};
    ///
    /// fn denied() -> Rejection {
    ///     Rejection::new(ErrorCode::Denied, "that is not yours")
    /// }
    ///
    /// let hub = Hub::builder()
    ///     // Where a real one verifies a signature, or asks a session store.
    ///     .authenticate(async |token| match token.0.strip_prefix("token-of-") {
    ///         Some(name) => Identity::new(name).map_err(|_| Rejection::new(ErrorCode::Unauthenticated, "no name")),
    ///         None => Err(Rejection::new(ErrorCode::Unauthenticated, "no token of ours")),
    ///     })
    ///     .authorize(async |who, wanted: Permission| match (who, wanted.action, wanted.address.topic()) {
    ///         (_, Action::Subscribe, "news") => Ok(()),
    ///         (Some(who), _, "inbox") if wanted.address.id() == Some(who.name()) => Ok(()),
    ///         _ => Err(denied()),
    ///     })
    ///     .bind("127.0.0.1:0")
    ///     .await?;
    /// # hub.close().await;
    /// # Ok(()) }
    /// ```
    pub fn authenticate<F, A>(mut self, ask: F) -> Self
    where
        F: Fn(Token) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Identity, Rejection>> + Send + 'static,
    {
        self.door.guard.authenticate = Some(Arc::new(move |token| Box::pin(ask(token))));
        self
    }

    /// Asks this function about each address that a client subscribes to or publishes to, `@self` already replaced by its name. It
    /// is asked once for each subscription; what it allows to be published to is remembered for the connection, within
    /// [`max_topics`](HubConfig::max_topics), until the client proves anew who it is or the permission is
    /// [withdrawn](crate::websocket::HubConnection::withdraw).
    ///
    /// Without it everything is allowed but the [direct](HubConfig::direct) topics of others; with it, it decides about these too.
    ///
    /// It is called as [`authenticate`](Self::authenticate) is: if it panics or takes too long, the answer is `internal`. Those of one
    /// `__subscribe` are asked at once.
    pub fn authorize<F, A>(mut self, ask: F) -> Self
    where
        F: Fn(Option<Identity>, Permission) -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), Rejection>> + Send + 'static,
    {
        self.door.guard.authorize = Some(Arc::new(move |who, wanted| Box::pin(ask(who, wanted))));
        self
    }

    /// Whether clients without a token are let in: yes without an authenticator, and no with one. It goes before what the
    /// [configuration](HubConfig::anonymous) says.
    pub fn anonymous(mut self, anonymous: bool) -> Self {
        self.anonymous = Some(anonymous);
        self
    }

    /// How long [`authenticate`](Self::authenticate) and [`authorize`](Self::authorize) may take for one answer: 5 s. Less than a
    /// client may take to answer a ping, which is not read meanwhile.
    pub fn guard_timeout(mut self, timeout: Duration) -> Self {
        self.door.guard.timeout = timeout;
        self
    }

    /// Lets in browsers from these pages alone, each as `https://app.example`: others are refused with 403. What says no origin is
    /// no browser, and is let in. All, by default: then a page of anybody reaches the hub in the name of who looks at it, where
    /// that is known by a cookie or by the network.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.door.origins = Origins::only(origins);
        self
    }

    /// The cookie in which clients that read by server-sent events may have their token, as an `EventSource` can send no header:
    /// none, by default. A WebSocket does not look there.
    pub fn token_cookie(mut self, name: impl Into<String>) -> Self {
        self.door.cookie = Some(name.into());
        self
    }

    /// Takes TLS alone at its own address, and shows this certificate with its chain, which this key belongs to; both in PEM. What
    /// comes by [`Hub::accept`] or from a server of HTTP is as that made it.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if they are none.
    #[cfg(feature = "websocket-tls")]
    pub fn certificate(mut self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> io::Result<Self> {
        self.door.tls = Some(super::tls::acceptor(chain.as_ref(), key.as_ref())?);
        Ok(self)
    }

    /// How many bytes the request of a client may have before it is a WebSocket: 8 KiB.
    pub fn max_head(mut self, bytes: usize) -> Self {
        self.max_head = bytes;
        self
    }

    /// How long a client may take to read what is left for it, and to answer a close frame: 5 s.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.times.close = timeout;
        self
    }

    /// In what time clients come back after [`Hub::close`], each at its own moment: 10 s.
    pub fn shutdown_window(mut self, window: Duration) -> Self {
        self.times.shutdown_window = window;
        self
    }

    /// A hub that listens at this address. Port 0 takes a free one: [`Hub::local_addr`] says which.
    ///
    /// # Errors
    /// Those of the system: somebody listens there, or we may not.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing that listens.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn bind(self, address: impl ToSocketAddrs) -> io::Result<Hub<C>> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let hub = self.make(Some(address));
        let shared = &hub.handle.shared;
        tokio::spawn(listener::run(Arc::clone(shared), listener, shared.task()));
        Ok(hub)
    }

    /// A hub that listens nowhere: it is given its connections by [`Hub::accept`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(self) -> Hub<C> {
        self.make(None)
    }

    fn make(self, address: Option<std::net::SocketAddr>) -> Hub<C> {
        let Self { codec, codecs, mut config, max_head, times, door, anonymous, behind } = self;
        config.behind = behind.is_some();
        let history = config.history;
        config.authenticates = door.guard.authenticate.is_some();
        config.authorizes = door.guard.authorize.is_some();
        config.anonymous = anonymous.unwrap_or(config.anonymous && !config.authenticates);
        let handshake = HandshakeLimits { head: max_head, timeout: config.handshake_timeout };
        let limits = Limits { message: config.max_frame };
        let protocol = HubProtocol::new(config, codecs.clone(), fastrand::u64(..));
        let shared = Shared::new(protocol, codecs, limits, handshake, times, door);
        tokio::spawn(timer::run(Arc::clone(&shared), shared.task()));
        if let Some(attach) = behind {
            let _first = shared.upstream.set(Upstream::new(&shared, attach, history));
        }
        Hub { handle: Arc::new(Handle { shared, codec, address }) }
    }
}

impl<C> fmt::Debug for HubBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubBuilder")
            .field("config", &self.config)
            .field("guard", &self.door.guard)
            .finish_non_exhaustive()
    }
}
