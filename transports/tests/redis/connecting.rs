//! Who is there, and who is not: each a typed error, with no secret in it.

use std::io::Write as _;
use std::time::Duration;

use pubsub_transports::redis::Redis;
use pubsub_transports::{ConnectError, ErrorCode};

use crate::harness::server::free_port;
use crate::harness::{Peer, Proxy, Server, proxy::Mode};

async fn fails(url: &str) -> ConnectError {
    let short = Redis::builder().connect_timeout(Duration::from_millis(300));
    let error = short.connect(url).await.expect_err("no connection");
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
    error
}

/// A server that says `greeting` to everybody, and hangs up or not.
fn says(greeting: &'static [u8], hangs_up: bool) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(greeting);
            if !hangs_up {
                kept.push(stream);
            }
        }
    });
    format!("redis://127.0.0.1:{port}")
}

#[tokio::test]
async fn what_is_no_url() {
    for url in [
        "",
        "localhost",
        "http://localhost",
        "redis://",
        "redis://localhost/x",
        "rediss://:hunter2@h#insecure",
        "redis://:hunter2@h:99999",
    ] {
        let error = fails(url).await;
        assert!(matches!(error, ConnectError::Url { .. }), "{url}: {error:?}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn a_prefix_has_its_bound_and_no_byte_more() {
    let server = Server::start();
    let prefix = |bytes| Redis::builder().prefix("x".repeat(bytes));
    let peer = Peer::new(prefix(Redis::PREFIX_BYTES).connect(server.url()).await.expect("a connection"));
    peer.subscribe(&["a:1"]).await;
    peer.publish("a", "1", "7").await;
    peer.heard.events(1).await;
    let error = prefix(Redis::PREFIX_BYTES + 1).connect(server.url()).await.expect_err("too long");
    assert!(matches!(error, ConnectError::Url { .. }), "{error:?}");
}

#[cfg(not(feature = "redis-tls"))]
#[tokio::test]
async fn tls_asks_for_its_feature() {
    let error = fails("rediss://:hunter2@localhost").await;
    assert!(error.to_string().contains("redis-tls"), "{error}");
}

#[tokio::test]
async fn nobody_there() {
    let port = free_port();
    let error = fails(&format!("redis://me:hunter2@127.0.0.1:{port}")).await;
    let ConnectError::Unreachable { address, source } = &error else { panic!("{error:?}") };
    assert_eq!(*address, format!("127.0.0.1:{port}"));
    assert_eq!(source.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(error.is_retryable());
    let error = fails("redis+unix:///nonexistent/socket").await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let error = fails(&says(b"", false)).await;
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error:?}");
    let error = fails(&says(b"", true)).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn servers_that_are_no_redis() {
    let error = fails(&says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", false)).await;
    assert!(matches!(&error, ConnectError::Protocol { reason } if reason.contains("HTTP")), "{error:?}");
    for greeting in
        [&b"SSH-2.0-OpenSSH_9.2p1\r\n"[..], b"\x4a\x00\x00\x00\x0a8.0", b"\x15\x03\x03", b"*9\r\n", b":1\r\n"]
    {
        let error = fails(&says(greeting, false)).await;
        assert!(matches!(error, ConnectError::Protocol { .. }), "{error:?}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn a_server_that_loads_is_to_be_tried_again() {
    let error = fails(&says(b"-LOADING Redis is loading the dataset in memory\r\n", false)).await;
    assert!(error.is_retryable(), "{error:?}");
    let error = fails(&says(b"-ERR max number of clients reached\r\n", false)).await;
    let ConnectError::Refused(rejection) = &error else { panic!("{error:?}") };
    assert_eq!((rejection.code(), error.is_retryable()), (&ErrorCode::Limit, true));
}

#[tokio::test]
async fn passwords_and_users() {
    let server =
        Server::with(&["--requirepass", "hunter2", "--user", "me", "on", ">hunter22", "~*", "&*", "+@all"]);
    let at = format!("127.0.0.1:{}", server.port);
    for url in
        [format!("redis://{at}"), format!("redis://:wrong@{at}"), format!("redis://nobody:hunter2@{at}")]
    {
        let error = fails(&url).await;
        assert!(matches!(error, ConnectError::Unauthenticated { .. }), "{url}: {error:?}");
    }
    for url in [format!("redis://:hunter2@{at}"), format!("redis://me:hunter22@{at}")] {
        let redis = Redis::connect(&url).await.expect("a connection");
        assert!(!format!("{redis:?}").contains("hunter2"), "{redis:?}");
        let peer = Peer::new(redis);
        peer.subscribe(&["a:1"]).await;
    }
    let builder = Redis::builder().credentials("me", "hunter22");
    assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
    builder.connect(format!("redis://{at}")).await.expect("a connection");
    Redis::builder().password("hunter2").connect(format!("redis://{at}")).await.expect("a connection");
    // No more than the guide says.
    server.cli(&[
        "-a",
        "hunter2",
        "ACL",
        "SETUSER",
        "few",
        "on",
        ">few",
        "resetchannels",
        "&a:*",
        "-@all",
        "+ping",
    ]);
    for command in ["+publish", "+subscribe", "+unsubscribe", "+psubscribe", "+punsubscribe"] {
        server.cli(&["-a", "hunter2", "ACL", "SETUSER", "few", command]);
    }
    let few = Peer::connect(&format!("redis://few:few@{at}")).await;
    few.subscribe(&["a:1", "a"]).await;
    few.publish("a", "1", "1").await;
    few.unsubscribe(&["a:1", "a"]);
    few.subscribe(&["a:2"]).await;
    let open = Server::start();
    let error = fails(&format!("redis://:hunter2@127.0.0.1:{}", open.port)).await;
    assert!(matches!(error, ConnectError::Unauthenticated { .. }), "{error:?}");
}

#[tokio::test]
async fn databases() {
    let server = Server::start();
    Redis::connect(format!("{}/3", server.url())).await.expect("a connection");
    let error = fails(&format!("{}/99", server.url())).await;
    assert!(matches!(error, ConnectError::Refused(_)), "{error:?}");
}

#[tokio::test]
async fn a_unix_socket() {
    let server = Server::with(&["--unixsocket", "socket"]);
    let path = server.directory().join("socket");
    let peer = Peer::connect(&format!("redis+unix://{}", path.display())).await;
    peer.subscribe(&["a:1"]).await;
    peer.publish("a", "1", "7").await;
    peer.heard.events(1).await;
}

#[tokio::test]
async fn a_client_of_redis_rs() {
    let server = Server::start();
    let client = redis::Client::open(server.url()).expect("a client");
    let peer = Peer::new(Redis::builder().connect_client(&client).await.expect("a connection"));
    peer.subscribe(&["a:1"]).await;
}

#[tokio::test]
async fn a_network_that_refuses() {
    let server = Server::start();
    let proxy = Proxy::new(server.port, usize::MAX).await;
    proxy.set(Mode::Refuse);
    let error = fails(&proxy.url()).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    proxy.set(Mode::Stall);
    let error = fails(&proxy.url()).await;
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error:?}");
}
