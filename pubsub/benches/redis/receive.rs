//! R1: messages from a server to where a program has them, on one thread.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use futures::StreamExt;
use pubsub::Redis;
use pubsub::prelude::*;
use tokio::runtime::Builder;

use crate::Result;
use crate::app::{App, CHANNEL, Envelope, message};
use crate::load;
use crate::server::Server;
use crate::table::{Goal, Table, median};

const COUNT: usize = 400_000;
const ROUNDS: usize = 5;

/// Nanoseconds a message: by the clock, and of CPU on the receiving thread.
pub(crate) type Cost = (f64, f64);

pub(crate) fn cost(clock: Duration, cpu: Duration, count: usize) -> Cost {
    let each = |time: Duration| time.as_nanos() as f64 / count as f64;
    (each(clock), each(cpu))
}

pub(crate) fn on_one_thread<F: Future<Output = Cost>>(future: F) -> Cost {
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

pub(crate) fn run(server: &Server, table: &mut Table) -> Result<()> {
    const NAME: &str = "R1 receive, typed";
    if !table.wants(NAME) {
        return Ok(());
    }
    assert_eq!(message().len(), 128);
    let url = server.url();
    let (mut ours, mut bytes, mut decoded) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(on_one_thread(typed(&url)));
        if table.ours {
            continue;
        }
        bytes.push(on_one_thread(redis_rs(&url, false)));
        decoded.push(on_one_thread(redis_rs(&url, true)));
    }
    if table.ours {
        return Ok(());
    }
    let clock = |costs: &[Cost]| median(costs.iter().map(|cost| cost.0).collect());
    let cpu = |costs: &[Cost]| median(costs.iter().map(|cost| cost.1).collect());
    table.row(NAME, "ns/message", clock(&ours), Some(("redis-rs, bytes", clock(&bytes))), Goal::AtLeast(1.5));
    table.row(
        NAME,
        "ns/message",
        clock(&ours),
        Some(("redis-rs and serde_json", clock(&decoded))),
        Goal::AtLeast(1.0),
    );
    table.row(
        NAME,
        "ns of CPU/message",
        cpu(&ours),
        Some(("redis-rs, bytes", cpu(&bytes))),
        Goal::Below(1100.0),
    );
    table.row(
        NAME,
        "ns of CPU/message",
        cpu(&ours),
        Some(("redis-rs and serde_json", cpu(&decoded))),
        Goal::AtLeast(1.0),
    );
    match yoga(&url, COUNT / 4) {
        Ok(yoga) => table.row(
            NAME,
            "ns/message",
            clock(&ours),
            Some(("ioredis and graphql-yoga", yoga)),
            Goal::AtLeast(15.0),
        ),
        Err(error) => println!("ioredis was not measured: {error}"),
    }
    Ok(())
}

async fn typed(url: &str) -> Cost {
    let bus = PubSub::<App>::new(Redis::connect(url).await.expect("a connection"));
    let mut events = bus.subscribe(App::STATUS.id("1")).bound(COUNT).await.expect("subscribed");
    let load = load::publish(url, COUNT);
    let mut sum = events.next().await.expect("an event").payload.session;
    let (clock, cpu) = (Instant::now(), ThreadTime::now());
    for _ in 1..COUNT {
        let event = events.next().await.expect("an event");
        assert_eq!(event.missed, 0);
        sum += event.payload.session;
    }
    let cost = cost(clock.elapsed(), cpu.elapsed(), COUNT - 1);
    assert_eq!(sum, COUNT as u64 * 1_000_000_000);
    load.join().expect("published");
    cost
}

async fn redis_rs(url: &str, decode: bool) -> Cost {
    let client = redis::Client::open(url).expect("a client");
    let (mut sink, mut stream) = client.get_async_pubsub().await.expect("a connection").split();
    sink.subscribe(CHANNEL).await.expect("subscribed");
    let load = load::publish(url, COUNT);
    stream.next().await.expect("a message");
    let (clock, cpu) = (Instant::now(), ThreadTime::now());
    let mut sum = 0;
    for _ in 1..COUNT {
        let message = stream.next().await.expect("a message");
        let bytes = message.get_payload_bytes();
        sum += if decode {
            serde_json::from_slice::<Envelope<'_>>(bytes).expect("JSON").payload.session
        } else {
            u64::from(bytes[0])
        };
    }
    let cost = cost(clock.elapsed(), cpu.elapsed(), COUNT - 1);
    assert!(sum > 0);
    load.join().expect("published");
    cost
}

fn yoga(url: &str, count: usize) -> Result<f64> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/redis/node");
    if !std::path::Path::new(directory).join("node_modules").exists() {
        let installed = Command::new("npm")
            .args(["ci", "--silent", "--no-audit", "--no-fund"])
            .current_dir(directory)
            .status()?;
        if !installed.success() {
            return Err("npm ci failed".into());
        }
    }
    let port = url.rsplit(':').next().unwrap_or_default();
    let mut times = Vec::new();
    for _ in 0..3 {
        let mut node = Command::new("node")
            .args(["receive.mjs", port, CHANNEL, &count.to_string()])
            .current_dir(directory)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(node.stdout.take().ok_or("no output")?).lines();
        if lines.next().transpose()?.as_deref() != Some("ready") {
            return Err("node did not subscribe".into());
        }
        load::publish(url, count).join().map_err(|_| "the load failed")?;
        times.push(lines.next().ok_or("node ended")??.parse()?);
        node.wait()?;
    }
    Ok(median(times))
}
