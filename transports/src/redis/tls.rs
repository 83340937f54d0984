//! TLS to a server, where the feature is there.

#[cfg(feature = "redis-tls")]
pub(super) use crate::tls::ClientTls as Tls;

/// None: the URLs that ask for it are refused.
#[cfg(not(feature = "redis-tls"))]
#[derive(Clone, Debug, Default)]
pub(super) struct Tls {}
