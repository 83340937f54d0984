//! Where a hub is.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use tungstenite::http::Uri;
use tungstenite::http::uri::PathAndQuery;

use crate::ConnectError;

/// `ws://host[:port][/path][?query]`, or the same with `wss` for TLS.
///
/// A user, a password or a fragment is refused: who connects is said by a token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WebSocketUrl {
    host: String,
    port: u16,
    is_secure: bool,
    target: PathAndQuery,
}

impl WebSocketUrl {
    /// The host, an IPv6 address without its brackets.
    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.is_secure
    }

    pub(super) fn target(&self) -> &PathAndQuery {
        &self.target
    }

    /// The value of the header `Host`.
    pub(super) fn authority(&self) -> String {
        if self.port == default_port(self.is_secure) {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for WebSocketUrl {
    type Err = ConnectError;

    fn from_str(text: &str) -> Result<Self, ConnectError> {
        let wrong = |reason: String| ConnectError::Url { reason };
        if text.contains('#') {
            return Err(wrong("it has a fragment".to_owned()));
        }
        let uri: Uri = text.parse().map_err(|error| wrong(format!("{error}")))?;
        let is_secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") if cfg!(feature = "websocket-tls") => true,
            Some("wss") => return Err(wrong(NO_TLS.to_owned())),
            Some(other) => return Err(wrong(format!("its scheme is `{other}`, and not `ws` or `wss`"))),
            None => return Err(wrong("it has no scheme, which is `ws` or `wss`".to_owned())),
        };
        let authority = uri.authority().ok_or_else(|| wrong("it has no host".to_owned()))?;
        if authority.as_str().contains('@') {
            return Err(wrong("it has a user: who connects is said by a token".to_owned()));
        }
        let host = authority.host();
        if host.is_empty() {
            return Err(wrong("it has no host".to_owned()));
        }
        if !is_host(host) {
            return Err(wrong("its host is neither a name nor an address".to_owned()));
        }
        let port = match authority.as_str()[host.len()..].split_at_checked(1) {
            None | Some((":", "")) => Some(default_port(is_secure)),
            Some((":", digits)) => port_of(digits),
            _ => None,
        };
        let port = port.ok_or_else(|| wrong("its port is not a number from 1 to 65535".to_owned()))?;
        let target = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { host: host.to_owned(), port, is_secure, target })
    }
}

/// Brackets are around an IPv6 address and nowhere else: RFC 3986, section 3.2.2. What parses URLs lets others pass.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.contains(['[', ']']),
    }
}

fn port_of(digits: &str) -> Option<u16> {
    // `parse` takes a sign too.
    let number = digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?;
    number.filter(|port| *port > 0)
}

/// Of the web: RFC 6455, section 3.
fn default_port(is_secure: bool) -> u16 {
    if is_secure { 443 } else { 80 }
}

pub(super) const NO_TLS: &str = "TLS asks for the feature `websocket-tls`";

/// Without the query, which may be a secret.
impl fmt::Display for WebSocketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.target.path())
    }
}

impl fmt::Debug for WebSocketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_host_a_port_and_a_path() {
        for (text, host, port, target, shown) in [
            ("ws://localhost", "localhost", 80, "/", "ws://localhost:80/"),
            (
                "ws://hub.example:8080/live?x=1",
                "hub.example",
                8080,
                "/live?x=1",
                "ws://hub.example:8080/live",
            ),
            ("ws://127.0.0.1:9/", "127.0.0.1", 9, "/", "ws://127.0.0.1:9/"),
            ("ws://[::1]:9000/a/b", "::1", 9000, "/a/b", "ws://[::1]:9000/a/b"),
        ] {
            let url: WebSocketUrl = text.parse().unwrap();
            assert_eq!((url.host(), url.port(), url.target().as_str()), (host, port, target), "{text}");
            assert_eq!(url.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_url_says_what_is_wrong() {
        for (text, part) in [
            ("localhost:80", "scheme"),
            ("/path", "no scheme"),
            ("http://localhost", "`http`"),
            ("ws://", "empty"),
            ("ws://user:secret@localhost", "a user"),
            ("ws://localhost:99999", "65535"),
            ("ws://localhost:0", "from 1 to 65535"),
            ("ws://localhost:+80", "from 1"),
            ("ws://localhost[:30]:70", "host"),
            ("ws://[localhost]:70", "host"),
            ("ws://[]:70", "host"),
            ("ws://[::1]x:70", "port"),
            ("ws://localhost/#top", "fragment"),
        ] {
            let error = text.parse::<WebSocketUrl>().expect_err(text);
            assert!(matches!(error, ConnectError::Url { .. }), "{text}");
            let message = error.to_string();
            assert!(message.contains(part) && !message.contains("secret"), "{text}: {message}");
        }
    }

    #[test]
    fn a_secure_url_asks_for_tls() {
        let url = "wss://hub.example/live".parse::<WebSocketUrl>();
        if cfg!(feature = "websocket-tls") {
            let url = url.unwrap();
            assert_eq!((url.port(), url.is_secure(), url.authority()), (443, true, "hub.example".to_owned()));
            assert_eq!(url.to_string(), "wss://hub.example:443/live");
        } else {
            assert!(url.unwrap_err().to_string().contains("websocket-tls"));
        }
    }
}
