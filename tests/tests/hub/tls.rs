//! TLS with a certificate authority of one's own.

use std::time::Duration;

use pubsub::prelude::*;
use pubsub::websocket::HubConfig;
use pubsub::{ConnectError, Hub, Spoke};
use pubsub_tests::proxy::Proxy;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{App, address, hasty_hub, in_time, lost, next, quick_hub, quick_spoke, until};

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut root = CertificateParams::new([]).expect("parameters");
        root.distinguished_name.push(DnType::CommonName, "authority");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = root.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(root, key) }
    }

    fn certificate(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        (parameters.signed_by(&key, &self.issuer).expect("a certificate").pem(), key.serialize_pem())
    }

    async fn hub(&self, name: &str, config: HubConfig) -> Hub {
        let (chain, key) = self.certificate(name);
        let builder = Hub::builder().config(config).close_timeout(Duration::from_millis(500));
        builder
            .certificate(chain, key)
            .expect("a certificate")
            .bind("127.0.0.1:0")
            .await
            .expect("a free port")
    }
}

#[tokio::test]
async fn a_bus_over_tls() {
    let authority = Authority::new();
    let hub = authority.hub("localhost", quick_hub()).await;
    let proxy = Proxy::to(address(&hub)).await;
    let url = format!("wss://localhost:{}/live", proxy.address.port());
    let builder = Spoke::builder().config(quick_spoke()).close_timeout(Duration::from_millis(500));
    let spoke = builder.root_certificates(&authority.pem).expect("certificates").connect(&url).await;
    let bus: PubSub<App> = PubSub::new(spoke.expect("a connection"));
    let mut numbers = bus.subscribe(App::NUMBER).bound(4096).await.expect("subscribed");
    for number in 0..1000 {
        bus.publish(App::NUMBER, "a", number).now().expect("taken");
    }
    // A large one, and a connection that is lost.
    bus.publish(App::SESSION_STATUS, "a", crate::harness::status(&"x".repeat(60_000)))
        .await
        .expect("published");
    proxy.change(|weather| weather.refuses = true);
    proxy.cut();
    lost(&bus).await;
    proxy.change(|weather| weather.refuses = false);
    bus.publish(App::NUMBER, "a", 1000).await.expect("published");
    for number in 0..=1000 {
        assert_eq!(next(&mut numbers).await.payload, number);
    }
    in_time("close", bus.close()).await;
    until("nobody", || hub.connections().is_empty()).await;
}

#[tokio::test]
async fn who_is_not_trusted_is_not_connected_to() {
    let (authority, other) = (Authority::new(), Authority::new());
    let hub = authority.hub("localhost", HubConfig::default()).await;
    let port = address(&hub).port();
    let connect = async |trust: Option<&Authority>, host: &str| {
        let mut builder = Spoke::builder().config(quick_spoke());
        if let Some(authority) = trust {
            builder = builder.root_certificates(&authority.pem).expect("certificates");
        }
        builder.connect(format!("wss://{host}:{port}")).await.err()
    };
    for (trust, host) in [(None, "localhost"), (Some(&other), "localhost"), (Some(&authority), "127.0.0.1")] {
        let refused = connect(trust, host).await;
        assert!(
            matches!(&refused, Some(ConnectError::Protocol { reason }) if reason.contains("TLS")),
            "{refused:?}"
        );
    }
    assert!(connect(Some(&authority), "localhost").await.is_none());
    // Neither end goes on without it.
    let refused = Spoke::builder().config(quick_spoke()).connect(format!("ws://127.0.0.1:{port}")).await;
    assert!(refused.is_err());
    let plain = crate::harness::hub_with(hasty_hub()).await;
    let url = format!("wss://localhost:{}", address(&plain).port());
    let refused = Spoke::builder()
        .config(quick_spoke())
        .root_certificates(&authority.pem)
        .expect("certificates")
        .connect(url)
        .await;
    assert!(
        matches!(refused, Err(ConnectError::Protocol { .. } | ConnectError::Unreachable { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_no_certificate() {
    let (chain, key) = Authority::new().certificate("localhost");
    let (_, foreign) = Authority::new().certificate("localhost");
    for (chain, key) in [("", &*key), ("no PEM", &key), (&chain, ""), (&chain, &foreign)] {
        let error = Hub::builder().certificate(chain, key).expect_err("wrong");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
    assert!(matches!(Spoke::builder().root_certificates("no PEM"), Err(ConnectError::Url { .. })));
}

/// Who opens a connection and says nothing, or half a handshake, is let go.
#[tokio::test]
async fn stale_handshake() {
    let authority = Authority::new();
    let hub = authority.hub("localhost", hasty_hub()).await;
    for said in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut stream = TcpStream::connect(address(&hub)).await.expect("connected");
        stream.write_all(said).await.expect("written");
        let mut rest = Vec::new();
        // Closed, with or without an alert.
        let _ = in_time("end", stream.read_to_end(&mut rest)).await;
    }
    assert!(hub.connections().is_empty());
}
