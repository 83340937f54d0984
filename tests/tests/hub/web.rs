//! A hub as routes of axum: who is let in there, by the statuses of HTTP.

use std::net::SocketAddr;

use pubsub::prelude::*;
use pubsub::websocket::{HubConfig, Identity, Permission};
use pubsub::{ErrorCode, Hub, Rejection, web};
use pubsub_tests::client::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{App, in_time, status, until};
use crate::identity::guarded;

/// Who has a name has an inbox.
async fn decide(who: Option<Identity>, wanted: Permission) -> Result<(), Rejection> {
    let own = wanted.address.id() == who.as_ref().map(Identity::name);
    own.then_some(()).ok_or_else(|| Rejection::new(ErrorCode::Denied, "not yours"))
}

async fn served() -> (Hub, SocketAddr) {
    let hub = guarded(HubConfig::default())
        .authorize(decide)
        .token_cookie("session")
        .allowed_origins(["https://app.example"])
        .start();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let app = web::router(&hub);
    tokio::spawn(async move { axum::serve(listener, app).await });
    (hub, address)
}

/// What is answered, up to where a text is in it.
async fn get(address: SocketAddr, path: &str, headers: &[&str], until: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!("GET {path} HTTP/1.1\r\nHost: hub\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    let mut room = [0; 4096];
    while !answer.contains(until) {
        let len = in_time("answer", stream.read(&mut room)).await.expect("read");
        assert!(len > 0, "ended: {answer}");
        answer.push_str(std::str::from_utf8(&room[..len]).expect("text"));
    }
    answer
}

#[tokio::test]
async fn event_streams_by_http() {
    let (hub, address) = served().await;
    let own = "/sse?topic=session.status:@self";
    for (path, headers, expected) in [
        (own, &[][..], "401 "),
        (own, &["Authorization: Bearer forged"], "401 "),
        (own, &["Cookie: other=token-of-ada"], "401 "),
        ("/sse?topic=session.status:@self&token=token-of-ada", &[], "401 "),
        ("/sse?topic=session.status:bob", &["Authorization: Bearer token-of-ada"], "403 "),
        ("/sse?topic=session.status", &["Cookie: session=token-of-ada"], "403 "),
        (own, &["Cookie: session=token-of-ada", "Origin: https://evil.example"], "403 "),
        ("/sse", &["Authorization: Bearer token-of-ada"], "400 "),
    ] {
        let answer = get(address, path, headers, "\r\n\r\n").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{path} {headers:?}: {answer}");
        assert_eq!(answer.contains("www-authenticate: Bearer"), expected == "401 ", "{answer}");
    }
    until("nobody", || hub.connections().is_empty()).await;
    let bus = PubSub::<App>::new(hub.transport());
    for headers in [
        &["Authorization: Bearer token-of-ada"][..],
        &["Cookie: a=1; session=token-of-ada", "Origin: https://app.example"],
    ] {
        let reader = tokio::spawn(get(address, own, headers, "seen"));
        until("subscribe", || hub.subscriptions() == 1).await;
        bus.publish(App::SESSION_STATUS, "bob", status("secret")).await.expect("published");
        bus.publish(App::SESSION_STATUS, "ada", status("seen")).await.expect("published");
        let answer = reader.await.expect("it ends");
        assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains("secret"), "{answer}");
        until("nobody", || hub.connections().is_empty()).await;
    }
}

#[tokio::test]
async fn web_sockets_by_http() {
    let (hub, address) = served().await;
    let foreign = Client::with(address, "/ws", &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign.err(), Some(403));
    let mut nobody = Client::with(address, "/ws?token=token-of-ada", &[]).await.expect("let in, to be told");
    nobody.subscribe("session.status:ada").await;
    assert_eq!(nobody.closed().await, 4500);
    let headers = [("authorization", "Bearer token-of-ada"), ("origin", "https://app.example")];
    let mut ada = Client::with(address, "/ws", &headers).await.expect("let in");
    ada.subscribe("session.status:bob").await;
    assert!(ada.text().await.contains(r#""code":"denied""#));
    ada.subscribe("session.status:@self").await;
    assert!(ada.text().await.contains("__subscribed"));
    // A cookie opens no WebSocket: a page of anybody could bring it.
    let mut by_cookie =
        Client::with(address, "/ws", &[("cookie", "session=token-of-ada")]).await.expect("let in");
    by_cookie.subscribe("session.status:ada").await;
    assert_eq!(by_cookie.closed().await, 4500);
    assert_eq!(hub.subscriptions(), 1);
}
