//! TLS of a hub, by rustls: what it shows of itself.

use std::io;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::tls::certificates;

/// Shows this certificate with its chain, and has this key to it.
pub(super) fn acceptor(chain: &[u8], key: &[u8]) -> io::Result<TlsAcceptor> {
    let wrong = |reason: String| io::Error::new(io::ErrorKind::InvalidInput, reason);
    let chain = certificates(chain).map_err(|error| wrong(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| wrong("the key is no private key in PEM".to_owned()))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| wrong(error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
