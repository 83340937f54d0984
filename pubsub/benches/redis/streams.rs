//! R4: entries of a stream to where a program has them, on one thread.

use std::time::Instant;

use cpu_time::ThreadTime;
use pubsub::Redis;
use pubsub::prelude::*;
use pubsub::redis::Retention;
use redis::AsyncCommands;
use redis::streams::{StreamReadOptions, StreamReadReply};

use crate::Result;
use crate::app::{App, Envelope};
use crate::load;
use crate::receive::{Cost, cost, on_one_thread};
use crate::server::Server;
use crate::table::{Goal, Table, median};

const COUNT: usize = 200_000;
const ROUNDS: usize = 5;
/// Entries that one XREAD of the peer brings at most: with fewer it is slower.
const READ_COUNT: usize = 1_000;

pub(crate) fn run(server: &Server, table: &mut Table) -> Result<()> {
    const NAME: &str = "R4 streams, typed";
    if !table.wants(NAME) {
        return Ok(());
    }
    let url = server.url();
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(on_one_thread(typed(&url)));
        if !table.ours {
            peer.push(on_one_thread(redis_rs(&url)));
        }
    }
    if table.ours {
        println!("{ours:?}");
        return Ok(());
    }
    let clock = |costs: &[Cost]| median(costs.iter().map(|cost| cost.0).collect());
    let cpu = |costs: &[Cost]| median(costs.iter().map(|cost| cost.1).collect());
    let peer_name = "redis-rs and serde_json";
    table.row(NAME, "ns/event", clock(&ours), Some((peer_name, clock(&peer))), Goal::AtLeast(2.0));
    table.row(NAME, "ns of CPU/event", cpu(&ours), Some((peer_name, cpu(&peer))), Goal::AtLeast(2.0));
    Ok(())
}

async fn forget(url: &str, key: &str) {
    let client = redis::Client::open(url).expect("a client");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let _: usize = connection.del(key).await.expect("deleted");
}

async fn typed(url: &str) -> Cost {
    const KEY: &str = "{Status}";
    forget(url, KEY).await;
    let redis = Redis::durable(Retention::forever()).connect(url).await.expect("a connection");
    let bus = PubSub::<App>::new(redis);
    let mut events = bus.subscribe(App::STATUS).bound(COUNT).await.expect("subscribed");
    let load = load::add(url, KEY, COUNT);
    let mut sum = events.next().await.expect("an event").payload.session;
    let (clock, cpu) = (Instant::now(), ThreadTime::now());
    for _ in 1..COUNT {
        let event = events.next().await.expect("an event");
        assert_eq!(event.missed, 0);
        sum += event.payload.session;
    }
    let cost = cost(clock.elapsed(), cpu.elapsed(), COUNT - 1);
    assert_eq!((sum, events.gaps()), (COUNT as u64 * 1_000_000_000, 0));
    load.join().expect("published");
    cost
}

async fn redis_rs(url: &str) -> Cost {
    const KEY: &str = "raw";
    forget(url, KEY).await;
    let client = redis::Client::open(url).expect("a client");
    // A connection that waits at the server may answer later than others.
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    let mut connection = connection.expect("a connection");
    let load = load::add(url, KEY, COUNT);
    let options = StreamReadOptions::default().block(5_000).count(READ_COUNT);
    let (mut last, mut seen, mut sum) = ("0".to_owned(), 0, 0);
    let (mut clock, mut cpu) = (Instant::now(), ThreadTime::now());
    while seen < COUNT {
        let read: Option<StreamReadReply> =
            connection.xread_options(&[KEY], &[&last], &options).await.expect("entries");
        let stream = read.and_then(|mut read| read.keys.pop()).expect("the stream");
        for entry in &stream.ids {
            let message: Vec<u8> = entry.get("event").expect("a field");
            sum += serde_json::from_slice::<Envelope<'_>>(&message).expect("JSON").payload.session;
        }
        if seen == 0 {
            (clock, cpu) = (Instant::now(), ThreadTime::now());
        }
        seen += stream.ids.len();
        last.clone_from(&stream.ids.last().expect("an entry").id);
    }
    let cost = cost(clock.elapsed(), cpu.elapsed(), COUNT - 1);
    assert_eq!(sum, COUNT as u64 * 1_000_000_000);
    load.join().expect("published");
    cost
}
