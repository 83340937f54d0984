//! TLS with a certificate authority of one's own.

use pubsub_transports::ConnectError;
use pubsub_transports::redis::{Redis, Retention};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::harness::{Peer, Server};

/// A server that speaks only TLS on a second port, with a certificate of `authority`, and asks clients for one of it.
struct Secure {
    _server: Server,
    port: u16,
    authority: String,
    client: (String, String),
}

impl Secure {
    fn start() -> Self {
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
        let file = |name: &str, text: &str| {
            let path = directory.join(name);
            std::fs::write(&path, text).expect("written");
            path.display().to_string()
        };
        let (ca, cert, key) = (file("ca", &authority), file("cert", &certificate), file("key", &server_key));
        let port = crate::harness::server::free_port();
        let tls_port = port.to_string();
        let server = Server::with(&[
            "--tls-port",
            &tls_port,
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
        ]);
        std::fs::remove_dir_all(directory).expect("removed");
        Self { _server: server, port, authority, client }
    }

    fn url(&self) -> String {
        format!("rediss://localhost:{}", self.port)
    }
}

#[tokio::test]
async fn an_authority_of_ones_own() {
    let secure = Secure::start();
    let trusting = Redis::builder().root_certificates(&secure.authority).expect("a certificate");
    let builder =
        trusting.clone().client_certificate(&secure.client.0, &secure.client.1).expect("a certificate");
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
    let builder = Redis::durable(Retention::default())
        .root_certificates(&secure.authority)
        .and_then(|builder| builder.client_certificate(&secure.client.0, &secure.client.1))
        .expect("certificates");
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
