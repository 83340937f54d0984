//! R5: from a publish to its arrival, one at a time.

use std::time::Instant;

use futures::StreamExt;
use pubsub::Redis;
use pubsub::prelude::*;
use redis::AsyncCommands;
use tokio::runtime::Builder;

use crate::Result;
use crate::app::{App, CHANNEL, Envelope, status};
use crate::server::Server;
use crate::table::{Goal, Table, median};

const COUNT: usize = 5000;
const ROUNDS: usize = 7;

pub(crate) fn run(server: &Server, table: &mut Table) -> Result<()> {
    const NAME: &str = "R5 latency, one at a time";
    if !table.wants(NAME) {
        return Ok(());
    }
    let url = server.url();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(runtime.block_on(typed(&url)));
        peer.push(runtime.block_on(redis_rs(&url)));
    }
    let at = |all: &[Vec<f64>], place: usize| median(all.iter().map(|times| times[place]).collect());
    for (unit, place, most) in [("ns, median", COUNT / 2, 1.1), ("ns, 99 %", COUNT * 99 / 100, 1.25)] {
        let theirs = Some(("redis-rs and serde_json", at(&peer, place)));
        table.row(NAME, unit, at(&ours, place), theirs, Goal::AtMost(most));
    }
    Ok(())
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

async fn typed(url: &str) -> Vec<f64> {
    let (here, there) = (
        PubSub::<App>::new(Redis::connect(url).await.expect("a connection")),
        PubSub::<App>::new(Redis::connect(url).await.expect("a connection")),
    );
    let mut events = there.subscribe(App::STATUS.id("1")).await.expect("subscribed");
    let mut times = Vec::new();
    for number in 0..COUNT {
        let began = Instant::now();
        let publish = here.publish(App::STATUS, "1", status(number as u64));
        let (published, event) = tokio::join!(publish, events.next());
        published.expect("published");
        assert_eq!(event.expect("an event").payload.session, number as u64);
        times.push(began.elapsed().as_nanos() as f64);
    }
    sorted(times)
}

async fn redis_rs(url: &str) -> Vec<f64> {
    let client = redis::Client::open(url).expect("a client");
    let (mut sink, mut stream) = client.get_async_pubsub().await.expect("a connection").split();
    sink.subscribe(CHANNEL).await.expect("subscribed");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let mut times = Vec::new();
    for number in 0..COUNT {
        let began = Instant::now();
        let envelope = Envelope { topic: "Status", id: "1", payload: status(number as u64) };
        let message = serde_json::to_vec(&envelope).expect("JSON");
        let (published, message) =
            tokio::join!(connection.publish::<_, _, usize>(CHANNEL, message), stream.next());
        published.expect("published");
        let message = message.expect("a message");
        let envelope: Envelope<'_> = serde_json::from_slice(message.get_payload_bytes()).expect("JSON");
        assert_eq!(envelope.payload.session, number as u64);
        times.push(began.elapsed().as_nanos() as f64);
    }
    sorted(times)
}
