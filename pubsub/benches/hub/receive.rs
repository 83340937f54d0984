//! H5: what a message costs who receives it, on one thread. A hub in another process sends.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use cpu_time::ThreadTime;
use futures::{SinkExt as _, StreamExt as _};
use pubsub::prelude::*;
use pubsub::websocket::{HubConfig, HubConnection, OutboxConfig};
use pubsub::{Hub, Spoke};
use serde::Deserialize;
use tokio_tungstenite::tungstenite::Message;

use crate::app::{App, ID, Reading, reading, subscribe};
use crate::table::{Goal, Table, median};
use crate::{Result, on_one_thread};

const NAME: &str = "H5 spoke, receive";
const COUNT: usize = 200_000;
const BURST: usize = 256;
const ROUNDS: usize = 5;

/// The other process: a hub that publishes bursts to whoever follows, and says where it listens.
pub(crate) fn source() -> Result<()> {
    on_one_thread(async {
        let outbox = OutboxConfig { bytes: 8 << 20, hard_bytes: 64 << 20, ..OutboxConfig::default() };
        let hub =
            Hub::builder().config(HubConfig { outbox, ..HubConfig::default() }).bind("127.0.0.1:0").await?;
        println!("ws://{}", hub.local_addr().ok_or("no address")?);
        let bus = PubSub::<App>::new(hub.transport());
        loop {
            let queued = hub.connections().iter().map(HubConnection::queued_bytes).max();
            if hub.subscriptions() == 0 || queued.is_some_and(|bytes| bytes > 1 << 20) {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            for _ in 0..BURST {
                bus.publish(App::SENSOR_READING, ID, reading()).now().map_err(|error| error.to_string())?;
            }
            tokio::task::yield_now().await;
        }
    })
}

pub(crate) fn run(table: &mut Table) -> Result<()> {
    if !table.wants(NAME) {
        return Ok(());
    }
    let mut source = Command::new(std::env::current_exe()?).arg("source").stdout(Stdio::piped()).spawn()?;
    let mut url = String::new();
    BufReader::new(source.stdout.take().ok_or("no pipe")?).read_line(&mut url)?;
    let result = compare(table, url.trim());
    source.kill()?;
    source.wait()?;
    result
}

fn compare(table: &mut Table, url: &str) -> Result<()> {
    let (mut ours, mut unread, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(on_one_thread(typed(url))?);
        if !table.ours {
            unread.push(on_one_thread(tungstenite(url, false))?);
            read.push(on_one_thread(tungstenite(url, true))?);
        }
    }
    let ours = median(ours);
    if table.ours {
        println!("{NAME}: {ours:.1} ns of CPU/message");
        return Ok(());
    }
    let unit = "ns of CPU/message";
    table.row(NAME, unit, ours, Some(("tokio-tungstenite, unread", median(unread))), Goal::AtMost(0.5));
    table.row(NAME, unit, ours, Some(("tokio-tungstenite and serde_json", median(read))), Goal::AtLeast(1.0));
    Ok(())
}

/// Decoded, and delivered to a subscription.
async fn typed(url: &str) -> Result<f64> {
    let bus = PubSub::<App>::new(Spoke::connect(url).await?);
    let mut readings = bus.subscribe(App::SENSOR_READING).bound(1 << 16).await?;
    let begin = ThreadTime::now();
    for _ in 0..COUNT {
        let event = readings.next().await.ok_or("it has ended")?;
        assert_eq!(event.missed, 0, "what is not counted is not to be paid for");
        std::hint::black_box(&event.payload);
    }
    let each = begin.elapsed().as_nanos() as f64 / COUNT as f64;
    drop(readings);
    bus.close().await;
    Ok(each)
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "read, and thrown away")]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    topic: std::borrow::Cow<'a, str>,
    id: std::borrow::Cow<'a, str>,
    payload: Reading,
}

async fn tungstenite(url: &str, decode: bool) -> Result<f64> {
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
    socket.send(Message::text(subscribe())).await?;
    let _subscribed = socket.next().await;
    let begin = ThreadTime::now();
    for _ in 0..COUNT {
        let Message::Text(text) = socket.next().await.ok_or("it has ended")?? else { continue };
        if decode {
            let envelope: Envelope<'_> = serde_json::from_str(&text)?;
            std::hint::black_box(&envelope);
        }
    }
    let each = begin.elapsed().as_nanos() as f64 / COUNT as f64;
    drop(socket);
    Ok(each)
}
