//! R2: awaited publishes of many tasks. R3: as many as a server takes.

use std::process::Command;
use std::time::Instant;

use cpu_time::ThreadTime;
use pubsub::prelude::*;
use pubsub::{PublishError, Redis};
use redis::AsyncCommands;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::Result;
use crate::app::{App, CHANNEL, Envelope, message, status};
use crate::receive::{Cost, cost};
use crate::server::Server;
use crate::table::{Goal, Table, median};

const ROUNDS: usize = 5;

pub(crate) fn run(server: &Server, table: &mut Table) -> Result<()> {
    let url = server.url();
    for (name, tasks, goal) in
        [("R2 publish().await, 100 tasks", 100, 2.5), ("R2 publish().await, 1,000 tasks", 1000, 3.5)]
    {
        if !table.wants(name) {
            continue;
        }
        let each = 200_000 / tasks;
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(awaited(&url, tasks, each));
            if !table.ours {
                peer.push(redis_rs(&url, tasks, each));
            }
        }
        if table.ours {
            println!("{ours:?}");
            continue;
        }
        let clock = |costs: &[Cost]| median(costs.iter().map(|cost| cost.0).collect());
        let cpu = |costs: &[Cost]| median(costs.iter().map(|cost| cost.1).collect());
        let peer_name = "redis-rs MultiplexedConnection";
        table.row(name, "ns/publish", clock(&ours), Some((peer_name, clock(&peer))), Goal::AtLeast(goal));
        table.row(name, "ns of CPU/publish", cpu(&ours), Some((peer_name, cpu(&peer))), Goal::AtLeast(goal));
    }
    const NAME: &str = "R3 publish, saturated";
    if table.wants(NAME) {
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(saturated(&url, 1_000_000));
            peer.push(redis_benchmark(&url)?);
        }
        let peer = Some(("redis-benchmark -c50 -P100", median(peer)));
        table.row(NAME, "ns/publish", median(ours), peer, Goal::AtLeast(0.8));
    }
    Ok(())
}

fn runtime() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn awaited(url: &str, tasks: usize, each: usize) -> Cost {
    runtime().block_on(async {
        let bus = PubSub::<App>::new(Redis::connect(url).await.expect("a connection"));
        let (clock, cpu) = (Instant::now(), ThreadTime::now());
        let mut all = JoinSet::new();
        for _ in 0..tasks {
            let bus = bus.clone();
            all.spawn(async move {
                for number in 0..each {
                    bus.publish(App::STATUS, "1", status(number as u64)).await.expect("published");
                }
            });
        }
        all.join_all().await;
        cost(clock.elapsed(), cpu.elapsed(), tasks * each)
    })
}

fn redis_rs(url: &str, tasks: usize, each: usize) -> Cost {
    runtime().block_on(async {
        let client = redis::Client::open(url).expect("a client");
        let connection = client.get_multiplexed_async_connection().await.expect("a connection");
        let (clock, cpu) = (Instant::now(), ThreadTime::now());
        let mut all = JoinSet::new();
        for _ in 0..tasks {
            let mut connection = connection.clone();
            all.spawn(async move {
                for number in 0..each {
                    let envelope = Envelope { topic: "Status", id: "1", payload: status(number as u64) };
                    let message = serde_json::to_vec(&envelope).expect("JSON");
                    let _: usize = connection.publish(CHANNEL, message).await.expect("published");
                }
            });
        }
        all.join_all().await;
        cost(clock.elapsed(), cpu.elapsed(), tasks * each)
    })
}

/// `.now()` until the queue is full, and again when there is room.
fn saturated(url: &str, count: usize) -> f64 {
    runtime().block_on(async {
        let bus = PubSub::<App>::new(Redis::connect(url).await.expect("a connection"));
        let publisher = bus.publisher(App::STATUS, "1");
        let began = Instant::now();
        for number in 0..count {
            let mut payload = status(number as u64);
            loop {
                match publisher.publish(payload).now() {
                    Ok(()) => break,
                    Err(PublishError::Full(event)) => {
                        payload = event.into_payload();
                        tokio::task::yield_now().await;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            // A program has something else to do now and then.
            if number % 256 == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(bus.close().await.unsent, 0);
        began.elapsed().as_nanos() as f64 / count as f64
    })
}

fn redis_benchmark(url: &str) -> Result<f64> {
    let port = url.rsplit(':').next().unwrap_or_default();
    let output = Command::new("redis-benchmark")
        .args(["-p", port, "-c", "50", "-P", "100", "-n", "2000000", "--csv", "PUBLISH", CHANNEL, &message()])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().last().ok_or("redis-benchmark printed nothing")?;
    // The command stands in quotes and may have commas: the second column from the end of it is rps.
    let columns: Vec<&str> = line.rsplit(',').collect();
    let rate: f64 = columns.get(6).ok_or("no rate")?.trim_matches('"').parse()?;
    Ok(1e9 / rate)
}
