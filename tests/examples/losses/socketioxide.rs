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

    /// How many of these were refused.
    async fn publish(&self, from: u64, count: u64) -> u64 {
        let mut refused = 0;
        let padding = "x".repeat(PADDING);
        for number in from..from + count {
            refused += u64::from(self.io.emit("number", &format!("{number} {padding}")).await.is_err());
            // As the events of a server come: its other tasks run between them.
            tokio::task::yield_now().await;
        }
        refused
    }
}

pub(crate) async fn unread() -> Result<Story> {
    let server = Server::start().await?;
    let proxy = Proxy::to(server.address).await;
    let mut client = Client::start("socketio", proxy.address.port())?;
    until("subscriber", async || Ok(server.subscribers() == 1)).await?;
    proxy.change(|weather| weather.stalled = true);
    let refused = server.publish(0, UNREAD).await;
    proxy.change(|weather| weather.stalled = false);
    // What is full has room again.
    until("last event", async || Ok(server.publish(UNREAD, 1).await == 0)).await?;
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
    let mut refused = server.publish(0, EACH).await;
    until("last event", async || Ok(client.count().await?.last > 0)).await?;
    proxy.change(|weather| weather.refuses = true);
    proxy.cut();
    until("loss", async || Ok(server.subscribers() == 0)).await?;
    refused += server.publish(EACH, EACH).await;
    proxy.change(|weather| weather.refuses = false);
    until("subscriber", async || Ok(server.subscribers() == 1)).await?;
    refused += server.publish(2 * EACH, EACH).await;
    until("last event", async || Ok(server.publish(3 * EACH, 1).await == 0)).await?;
    client.has_last(3 * EACH).await?;
    let story = client.story(3 * EACH + 1, refused).await?;
    let full = if refused > 0 { "; `emit` says that a socket is full" } else { "" };
    Ok(Story { note: story.note.clone() + full, ..story })
}
