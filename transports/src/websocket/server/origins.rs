//! The pages that a browser may come from.

use tungstenite::http::{HeaderMap, header};

/// All, unless some are named. A browser says the origin of the page with every WebSocket; what is no browser says none, and
/// could say any.
#[derive(Debug, Clone, Default)]
pub(super) struct Origins(Option<Vec<String>>);

impl Origins {
    pub(super) fn only(origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(Some(origins.into_iter().map(Into::into).collect()))
    }

    /// Without a header it is let in.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        let (Some(allowed), Some(origin)) = (&self.0, headers.get(header::ORIGIN)) else { return true };
        // Scheme and host have no case, and a browser writes them in lower case.
        allowed.iter().any(|one| one.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
    }
}

/// What a request from elsewhere is told.
pub(super) const FOREIGN: &str = "pages of this origin are not let in";
