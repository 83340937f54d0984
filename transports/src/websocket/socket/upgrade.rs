//! What a client says of itself before it is let in.

use std::fmt;

use tungstenite::http::{HeaderMap, Request, header};

/// A request to become a WebSocket: where to, and with which headers.
pub(crate) struct UpgradeRequest {
    request: Request<()>,
}

impl UpgradeRequest {
    pub(super) fn new(request: Request<()>) -> Self {
        Self { request }
    }

    pub(super) fn request(&self) -> &Request<()> {
        &self.request
    }

    /// The path, without a query.
    pub(crate) fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// All headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The page that the client runs in, as a browser says it; `None` where it is no browser.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.headers().get(header::ORIGIN)?.to_str().ok()
    }

    /// The value of the header `Authorization`: a secret.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.headers().get(header::AUTHORIZATION)?.to_str().ok()
    }

    /// The subprotocols that the client offers, in its order. A token among them is a secret.
    pub(crate) fn subprotocols(&self) -> impl Iterator<Item = &str> {
        let lines = self.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let lists = lines.filter_map(|line| line.to_str().ok());
        lists.flat_map(|list| list.split(',')).map(str::trim).filter(|name| !name.is_empty())
    }
}

/// Prints the path: headers and queries carry secrets.
impl fmt::Debug for UpgradeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeRequest").field("path", &self.path()).finish_non_exhaustive()
    }
}
