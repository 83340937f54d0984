//! How a spoke is configured and connected.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tungstenite::http::{HeaderMap, HeaderName, HeaderValue};

use super::Spoke;
use super::shared::Shared;
use super::task::SpokeTask;
use super::token::TokenSource;
use crate::ConnectError;
use crate::codec::{Codec, Json};
use crate::websocket::server::SUBPROTOCOL;
use crate::websocket::socket::{ClientTls, ConnectOptions, Limits, WebSocketUrl};
use crate::websocket::{SpokeConfig, SpokeProtocol};

/// Settings of a [`Spoke`], made by [`Spoke::builder`].
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pubsub_transports::ConnectError> {
/// use std::time::Duration;
/// use pubsub_transports::websocket::{Spoke, SpokeConfig};
///
/// let spoke = Spoke::builder()
///     .config(SpokeConfig { publish_timeout: Duration::from_secs(10), ..SpokeConfig::default() })
///     .header("X-Shop", "north")?
///     .connect("ws://hub.example/live")
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "nothing is connected until `connect` is awaited"]
pub struct SpokeBuilder<C = Json> {
    codec: C,
    config: SpokeConfig,
    headers: HeaderMap,
    tokens: Option<TokenSource>,
    tls: ClientTls,
    max_message: usize,
    close_timeout: Duration,
}

impl Default for SpokeBuilder {
    fn default() -> Self {
        Self {
            codec: Json::default(),
            config: SpokeConfig::default(),
            headers: HeaderMap::new(),
            tokens: None,
            tls: ClientTls::default(),
            max_message: 1 << 20,
            close_timeout: Duration::from_secs(5),
        }
    }
}

impl<C: Codec> SpokeBuilder<C> {
    /// How events become bytes: JSON, by default. The hub is asked for it by its name, and says 4506 if it does not
    /// speak it.
    pub fn codec<D: Codec>(self, codec: D) -> SpokeBuilder<D> {
        let Self { config, headers, tokens, tls, max_message, close_timeout, .. } = self;
        SpokeBuilder { codec, config, headers, tokens, tls, max_message, close_timeout }
    }

    /// Every limit and time of the protocol, with its defaults.
    pub fn config(mut self, config: SpokeConfig) -> Self {
        self.config = config;
        self
    }

    /// A header of the request that opens the connection.
    ///
    /// # Errors
    /// If name or value has a character that none may have.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, ConnectError> {
        let reason = format!("`{name}` is no header, or its value none");
        let (Ok(name), Ok(mut value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        else {
            return Err(ConnectError::Url { reason });
        };
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Asks this function for the token that proves who it is: for each connection, and on the one that there is before the hub
    /// believes the last one no longer. It takes the place of [`SpokeConfig::token`].
    ///
    /// If it fails, panics or takes longer than [`connect_timeout`](SpokeConfig::connect_timeout), the spoke tries again as where
    /// nobody is there. A token that the hub refuses ends the spoke.
    ///
    /// What it fails with is the [source](std::error::Error::source) of the [`ConnectError`], word for word: it should name no
    /// secret.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pubsub_transports::ConnectError> {
    /// use pubsub_transports::websocket::Spoke;
    ///
    /// let spoke = Spoke::builder()
    ///     // Where a real one asks for one that is fresh.
    ///     .token(async || std::env::var("HUB_TOKEN"))
    ///     .connect("ws://hub.example/live")
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn token<F, A, E>(mut self, ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.tokens = Some(TokenSource::new(ask));
        self
    }

    /// Trusts these certificates, in PEM, instead of the usual roots of the web.
    ///
    /// # Errors
    /// If they are none.
    #[cfg(feature = "websocket-tls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Result<Self, ConnectError> {
        self.tls.trust(pem.as_ref())?;
        Ok(self)
    }

    /// Shows the hub this certificate with its chain, and has this key to it; both in PEM.
    ///
    /// # Errors
    /// If they are none.
    #[cfg(feature = "websocket-tls")]
    pub fn client_certificate(
        mut self,
        chain: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Self, ConnectError> {
        self.tls.identify(chain.as_ref(), key.as_ref())?;
        Ok(self)
    }

    /// How many bytes a message of the hub may have: 1 MiB. A larger one costs the connection.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// How long closing may take: for what was taken and is not acknowledged, and again for the two sides to take leave.
    /// 5 s.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Connects to a hub, at `ws://host[:port][/path]`, and says who it is; with the feature `websocket-tls` at `wss://` too.
    ///
    /// # Errors
    /// If the URL is none, nobody is there, or who is there refuses us or is no hub.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it has opened.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(self, url: impl AsRef<str>) -> Result<Spoke<C>, ConnectError> {
        let Self { codec, config, headers, tokens, tls, max_message, close_timeout } = self;
        let url: WebSocketUrl = url.as_ref().parse()?;
        #[cfg(feature = "websocket-tls")]
        let tls = {
            let mut tls = tls;
            if url.is_secure() {
                tls.prepare()?;
            }
            tls
        };
        let options = ConnectOptions {
            headers,
            subprotocols: vec![format!("{SUBPROTOCOL}{}", codec.name())],
            timeout: config.connect_timeout,
            limits: Limits { message: max_message },
            tls,
        };
        let codec = Arc::new(codec);
        let pending_bytes = config.pending_bytes;
        let protocol = SpokeProtocol::shared(config, Arc::clone(&codec), fastrand::u64(..));
        let shared = Arc::new(Shared::new(protocol, pending_bytes));
        let mut task = SpokeTask::new(Arc::clone(&shared), url, options, tokens, close_timeout);
        task.connect().await?;
        Ok(Spoke { codec, shared, task, runtime: Handle::current() })
    }
}

/// Without headers and token, which are secrets.
impl<C> fmt::Debug for SpokeBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpokeBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
