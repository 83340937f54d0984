//! TLS with a certificate authority of one's own.

use pubsub_transports::ConnectError;
use pubsub_transports::redis::{Redis, Retention};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::harness::{Peer, Server};

/// An authority, what it has signed for servers and for a client, and where a server finds its own.
struct Authority {
    pem: String,
    client: (String, String),
    directory: std::path::PathBuf,
}

impl Authority {
    fn new() -> Self {
        let key = || KeyPair::generate().expect("a key");
        let mut root = CertificateParams::new([]).expect("parameters");
        root.distinguished_name.push(DnType::CommonName, "authority");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root_key = key();
        let pem = root.self_signed(&root_key).expect("a certificate").pem();
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
        for (name, text) in [("ca", &pem), ("cert", &certificate), ("key", &server_key)] {
            std::fs::write(directory.join(name), text).expect("written");
        }
        Self { pem, client, directory }
    }

    /// What a server is told of it, but for the port.
    fn arguments(&self) -> Vec<String> {
        let files = [("--tls-cert-file", "cert"), ("--tls-key-file", "key"), ("--tls-ca-cert-file", "ca")];
        let words =
            files.map(|(option, name)| [option.to_owned(), self.directory.join(name).display().to_string()]);
        words.concat()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A server that speaks only TLS on a second port, with a certificate of `authority`, and asks clients for one of it.
struct Secure {
    _server: Server,
    port: u16,
    authority: String,
    client: (String, String),
}

impl Secure {
    fn start() -> Self {
        let authority = Authority::new();
        let port = crate::harness::server::free_port();
        let words = [vec!["--tls-port".to_owned(), port.to_string()], authority.arguments()].concat();
        let server = Server::with(&words.iter().map(String::as_str).collect::<Vec<_>>());
        Self { _server: server, port, authority: authority.pem.clone(), client: authority.client.clone() }
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

/// Each node is where the cluster says that it is, and has to be who its certificate says.
#[cfg(feature = "redis-cluster")]
#[tokio::test]
async fn a_cluster_by_an_authority_of_ones_own() {
    use crate::harness::cluster::Cluster;
    let authority = Authority::new();
    let words = authority.arguments();
    let (cluster, ports) = Cluster::secure(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let urls: Vec<String> = ports.iter().map(|port| format!("rediss://localhost:{port}")).collect();
    for builder in
        [Redis::builder(), Redis::builder().sharded(), Redis::durable(Retention::default()).prefix("{shop}:")]
    {
        let builder = builder.root_certificates(&authority.pem).expect("a certificate");
        let error = builder.clone().connect_cluster(&urls).await.expect_err("no certificate");
        assert!(matches!(&error, ConnectError::Protocol { reason } if reason.contains("TLS")), "{error:?}");
        let known =
            builder.client_certificate(&authority.client.0, &authority.client.1).expect("certificates");
        let (reader, writer) = (known.clone().connect_cluster(&urls[..1]), known.connect_cluster(&urls[1..]));
        let [reader, writer] = [reader.await, writer.await].map(|it| Peer::new(it.expect("a connection")));
        let ids: Vec<String> = (0..30).map(|id| format!("a:{id}")).collect();
        reader.subscribe(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        for id in 0..30 {
            writer.publish("a", &id.to_string(), "1").await;
        }
        reader.heard.events(30).await;
        assert_eq!((reader.heard.gaps_so_far(), reader.close().await, writer.close().await), (0, 0, 0));
    }
    // A stranger's cluster is not trusted, nor one that says nothing of TLS.
    let error = Redis::builder().connect_cluster(&urls).await.expect_err("not trusted");
    assert!(matches!(&error, ConnectError::Protocol { reason } if reason.contains("TLS")), "{error:?}");
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
