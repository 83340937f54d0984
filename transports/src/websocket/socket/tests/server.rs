//! Our server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::*;

type Client = WebSocketStream<DuplexStream>;
type Outcome = tokio::task::JoinHandle<Result<Close, SocketError>>;

/// A client that is not ours, of a server that reads and writes so many bytes at a time.
async fn open(slice: usize) -> (Client, Outcome) {
    let (ours, theirs) = duplex(64 * 1024);
    let server = tokio::spawn(async move {
        let accepted = receive_upgrade(Sliced(ours, slice), HANDSHAKE).await.expect("a request");
        let (mut socket, _) = accepted.accept(None, LIMITS).await.expect("an answer");
        echo(&mut socket).await
    });
    let (client, response) = client_async("ws://localhost/", theirs).await.expect("a handshake");
    assert!(!response.headers().contains_key("Sec-WebSocket-Extensions"), "compression is not offered");
    (client, server)
}

#[tokio::test]
async fn messages_of_every_length_go_both_ways() {
    let (mut client, server) = open(usize::MAX).await;
    for message in messages() {
        client.send(message.clone()).await.unwrap();
        assert!(client.next().await.unwrap().unwrap() == message);
    }
    client.close(Some(CloseFrame { code: 4242.into(), reason: "enough".into() })).await.unwrap();
    assert_eq!(server.await.unwrap().unwrap(), Close::new(4242, "enough"));
    let answer = client.next().await.unwrap().unwrap();
    assert!(matches!(answer, Message::Close(Some(frame)) if u16::from(frame.code) == 4242));
    assert!(client.next().await.is_none());
}

#[tokio::test]
async fn a_byte_at_a_time() {
    let (mut client, server) = open(1).await;
    for message in messages().into_iter().take(10) {
        client.send(message.clone()).await.unwrap();
        assert!(client.next().await.unwrap().unwrap() == message);
    }
    drop(client);
    assert!(matches!(server.await.unwrap(), Err(SocketError::Ended)));
}

#[tokio::test]
async fn fragments_are_put_together_and_pings_between_them_answered() {
    let (mut client, _server) = open(1024).await;
    for message in fragmented() {
        client.send(message).await.unwrap();
    }
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"here?")));
    assert_eq!(client.next().await.unwrap().unwrap(), text("in three parts"));
}

#[tokio::test]
async fn what_is_against_the_rules_is_answered_with_its_code() {
    let masked =
        |first: u8, payload: &[u8]| [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat();
    let oversized = [&[0x82, 0xFF][..], &(LIMITS.message as u64 + 1).to_be_bytes(), &[0; 4]].concat();
    for (frame, code) in [
        (vec![0x81, 1, b'x'], 1002),
        (masked(0x91, b"x"), 1002),
        (masked(0x83, b"x"), 1002),
        (masked(0x80, b"x"), 1002),
        (masked(0x88, &[0]), 1002),
        (masked(0x81, &[0xFF]), 1007),
        (oversized, 1009),
    ] {
        let (mut client, server) = open(1024).await;
        client.get_mut().write_all(&frame).await.unwrap();
        let closed = client.next().await.unwrap().unwrap();
        assert!(
            matches!(&closed, Message::Close(Some(close)) if u16::from(close.code) == code),
            "{closed:?}"
        );
        drop(client);
        assert_eq!(server.await.unwrap().unwrap_err().close_code(), code);
    }
}

#[tokio::test]
async fn a_request_shows_its_headers_and_takes_one_subprotocol() {
    let (ours, theirs) = duplex(1024);
    let mut request = "ws://localhost/live?secret=1".into_client_request().unwrap();
    for (name, value) in [
        ("Origin", "https://shop.example"),
        ("Authorization", "Bearer hush"),
        ("Sec-WebSocket-Protocol", "bearer.hush, pubsub.v1.json"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let client = tokio::spawn(async move { client_async(request, theirs).await.unwrap().1 });
    let accepted = receive_upgrade(ours, HANDSHAKE).await.unwrap();
    let request = &accepted.request;
    assert_eq!((request.path(), request.origin()), ("/live", Some("https://shop.example")));
    assert_eq!(request.authorization(), Some("Bearer hush"));
    assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["bearer.hush", "pubsub.v1.json"]);
    assert_eq!(format!("{request:?}"), r#"UpgradeRequest { path: "/live", .. }"#);
    accepted.accept(Some("pubsub.v1.json"), LIMITS).await.unwrap();
    assert_eq!(client.await.unwrap().headers()["Sec-WebSocket-Protocol"], "pubsub.v1.json");
}

#[tokio::test]
async fn bytes_that_came_with_the_request_are_not_lost() {
    let (ours, mut theirs) = duplex(1024);
    let request = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let early = [request.as_bytes(), &[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']].concat();
    theirs.write_all(&early).await.unwrap();
    let accepted = receive_upgrade(ours, HANDSHAKE).await.unwrap();
    let (mut socket, _) = accepted.accept(None, LIMITS).await.unwrap();
    let received = receive(&mut socket).await.unwrap();
    assert_eq!(received, [Received::Message(wire::Message::Text(Bytes::from_static(b"hi")))]);
}

#[tokio::test]
async fn what_is_no_upgrade_is_answered_in_http() {
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(9000));
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), "426"),
        ("POST / HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), "405"),
        (format!("GET / HTTP/1.1\r\n{upgrade}Sec-WebSocket-Version: 8\r\n\r\n"), "426"),
        (format!("GET / HTTP/1.1\r\n{upgrade}Sec-WebSocket-Version: 13\r\n\r\n"), "400"),
        ("\u{1}\u{2}\r\n\r\n".to_owned(), "400"),
        (long, "431"),
    ] {
        let (ours, mut theirs) = duplex(16 * 1024);
        theirs.write_all(request.as_bytes()).await.unwrap();
        let refused = receive_upgrade(ours, HANDSHAKE).await.err().expect("no upgrade");
        assert!(matches!(refused, HandshakeError::Refused { .. }), "{refused:?}");
        let mut answer = String::new();
        theirs.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn a_request_may_have_its_bound_and_no_byte_more() {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    let bare = format!("GET / HTTP/1.1\r\n{upgrade}Sec-WebSocket-Key: {}==\r\nX: \r\n\r\n", "A".repeat(22));
    for more in [0, 1] {
        // Read at once or in pieces, with something behind it or not.
        for (slice, behind) in [(usize::MAX, ""), (1, ""), (usize::MAX, "more")] {
            let padding = "x".repeat(HANDSHAKE.head - bare.len() + more);
            let request = bare.replace("X: ", &format!("X: {padding}")) + behind;
            let (ours, mut theirs) = duplex(16 * 1024);
            theirs.write_all(request.as_bytes()).await.unwrap();
            let accepted = receive_upgrade(Sliced(ours, slice), HANDSHAKE).await;
            assert_eq!(accepted.is_ok(), more == 0, "{more} more, {slice} at a time, before {behind:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_ends_is_given_up() {
    let (ours, mut theirs) = duplex(1024);
    theirs.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let result = receive_upgrade(ours, HANDSHAKE).await.err();
    assert!(matches!(result, Some(HandshakeError::TimedOut)), "{result:?}");
}

/// Reads and writes so many bytes at a time.
struct Sliced(DuplexStream, usize);

impl AsyncRead for Sliced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let slice = self.1.min(into.remaining());
        let mut part = ReadBuf::new(into.initialize_unfilled_to(slice));
        let read = Pin::new(&mut self.0).poll_read(cx, &mut part);
        let filled = part.filled().len();
        into.advance(filled);
        read
    }
}

impl AsyncWrite for Sliced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let slice = self.1.min(bytes.len());
        Pin::new(&mut self.0).poll_write(cx, &bytes[..slice])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
