//! TLS of clients, by rustls: whom to trust, and who we are.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::ConnectError;

/// Certificates and a key, in PEM, until a connection is asked for.
#[derive(Clone, Default)]
pub(crate) struct ClientTls {
    roots: Vec<CertificateDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, Arc<PrivateKeyDer<'static>>)>,
    config: Option<Arc<ClientConfig>>,
}

impl ClientTls {
    pub(crate) fn trust(&mut self, pem: &[u8]) -> Result<(), ConnectError> {
        self.roots.extend(certificates(pem)?);
        Ok(())
    }

    pub(crate) fn identify(&mut self, chain: &[u8], key: &[u8]) -> Result<(), ConnectError> {
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|_| wrong("the key is no private key in PEM"))?;
        self.identity = Some((certificates(chain)?, Arc::new(key)));
        Ok(())
    }

    /// Makes the configuration that all connections share.
    pub(crate) fn prepare(&mut self) -> Result<(), ConnectError> {
        let mut roots = RootCertStore::empty();
        if self.roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for root in &self.roots {
            roots.add(root.clone()).map_err(|error| wrong(&error.to_string()))?;
        }
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error.to_string()))?
            .with_root_certificates(roots);
        let config = match &self.identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| wrong(&error.to_string()))?,
        };
        self.config = Some(Arc::new(config));
        Ok(())
    }

    pub(crate) async fn wrap(
        &self,
        host: &str,
        tcp: TcpStream,
    ) -> Result<Box<TlsStream<TcpStream>>, ConnectError> {
        let Some(config) = &self.config else { return Err(wrong("TLS was not prepared")) };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| wrong("the host is no name that a certificate can have"))?;
        let connected = TlsConnector::from(Arc::clone(config)).connect(name, tcp).await;
        connected.map(Box::new).map_err(|error| failed(host, error))
    }
}

fn failed(host: &str, error: io::Error) -> ConnectError {
    match error.kind() {
        // What rustls says of a certificate or of bytes that are no TLS.
        io::ErrorKind::InvalidData => ConnectError::Protocol { reason: format!("TLS: {error}") },
        _ => ConnectError::Unreachable { address: host.to_owned(), source: error.into() },
    }
}

pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(wrong("no certificates in PEM where some were given")),
    }
}

fn wrong(reason: &str) -> ConnectError {
    ConnectError::Url { reason: reason.to_owned() }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls")
            .field("roots", &self.roots.len())
            .field("identity", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}
