//! TLS with a certificate authority of one's own.

use pubsub_transports::ConnectError;
use pubsub_transports::redis::{Redis, RedisBuilder, Retention};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::harness::{Peer, Server};

/// What a server that speaks TLS needs, and who may speak to it.
struct Certificates {
    authority: String,
    client: (String, String),
    directory: std::path::PathBuf,
}

impl Certificates {
    fn new() -> Self {
        let key = || KeyPair::generate().expect("a key");
        let mut root = CertificateParams::new([]).expect("parameters");
        root.distinguished_name.push(DnType::CommonName, "authority");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root_key = key();
        let authority = root.self_signed(&root_key).expect("a certificate").pem();
        let issuer = Issuer::new(root, root_key);
        let signed = |names: Vec<String>| {
            let key = key();
            let mut parameters = CertificateParams::new(names).expect("parameters");
            parameters.distinguished_name.push(DnType::CommonName, "member");
            let certificate = parameters.signed_by(&key, &issuer);
            (certificate.expect("a certificate").pem(), key.serialize_pem())
        };
        let (certificate, server_key) = signed(vec!["localhost".into(), "127.0.0.1".into()]);
        let client = signed(vec!["client".into()]);
        let directory = std::env::temp_dir().join(format!("pubsub-tls-{}", fastrand::u64(..)));
        std::fs::create_dir_all(&directory).expect("a directory");
        for (name, text) in [("ca", &authority), ("cert", &certificate), ("key", &server_key)] {
            std::fs::write(directory.join(name), text).expect("written");
        }
        Self { authority, client, directory }
    }

    /// A server that speaks TLS on a second port, and asks clients for a certificate of the authority.
    fn server(&self, more: &[&str]) -> (Server, u16) {
        let port = crate::harness::server::free_port();
        let tls_port = port.to_string();
        let [ca, cert, key] =
            ["ca", "cert", "key"].map(|name| self.directory.join(name).display().to_string());
        let own = [
            "--tls-port",
            &tls_port,
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
        ];
        (Server::with(&[&own[..], more].concat()), port)
    }

    fn identified(&self, builder: RedisBuilder) -> RedisBuilder {
        let trusting = builder.root_certificates(&self.authority).expect("a certificate");
        trusting.client_certificate(&self.client.0, &self.client.1).expect("a certificate")
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

struct Secure {
    _server: Server,
    port: u16,
    certificates: Certificates,
}

impl Secure {
    fn start() -> Self {
        let certificates = Certificates::new();
        let (server, port) = certificates.server(&[]);
        Self { _server: server, port, certificates }
    }

    fn url(&self) -> String {
        format!("rediss://localhost:{}", self.port)
    }
}

#[tokio::test]
async fn an_authority_of_ones_own() {
    let secure = Secure::start();
    let authority = &secure.certificates.authority;
    let trusting = Redis::builder().root_certificates(authority).expect("a certificate");
    let builder = secure.certificates.identified(Redis::builder());
    let shown = format!("{builder:?}");
    assert!(!shown.contains("PRIVATE") && !shown.contains("BEGIN"), "{shown}");
    let peer = Peer::new(builder.connect(secure.url()).await.expect("a connection"));
    peer.subscribe(&["a:1", "b"]).await;
    for number in 0..500 {
        peer.publish("a", "1", &number.to_string()).await;
    }
    peer.heard.events(500).await;
    assert_eq!(peer.close().await, 0);

    // Without a certificate the server lets nobody in.
    let error = trusting.connect(secure.url()).await.expect_err("no certificate");
    assert!(matches!(&error, ConnectError::Protocol { reason } if reason.contains("TLS")), "{error:?}");
    // A stranger's server is not trusted.
    let error = Redis::connect(secure.url()).await.expect_err("not trusted");
    assert!(matches!(&error, ConnectError::Protocol { reason } if reason.contains("TLS")), "{error:?}");
}

#[tokio::test]
async fn streams_by_an_authority_of_ones_own() {
    let secure = Secure::start();
    let builder = secure.certificates.identified(Redis::durable(Retention::default()));
    let (reader, writer) = (builder.clone().connect(secure.url()).await, builder.connect(secure.url()).await);
    let [reader, writer] = [reader, writer].map(|redis| Peer::new(redis.expect("a connection")));
    reader.subscribe(&["a"]).await;
    for number in 0..500 {
        writer.publish("a", "1", &number.to_string()).await;
    }
    reader.heard.events(500).await;
    assert_eq!((reader.heard.gaps_so_far(), reader.close().await, writer.close().await), (0, 0, 0));
    let error = Redis::durable(Retention::default()).connect(secure.url()).await.expect_err("not trusted");
    assert!(matches!(&error, ConnectError::Protocol { reason } if reason.contains("TLS")), "{error:?}");
}

/// The nodes are called what the cluster says, and their certificates have to be of that name.
#[cfg(feature = "redis-cluster")]
#[tokio::test]
async fn a_cluster_by_an_authority_of_ones_own() {
    use std::sync::Mutex;
    let (certificates, ports) = (Certificates::new(), Mutex::new(Vec::new()));
    let cluster = crate::harness::cluster::Cluster::of(0, |arguments| {
        let (node, port) = certificates.server(&[&["--tls-cluster", "yes"], arguments].concat());
        ports.lock().expect("the ports").push(port);
        (node, port)
    });
    let url = format!("rediss://localhost:{}", ports.lock().expect("the ports")[0]);
    let durable = || Redis::durable(Retention::default()).prefix("{t}:");
    for builder in [Redis::builder(), Redis::builder().sharded(), durable()] {
        let connect = || certificates.identified(builder.clone()).connect_cluster([&url]);
        let (reader, writer) = (connect().await, connect().await);
        let [reader, writer] = [reader, writer].map(|redis| Peer::new(redis.expect("a connection")));
        let ids: Vec<String> = (0..30).map(|id| format!("a:{id}")).collect();
        reader.subscribe(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        for id in 0..30 {
            writer.publish("a", &id.to_string(), "1").await;
        }
        reader.heard.events(30).await;
        assert_eq!((reader.heard.gaps_so_far(), reader.close().await, writer.close().await), (0, 0, 0));
        let error = builder.connect_cluster([&url]).await.expect_err("not trusted");
        assert!(matches!(&error, ConnectError::Protocol { reason } if reason.contains("TLS")), "{error:?}");
    }
    drop(cluster);
}

#[tokio::test]
async fn one_side_without_tls() {
    let server = Server::start();
    let short = Redis::builder().connect_timeout(std::time::Duration::from_millis(500));
    let error =
        short.clone().connect(format!("rediss://localhost:{}", server.port)).await.expect_err("no TLS there");
    assert!(
        matches!(
            error,
            ConnectError::Protocol { .. } | ConnectError::TimedOut { .. } | ConnectError::Unreachable { .. }
        ),
        "{error:?}"
    );
    let secure = Secure::start();
    let error = short.connect(format!("redis://localhost:{}", secure.port)).await.expect_err("TLS there");
    assert!(matches!(error, ConnectError::Protocol { .. } | ConnectError::Unreachable { .. }), "{error:?}");
}

#[test]
fn what_is_no_certificate() {
    for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        assert!(matches!(Redis::builder().root_certificates(pem), Err(ConnectError::Url { .. })), "{pem}");
        assert!(
            matches!(Redis::builder().client_certificate(pem, pem), Err(ConnectError::Url { .. })),
            "{pem}"
        );
    }
}
