//! Our client.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::http::{HeaderMap, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::*;
use crate::ConnectError;

fn options() -> ConnectOptions {
    ConnectOptions {
        headers: HeaderMap::new(),
        subprotocols: vec!["pubsub.v1.json".to_owned()],
        timeout: Duration::from_secs(5),
        limits: LIMITS,
        tls: ClientTls::default(),
    }
}

async fn open(address: SocketAddr) -> Result<(WebSocket<ClientStream>, Option<String>), ConnectError> {
    connect(&format!("ws://{address}/").parse().unwrap(), &options()).await
}

/// A client of ours and a server that is not.
async fn pair() -> (WebSocket<ClientStream>, WebSocketStream<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        #[expect(clippy::result_large_err, reason = "the library asks for this type")]
        let answer = |_: &_, mut response: Response<()>| {
            response.headers_mut().insert("Sec-WebSocket-Protocol", "pubsub.v1.json".parse().unwrap());
            Ok(response)
        };
        accept_hdr_async(stream, answer).await.unwrap()
    });
    let (socket, subprotocol) = open(address).await.unwrap();
    assert_eq!(subprotocol.as_deref(), Some("pubsub.v1.json"));
    (socket, server.await.unwrap())
}

#[tokio::test]
async fn messages_of_every_length_go_both_ways() {
    let (mut socket, mut server) = pair().await;
    let ours = tokio::spawn(async move { echo(&mut socket).await });
    for message in messages() {
        server.send(message.clone()).await.unwrap();
        assert!(server.next().await.unwrap().unwrap() == message);
    }
    for message in fragmented() {
        server.send(message).await.unwrap();
    }
    assert_eq!(server.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"here?")));
    assert_eq!(server.next().await.unwrap().unwrap(), text("in three parts"));
    server.close(Some(CloseFrame { code: 4000.into(), reason: "".into() })).await.unwrap();
    while server.next().await.is_some() {}
    assert_eq!(ours.await.unwrap().unwrap(), Close::new(4000, ""));
}

#[tokio::test]
async fn a_client_says_why_it_leaves() {
    let (mut socket, mut server) = pair().await;
    socket.close(&Close::new(4006, "hole"));
    let closing = tokio::spawn(async move { socket.finish().await });
    let closed = server.next().await.unwrap().unwrap();
    assert!(
        matches!(&closed, Message::Close(Some(frame)) if u16::from(frame.code) == 4006 && frame.reason == "hole")
    );
    while server.next().await.is_some() {}
    closing.await.unwrap();
}

/// A server that answers with these bytes, and then waits.
async fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut request).await.unwrap();
        }
        let request = String::from_utf8(request).unwrap();
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        stream.write_all(&answer(&derive_accept_key(key.as_bytes()))).await.unwrap();
        let _ = stream.read_buf(&mut Vec::new()).await;
    });
    address
}

fn upgraded(accept: &str, more: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn bytes_that_came_with_the_answer_are_not_lost() {
    let address = answering(|accept| [upgraded(accept, ""), vec![0x81, 2, b'h', b'i']].concat()).await;
    let (mut socket, subprotocol) = open(address).await.unwrap();
    assert_eq!(subprotocol, None);
    let received = receive(&mut socket).await.unwrap();
    assert_eq!(received, [Received::Message(wire::Message::Text(Bytes::from_static(b"hi")))]);
}

#[tokio::test]
async fn what_is_no_websocket_server_is_said_to_be_none() {
    let plain = |status: &'static str| answering(move |_| format!("HTTP/1.1 {status}\r\n\r\n").into_bytes());
    for (address, retryable, part) in [
        (plain("200 OK").await, false, "200 OK"),
        (plain("404 Not Found").await, false, "404"),
        (plain("503 Service Unavailable").await, true, "503"),
        (plain("401 Unauthorized").await, false, "not authenticated"),
        (answering(|_| b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()).await, false, "another protocol"),
        (answering(|_| upgraded("wrong", "")).await, false, "our key"),
        (
            answering(|accept| upgraded(accept, "Sec-WebSocket-Protocol: other\r\n")).await,
            false,
            "not offered",
        ),
        (answering(|accept| upgraded(accept, "Sec-WebSocket-Extensions: x\r\n")).await, false, "extension"),
    ] {
        let error = open(address).await.expect_err(part);
        assert_eq!(error.is_retryable(), retryable, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn nobody_there_and_nobody_answering_are_two_errors() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("ws://{address}/").parse().unwrap();
    let hurried = ConnectOptions { timeout: Duration::from_millis(50), ..options() };
    let error = connect(&url, &hurried).await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    drop(listener);
    let error = connect(&url, &options()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
}
