//! A server of socketioxide on axum, and socket.io-client in Node behind a network.

use std::net::SocketAddr;

use pubsub_tests::proxy::Proxy;
use socketioxide::SocketIo;
use socketioxide::extract::SocketRef;
use tokio::net::TcpListener;

use crate::node::Client;
use crate::story::Story;
use crate::{EACH, PADDING, Result, UNREAD, until};

struct Server {
    io: SocketIo,
    address: SocketAddr,
}

impl Server {
    async fn start() -> Result<Self> {
        let (layer, io) = SocketIo::new_layer();
        io.ns("/", async |_: SocketRef| {});
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let app = axum::Router::new().layer(layer);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { io, address })
    }

    fn subscribers(&self) -> usize {
        self.io.sockets().len()
    }

    /// How many of these were refused, and the last that was not.
    async fn publish(&self, from: u64, count: u64) -> (u64, Option<u64>) {
        let (mut refused, mut last) = (0, None);
        let padding = "x".repeat(PADDING);
        for number in from..from + count {
            match self.io.emit("number", &format!("{number} {padding}")).await {
                Ok(()) => last = Some(number),
                Err(_) => refused += 1,
            }
            // As the events of a server come: its other tasks run between them.
            tokio::task::yield_now().await;
        }
        (refused, last)
    }
}

pub(crate) async fn unread() -> Result<Story> {
    let server = Server::start().await?;
    let proxy = Proxy::to(server.address).await;
    let mut client = Client::start("socketio", proxy.address.port())?;
    until("subscriber", async || Ok(server.subscribers() == 1)).await?;
    proxy.change(|weather| weather.stalled = true);
    let (refused, _) = server.publish(0, UNREAD).await;
    proxy.change(|weather| weather.stalled = false);
    // What is full has room again.
    until("last event", async || Ok(server.publish(UNREAD, 1).await.0 == 0)).await?;
    client.has_last(UNREAD).await?;
    let story = client.story(UNREAD + 1, refused).await?;
    let note = "`emit` says that a socket is full: the event is gone for it";
    Ok(if refused > 0 { Story { note: note.to_owned(), ..story } } else { story })
}

pub(crate) async fn cut() -> Result<Story> {
    let server = Server::start().await?;
    let proxy = Proxy::to(server.address).await;
    let mut client = Client::start("socketio", proxy.address.port())?;
    until("subscriber", async || Ok(server.subscribers() == 1)).await?;
    let (before, last) = server.publish(0, EACH).await;
    client.has_last(last.ok_or("all are refused")?).await?;
    proxy.change(|weather| weather.refuses = true);
    proxy.cut();
    until("loss", async || Ok(server.subscribers() == 0)).await?;
    let (meanwhile, _) = server.publish(EACH, EACH).await;
    proxy.change(|weather| weather.refuses = false);
    until("subscriber", async || Ok(server.subscribers() == 1)).await?;
    let (afterwards, last) = server.publish(2 * EACH, EACH).await;
    client.has_last(last.ok_or("all are refused")?).await?;
    let refused = before + meanwhile + afterwards;
    let story = client.story(3 * EACH, refused).await?;
    let full = if refused > 0 { "; `emit` says that a socket is full" } else { "" };
    Ok(Story { note: story.note.clone() + full, ..story })
}
