//! How a Redis transport is configured and connected.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::durable::{Keys, Retention, Session};
use super::limits::Limits;
use super::names::Names;
use super::server::Server;
use super::tls::Tls;
use super::wire::Dialer;
use super::{Redis, Source};
use crate::ConnectError;
use crate::codec::{Codec, Json};

/// Settings of a [`Redis`] transport: prefix, codec, bounds and times. Made by [`Redis::builder`].
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pubsub_transports::ConnectError> {
/// use std::time::Duration;
/// use pubsub_transports::redis::Redis;
///
/// let redis = Redis::builder()
///     .prefix("shop:")
///     .publish_timeout(Duration::from_secs(1))
///     .connect("redis://localhost")
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is connected until `connect` is awaited"]
pub struct RedisBuilder<C = Json> {
    codec: C,
    prefix: String,
    /// `None`: nothing is kept.
    retention: Option<Retention>,
    /// Whether channels are those of slots.
    #[cfg(feature = "redis-cluster")]
    sharded: bool,
    credentials: Option<Credentials>,
    tls: Tls,
    limits: Limits,
}

#[derive(Clone)]
struct Credentials {
    user: Option<String>,
    password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl Default for RedisBuilder {
    fn default() -> Self {
        Self {
            codec: Json::default(),
            prefix: String::new(),
            retention: None,
            #[cfg(feature = "redis-cluster")]
            sharded: false,
            credentials: None,
            tls: Tls::default(),
            limits: Limits::default(),
        }
    }
}

impl<C: Codec> RedisBuilder<C> {
    /// What stands before `type:id` in every channel: nothing, by default. It keeps applications on one server apart.
    ///
    /// It may contain anything, at most [`PREFIX_BYTES`](Redis::PREFIX_BYTES) of it.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// How events become bytes: JSON, by default. All who share the channels use the same one.
    pub fn codec<D: Codec>(self, codec: D) -> RedisBuilder<D> {
        RedisBuilder {
            codec,
            prefix: self.prefix,
            retention: self.retention,
            #[cfg(feature = "redis-cluster")]
            sharded: self.sharded,
            credentials: self.credentials,
            tls: self.tls,
            limits: self.limits,
        }
    }

    pub(super) fn durable(self, retention: Retention) -> Self {
        Self { retention: Some(retention), ..self }
    }

    /// Who we are, if the URL does not say: an ACL user and its password.
    pub fn credentials(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { credentials: Some(Credentials { user: Some(user.into()), password: password.into() }), ..self }
    }

    /// The password of the server or of its user `default`, if the URL does not say.
    pub fn password(self, password: impl Into<String>) -> Self {
        Self { credentials: Some(Credentials { user: None, password: password.into() }), ..self }
    }

    /// How many frames may be taken and not answered; beyond it a publish waits in line, or is refused as full.
    /// [65,536](Redis::OUTBOUND_FRAMES) by default, and at least 1.
    pub fn outbound_frames(mut self, frames: usize) -> Self {
        self.limits.outbound_frames = frames.max(1);
        self
    }

    /// How many bytes these may have. [16 MiB](Redis::OUTBOUND_BYTES) by default. A single frame may have more.
    pub fn outbound_bytes(mut self, bytes: usize) -> Self {
        self.limits.outbound_bytes = bytes;
        self
    }

    /// The largest message that is read, and how much is held back while subscriptions are restored.
    /// [1 MiB](Redis::INBOUND_BYTES) by default. The codec has a bound of its own.
    pub fn inbound_bytes(mut self, bytes: usize) -> Self {
        // Room for the names in an answer.
        self.limits.inbound_bytes = bytes.max(4096);
        self
    }

    /// How long opening a connection may take. [2 s](Redis::CONNECT_TIMEOUT) by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.limits.connect_timeout = timeout;
        self
    }

    /// How long a frame waits for a lost connection to come back, before it is given back as not sent.
    /// [5 s](Redis::PUBLISH_TIMEOUT) by default.
    pub fn publish_timeout(mut self, timeout: Duration) -> Self {
        self.limits.publish_timeout = timeout;
        self
    }

    /// After how long without a byte the server is asked whether it is there. [5 s](Redis::PING_INTERVAL) by default.
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.limits.ping_interval = interval;
        self
    }

    /// How long a server that owes an answer may be silent. [5 s](Redis::ANSWER_TIMEOUT) by default. A server that is
    /// blocked for longer, by a slow script, loses its connections.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.limits.answer_timeout = timeout;
        self
    }

    /// How long closing may take before what is left is given up. [5 s](Redis::CLOSE_TIMEOUT) by default.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.limits.close_timeout = timeout;
        self
    }

    /// Delays between tries to reconnect: random up to `min` at first, never above `max`.
    /// [50 ms](Redis::BACKOFF_MIN) and [2 s](Redis::BACKOFF_MAX) by default.
    pub fn backoff(mut self, min: Duration, max: Duration) -> Self {
        self.limits.backoff = (min, max);
        self
    }

    /// Trusts these certificates, in PEM, instead of the usual roots of the web.
    ///
    /// # Errors
    /// If they are none.
    #[cfg(feature = "redis-tls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Result<Self, ConnectError> {
        self.tls.trust(pem.as_ref())?;
        Ok(self)
    }

    /// Shows the server this certificate with its chain, and has this key to it; both in PEM.
    ///
    /// # Errors
    /// If they are none.
    #[cfg(feature = "redis-tls")]
    pub fn client_certificate(
        mut self,
        chain: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Self, ConnectError> {
        self.tls.identify(chain.as_ref(), key.as_ref())?;
        Ok(self)
    }

    /// Connects to the server of this URL: `redis://[[user]:password@]host[:port][/database]`, `rediss://` for the same
    /// with TLS (feature `redis-tls`), or `redis+unix:///path`.
    ///
    /// This is one try, of at most twice the [`connect_timeout`](Self::connect_timeout). Once it succeeded, the connections
    /// are kept for ever.
    ///
    /// # Errors
    /// If the URL is none, nobody is there, or who is there refuses us or is no Redis.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it has opened.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(self, url: impl AsRef<str>) -> Result<Redis<C>, ConnectError> {
        let server = Server::parse(url.as_ref())?;
        self.open(server).await
    }

    /// Connects to the server of a client of redis-rs, which an application may have already. Two connections of our own
    /// are opened; of TLS settings only whether there is TLS is taken.
    ///
    /// The one place where a type of redis-rs shows: another major version of it is one of this method.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// Dropping the future closes what it has opened.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect_client(self, client: &::redis::Client) -> Result<Redis<C>, ConnectError> {
        let server = Server::new(client.get_connection_info())?;
        self.open(server).await
    }

    /// Publishes each event at the one node that has the slot of its channel, instead of at all nodes: sharded channels, of
    /// a cluster of Redis 7. Then only single ids can be followed, a whole type is refused; and who publishes to
    /// channels reaches nobody who follows sharded ones. Streams are not concerned.
    #[cfg(feature = "redis-cluster")]
    pub fn sharded(self) -> Self {
        Self { sharded: true, ..self }
    }

    /// Connects to the cluster that these nodes are of, or some of them: each a URL as for [`connect`](Self::connect), of which the
    /// first says who we are and whether there is TLS. One of them has to be there.
    ///
    /// With [`Redis::durable`] the [prefix](Self::prefix) has to have a hash tag, as in `{shop}:`, which keeps all streams
    /// together.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pubsub_transports::ConnectError> {
    /// use pubsub_transports::redis::{Redis, Retention};
    ///
    /// let redis = Redis::durable(Retention::default())
    ///     .prefix("{shop}:")
    ///     .connect_cluster(["redis://10.0.0.1", "redis://10.0.0.2", "redis://10.0.0.3"])
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`connect`](Self::connect), of the last node that was tried; and if the server is none of a cluster, or the prefix has no
    /// hash tag and should have.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it has opened.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[cfg(feature = "redis-cluster")]
    pub async fn connect_cluster<U: AsRef<str>>(
        self,
        nodes: impl IntoIterator<Item = U>,
    ) -> Result<Redis<C>, ConnectError> {
        use super::cluster::{Nodes, hash_tag, slot};
        let wrong = |reason: &str| ConnectError::Url { reason: reason.to_owned() };
        let nodes = nodes.into_iter().map(|url| Server::parse(url.as_ref()));
        let servers = nodes.collect::<Result<Vec<_>, _>>()?;
        let slot = match (hash_tag(self.prefix.as_bytes()), self.retention) {
            (_, None) => None,
            (Some(_), Some(_)) => Some(slot(self.prefix.as_bytes())),
            (None, Some(_)) => {
                return Err(wrong("streams in a cluster need a prefix with a hash tag, such as `{shop}:`"));
            }
        };
        let first = servers.first().cloned().ok_or_else(|| wrong("a cluster of no nodes"))?;
        if first.database != 0 {
            return Err(wrong("a cluster has no database but 0"));
        }
        let places = servers.into_iter().map(|server| server.place).collect();
        self.open_at(first, |dialer| dialer.nodes = Some(Nodes::new(places, slot))).await
    }

    async fn open(self, server: Server) -> Result<Redis<C>, ConnectError> {
        #[cfg(feature = "redis-cluster")]
        if self.sharded {
            let reason = "sharded channels are those of a cluster: connect with `connect_cluster`".to_owned();
            return Err(ConnectError::Url { reason });
        }
        self.open_at(server, |_| {}).await
    }

    async fn open_at(
        self,
        mut server: Server,
        change: impl FnOnce(&mut Dialer),
    ) -> Result<Redis<C>, ConnectError> {
        #[cfg(feature = "redis-cluster")]
        let sharded = self.sharded;
        let Self { codec, prefix, retention, credentials, tls, limits, .. } = self;
        if prefix.len() > Redis::PREFIX_BYTES {
            let reason = format!("the prefix has more than {} bytes", Redis::PREFIX_BYTES);
            return Err(ConnectError::Url { reason });
        }
        if let Some(Credentials { user, password }) = credentials {
            if server.user.is_none() {
                server.user = user;
            }
            server.password.get_or_insert(password);
        }
        #[cfg(feature = "redis-tls")]
        let tls = {
            let mut tls = tls;
            if matches!(server.place, super::server::Place::Tcp { tls: true, .. }) {
                tls.prepare()?;
            }
            tls
        };
        let mut dialer = Dialer::new(server, tls, limits);
        change(&mut dialer);
        let dialer = Arc::new(dialer);
        #[cfg(feature = "redis-cluster")]
        dialer.check_nodes(&Handle::current());
        let publish = dialer.open().await?;
        let source = match retention {
            #[cfg(feature = "redis-cluster")]
            None if sharded => Source::Shards,
            None => Source::Channels(Box::new(dialer.open().await?)),
            Some(retention) => Source::Streams(Box::new(Session::open(&dialer).await?), retention),
        };
        let (names, keys) = (Arc::new(Names::new(&prefix)), Arc::new(Keys::new(&prefix)));
        let codec = Arc::new(codec);
        Ok(Redis { codec, names, keys, dialer, publish, source, runtime: Handle::current() })
    }
}
