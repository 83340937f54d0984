//! Which server, and who we are there.

use std::fmt;
use std::path::PathBuf;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

use crate::ConnectError;

#[derive(Clone)]
pub(super) struct Server {
    pub(super) place: Place,
    /// A user without a password is none; a password alone is that of the user `default`.
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tcp { host: String, port: u16, tls: bool },
    Unix(PathBuf),
}

impl Server {
    /// `redis://[[user]:password@]host[:port][/database]`, `rediss://` the same with TLS, and
    /// `redis+unix:///path[?db=&user=&pass=]`.
    pub(super) fn parse(url: &str) -> Result<Self, ConnectError> {
        let wrong = |reason: &str| ConnectError::Url { reason: reason.to_owned() };
        // redis-rs reads the URL; it refuses those with TLS unless it brings the TLS itself.
        let (plain, tls) = match url.split_once("://") {
            Some(("rediss", rest)) => (format!("redis://{rest}"), true),
            Some(("valkeys", rest)) => (format!("valkey://{rest}"), true),
            _ => (url.to_owned(), false),
        };
        let Some(parsed) = redis::parse_redis_url(&plain) else {
            return Err(wrong(
                "it is none of `redis://host:port`, `rediss://host:port` and `redis+unix:///path`",
            ));
        };
        if parsed.fragment().is_some() {
            return Err(wrong("it has a fragment; TLS that is not verified is not supported"));
        }
        // What it says has none of the URL in it.
        let info = parsed.into_connection_info().map_err(|error| wrong(&error.to_string()))?;
        let mut server = Self::new(&info)?;
        if let Place::Tcp { tls: place, .. } = &mut server.place {
            *place = tls;
        }
        if tls && !cfg!(feature = "redis-tls") {
            return Err(wrong("TLS asks for the feature `redis-tls`"));
        }
        Ok(server)
    }

    pub(super) fn new(info: &ConnectionInfo) -> Result<Self, ConnectError> {
        let wrong = |reason: &str| Err(ConnectError::Url { reason: reason.to_owned() });
        let place = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Place::Tcp { host: host.clone(), port: *port, tls: false },
            ConnectionAddr::TcpTls { insecure: true, .. } => {
                return wrong("TLS that is not verified is not supported");
            }
            ConnectionAddr::TcpTls { host, port, .. } => {
                Place::Tcp { host: host.clone(), port: *port, tls: true }
            }
            ConnectionAddr::Unix(path) => Place::Unix(path.clone()),
            _ => return wrong("a kind of address that is not supported"),
        };
        let settings = info.redis_settings();
        let own = |text: Option<&str>| text.map(str::to_owned);
        let (user, password) = (own(settings.username()), own(settings.password()));
        Ok(Self { place, user, password, database: settings.db() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, .. } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Where, and never who.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)
    }
}
