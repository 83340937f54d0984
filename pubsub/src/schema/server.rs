//! Where events can be had: the servers of an AsyncAPI document.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value, json};

/// A server of an [`AsyncApi`](super::AsyncApi) document: Redis, or the WebSocket of a hub.
///
/// ```
/// use pubsub::schema::Server;
///
/// let hub = Server::at("wss://events.example.com/hub")?;
/// let redis = Server::at("redis://redis.example.com:6379")?.channel_prefix("app:events:");
/// # Ok::<(), pubsub::schema::ServerUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    protocol: &'static str,
    host: String,
    pathname: String,
    channel_prefix: String,
    description: Option<String>,
}

impl Server {
    /// The server at a URL, which begins with `redis://`, `rediss://`, `ws://` or `wss://`.
    ///
    /// Of the URL the document has the protocol, the host with its port, and the path. A user and a password, and what
    /// comes after `?` or `#`, are left out: the document is for others to read.
    ///
    /// # Errors
    /// [`ServerUrlError::Protocol`] for any other protocol or none; [`ServerUrlError::Host`] without a host.
    pub fn at(url: &str) -> Result<Self, ServerUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(ServerUrlError::Protocol)?;
        let known = ["redis", "rediss", "ws", "wss"];
        let protocol = known.into_iter().find(|known| scheme.eq_ignore_ascii_case(known));
        let protocol = protocol.ok_or(ServerUrlError::Protocol)?;
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, pathname) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if host.is_empty() || host.starts_with(':') || host.contains(char::is_whitespace) {
            return Err(ServerUrlError::Host);
        }
        let (host, pathname) = (host.to_owned(), pathname.trim_end_matches('/').to_owned());
        Ok(Self { protocol, host, pathname, channel_prefix: String::new(), description: None })
    }

    /// What comes before the address in the name of a Redis channel; nothing by default. AsyncAPI has no word for it:
    /// the document says it in the server's description, and in `x-channel-prefix`. A hub has none.
    #[must_use]
    pub fn channel_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.channel_prefix = prefix.into();
        self
    }

    /// What the document says of the server, in CommonMark, before how to speak to it.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Whether it is the WebSocket of a hub.
    pub(super) fn is_hub(&self) -> bool {
        matches!(self.protocol, "ws" | "wss")
    }

    pub(super) fn document(&self) -> Value {
        let mut server = Map::new();
        server.insert("protocol".to_owned(), self.protocol.into());
        server.insert("host".to_owned(), self.host.as_str().into());
        if !self.pathname.is_empty() {
            server.insert("pathname".to_owned(), self.pathname.as_str().into());
        }
        let usage = if self.is_hub() { HUB.to_owned() } else { redis(&self.channel_prefix) };
        let parts: Vec<&str> = self.description.as_deref().into_iter().chain([&*usage]).collect();
        server.insert("description".to_owned(), parts.join("\n\n").into());
        if !self.is_hub() && !self.channel_prefix.is_empty() {
            server.insert("x-channel-prefix".to_owned(), self.channel_prefix.as_str().into());
        }
        server.into()
    }
}

const HUB: &str = "One WebSocket for all channels; a text frame is one message. To publish, send the message. To \
    subscribe, send `{\"type\":\"__subscribe\",\"id\":\"1\",\"payload\":{\"topic\":\"..\"}}`, where the topic is the address of a \
    channel, or what comes before its first `:` for every id.";

fn redis(prefix: &str) -> String {
    let name = match prefix {
        "" => "the address of the channel".to_owned(),
        prefix => format!("`{prefix}` and then the address of the channel"),
    };
    format!(
        "Publish/subscribe of Redis. A Redis channel is named by {name}. For every id, subscribe to the pattern that has `*` \
         in its place."
    )
}

/// What a hub's WebSocket is opened by, which is the same for all channels.
pub(super) fn hub_binding() -> Value {
    json!({
        "ws": {
            "method": "GET",
            "headers": {
                "type": "object",
                "properties": {
                    "Sec-WebSocket-Protocol": {
                        "const": "pubsub.v1.json",
                        "description": "May be left out: a hub speaks JSON unless asked otherwise.",
                    },
                },
            },
            "bindingVersion": "0.1.0",
        },
    })
}

/// Why a URL is not that of a [`Server`]. It does not repeat the URL, which may have a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerUrlError {
    /// It begins with none of the protocols that events come by.
    Protocol,
    /// It names no host.
    Host,
}

impl fmt::Display for ServerUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Protocol => "the URL of a server begins with `redis://`, `rediss://`, `ws://` or `wss://`",
            Self::Host => "the URL of a server names a host, as in `wss://events.example.com/hub`",
        })
    }
}

impl Error for ServerUrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Result<(&'static str, String, String), ServerUrlError> {
        Server::at(url).map(|server| (server.protocol, server.host, server.pathname))
    }

    #[test]
    fn a_url_is_split_and_its_secrets_are_left_out() {
        let split = |protocol, host: &str, path: &str| Ok((protocol, host.to_owned(), path.to_owned()));
        assert_eq!(parts("wss://events.example.com/hub"), split("wss", "events.example.com", "/hub"));
        assert_eq!(parts("WS://[::1]:80"), split("ws", "[::1]:80", ""));
        assert_eq!(parts("redis://user:p@ss@host:6379/"), split("redis", "host:6379", ""));
        assert_eq!(parts("rediss://host?token=secret"), split("rediss", "host", ""));
        assert_eq!(parts("ws://host/a/b?token=secret#there"), split("ws", "host", "/a/b"));
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        for url in ["", "host", "http://host", "redis:host", "://host"] {
            assert_eq!(parts(url), Err(ServerUrlError::Protocol), "{url}");
        }
        for url in ["ws://", "ws:///hub", "redis://:6379", "redis://user@", "ws://a host"] {
            assert_eq!(parts(url), Err(ServerUrlError::Host), "{url}");
        }
    }
}
