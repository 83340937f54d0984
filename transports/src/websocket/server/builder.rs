//! How a hub is configured and started.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, ToSocketAddrs};

use super::shared::{Shared, Times};
use super::{Handle, Hub, listener, timer};
use crate::codec::{Codec, DecodeError, Json};
use crate::websocket::socket::{HandshakeLimits, Limits};
use crate::websocket::{Codecs, HubConfig, HubProtocol};

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
}

impl Default for HubBuilder {
    fn default() -> Self {
        let codec = Arc::new(Json::default());
        Self {
            codecs: Codecs::shared(Arc::clone(&codec)),
            codec,
            config: HubConfig::default(),
            max_head: 8 * 1024,
            times: Times { close: Duration::from_secs(5), shutdown_window: Duration::from_secs(10) },
        }
    }
}

impl<C: Codec> HubBuilder<C> {
    /// The codec of the hub's own process, and of clients that ask for it: JSON, by default. It takes the place of all that
    /// were named before.
    pub fn codec<D: Codec>(self, codec: D) -> HubBuilder<D> {
        let Self { config, max_head, times, .. } = self;
        let codec = Arc::new(codec);
        HubBuilder { codecs: Codecs::shared(Arc::clone(&codec)), codec, config, max_head, times }
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
        let Self { codec, codecs, config, max_head, times } = self;
        let handshake = HandshakeLimits { head: max_head, timeout: config.handshake_timeout };
        let limits = Limits { message: config.max_frame };
        let protocol = HubProtocol::new(config, codecs.clone(), fastrand::u64(..));
        let shared = Shared::new(protocol, codecs, limits, handshake, times);
        tokio::spawn(timer::run(Arc::clone(&shared), shared.task()));
        Hub { handle: Arc::new(Handle { shared, codec, address }) }
    }
}

impl<C> std::fmt::Debug for HubBuilder<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubBuilder")
            .field("codecs", &self.codecs)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
