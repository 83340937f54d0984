//! What a connection costs that does nothing. A program of its own: the allocator counts all that it has.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use pubsub::websocket::Identity;
use pubsub::{ErrorCode, Hub, Rejection};
use pubsub_tests::memory::{Counting, allocated};
use pubsub_tests::raw::{HANDSHAKE, frame, subscribe};
use pubsub_tests::waiting::DEADLINE;

#[global_allocator]
static COUNTING: Counting = Counting;

const CONNECTIONS: usize = 200;

/// In debug 4,182 were measured. Resident there may be 6 KiB; the read buffer of tungstenite alone would have 128.
const BYTES: u64 = 4500;

/// As many clients that say who they are, follow two addresses and do nothing more. Of each there is no more than the socket, here.
fn clients(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    (0..count)
        .map(|number| {
            let mut client = TcpStream::connect(address).expect("a connection");
            client.set_read_timeout(Some(DEADLINE)).expect("a time");
            let token = format!("\r\nAuthorization: Bearer member-{number}\r\n\r\n");
            client.write_all(HANDSHAKE.replace("\r\n\r\n", &token).as_bytes()).expect("written");
            for topic in ["a", "b:1"] {
                client.write_all(&frame(0x81, subscribe(topic).as_bytes())).expect("written");
            }
            let (mut heard, mut room) = (String::new(), [0; 1024]);
            while heard.matches("__subscribed").count() < 2 {
                let bytes = client.read(&mut room).expect("an answer");
                assert!(bytes > 0, "it is let in: {heard}");
                heard += &String::from_utf8_lossy(&room[..bytes]);
            }
            client
        })
        .collect()
}

#[tokio::test]
async fn an_idle_connection_has_no_buffers() {
    let hub = Hub::builder()
        .authenticate(async |token| {
            Identity::new(token.0).map_err(|_| Rejection::new(ErrorCode::Unauthenticated, "nobody"))
        })
        .authorize(async |_, _| Ok(()));
    let hub = hub.bind("127.0.0.1:0").await.expect("a free port");
    let address = hub.local_addr().expect("it listens");
    let come = async |count| {
        let coming = tokio::task::spawn_blocking(move || clients(address, count));
        coming.await.expect("all are let in")
    };
    // What there is once is there.
    let first = come(1).await;
    let before = allocated();
    let others = come(CONNECTIONS).await;
    assert_eq!(hub.connections().len(), 1 + CONNECTIONS);
    let each = (allocated() - before) / CONNECTIONS as u64;
    println!("{each} bytes for each of {CONNECTIONS} connections");
    assert!((1..=BYTES).contains(&each), "{each} bytes for each connection");
    drop((first, others));
    hub.close().await;
}
