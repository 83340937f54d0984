//! What subscribers lose who do not read, or are cut off: ours, and those of others, in the same scenario.
//!
//! `cargo run -p pubsub-tests --example losses` prints the tables; `-- --save` writes them into `README.md` here, which says
//! how to read them.

mod hub;
mod in_process;
mod node;
mod redis;
mod socketioxide;
mod story;
mod table;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use pubsub_tests::waiting::DEADLINE;

use crate::table::Tables;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How many events are published to a subscriber who does not read.
const UNREAD: u64 = 10_000;
/// How many at a time to one who is cut off: before, meanwhile and afterwards.
const EACH: u64 = 1_000;
/// How many events may wait for a subscriber in a process.
const BOUND: usize = 1_024;
/// What an event over a socket has besides its number.
const PADDING: usize = 1_000;

#[tokio::main]
async fn main() -> Result<()> {
    let mut tables = Tables::default();
    let has_node = node::install();
    if !has_node {
        println!("without npm: the rows of Node are missing");
    }

    tables.begin("in_process", "in one process, 10,000 events for a subscriber who does not read meanwhile");
    tables.row("ours, drop oldest", in_process::ours(pubsub::Overflow::DropOldest).await);
    tables.row(
        "ours, backpressure, which is the default",
        in_process::ours(pubsub::Overflow::Backpressure).await,
    );
    tables.row("tokio::sync::broadcast", in_process::tokio_broadcast().await);
    tables.row("async-broadcast, overflowing", in_process::async_broadcast(true).await);
    tables.row("async-broadcast", in_process::async_broadcast(false).await);
    if has_node {
        tables.row("graphql-yoga's pubsub in Node", in_process::yoga().await?);
    }

    tables.begin("unread", "over a socket, 10,000 events of 1 KB for a client who does not read meanwhile");
    tables.row("ours, hub and spoke", hub::unread(pubsub::websocket::Overflow::Disconnect).await?);
    tables
        .row("ours, hub and spoke, drop oldest", hub::unread(pubsub::websocket::Overflow::DropOldest).await?);
    tables.row("socketioxide, socket.io-client", socketioxide::unread().await?);
    if has_node {
        for (name, kind) in NODE {
            tables.row(name, node::unread(kind).await?);
        }
    }

    tables.begin("cut_off", "over a socket, 3,000 events, of which a client is cut off for the second 1,000");
    tables.row("ours, hub and spoke", hub::cut(EACH).await?);
    tables.row("ours, hub and spoke, cut off for 5,000", hub::cut(5 * EACH).await?);
    tables.row("ours, Redis streams", redis::cut(true).await?);
    tables.row("ours, Redis channels", redis::cut(false).await?);
    tables.row("socketioxide, socket.io-client", socketioxide::cut().await?);
    if has_node {
        for (name, kind) in NODE {
            tables.row(name, node::cut(kind).await?);
        }
        tables.row("ioredis, Redis channels", redis::cut_ioredis().await?);
    }

    tables.end();
    if std::env::args().any(|argument| argument == "--save") {
        let command = "cargo run -p pubsub-tests --example losses -- --save";
        tables.save(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/losses/README.md"), command)?;
    }
    Ok(())
}

/// Servers and clients of others, by what `node/server.mjs` calls them.
const NODE: [(&str, &str); 3] = [
    ("ws, a client that reconnects", "ws"),
    ("graphql-yoga, graphql-sse", "yoga"),
    ("Socket.IO in Node, with connection state recovery", "socketio"),
];

/// Waits until the condition holds; the error says what did not come.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while !condition().await? {
        if tokio::time::Instant::now() > deadline {
            return Err(format!("no {what} in time").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
