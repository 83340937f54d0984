//! H6: one of many connections reads nothing. Measured is what that costs the others, and what waits for it.

use cpu_time::ProcessTime;
use pubsub::websocket::{HubConfig, Overflow};
use tokio::task::LocalSet;

use crate::crowd::{Crowd, Kind};
use crate::fan_out::burst;
use crate::ours::Ours;
use crate::table::{Goal, Table, median};
use crate::{Result, on_one_thread};

const NAME: &str = "H6 one of 1,000 stalled";
const CONNECTIONS: usize = 1_000;
const ROUNDS: usize = 5;
const BURST: usize = 16;
const BURSTS: usize = 60;

/// The events that a queue of 1 MiB and the sockets before it hold are fewer.
const MOST_EVENTS: usize = 200_000;

pub(crate) fn run(table: &mut Table) -> Result<()> {
    if !table.wants(NAME) {
        return Ok(());
    }
    let (mut with, mut without, mut queued) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        without.push(local(measure(Kind::Subscriber))?.0);
        let (cost, bytes) = local(measure(Kind::Stalled))?;
        with.push(cost);
        queued = queued.max(bytes);
    }
    let without = ("none stalled", median(without));
    table.row(NAME, "ns of CPU/delivery to the others", median(with), Some(without), Goal::AtMost(1.05));
    let bound = HubConfig::default().outbox.bytes;
    table.row(NAME, "KiB that wait for it", kib(queued), None, Goal::Below(kib(bound)));
    Ok(())
}

fn kib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0
}

fn local<T>(future: impl Future<Output = T>) -> T {
    on_one_thread(LocalSet::new().run_until(future))
}

/// Of a delivery, and how many bytes wait at the end.
async fn measure(kind: Kind) -> Result<(f64, usize)> {
    let config = HubConfig { overflow: Overflow::DropOldest, ..HubConfig::default() };
    let bound = config.outbox.bytes;
    let mut ours = Ours::start_with(config).await?;
    let mut crowd = Crowd::start(crate::fan_out::Server::address(&ours), kind, CONNECTIONS, BURST).await?;
    let mut events = 0;
    while kind == Kind::Stalled && ours.most_queued_bytes() < bound * 99 / 100 {
        burst(&mut ours, &mut crowd, BURST).await?;
        events += BURST;
        if events > MOST_EVENTS {
            return Err("the queue does not become full".into());
        }
    }
    burst(&mut ours, &mut crowd, BURST).await?;
    let begin = ProcessTime::now();
    for _ in 0..BURSTS {
        burst(&mut ours, &mut crowd, BURST).await?;
    }
    let others = CONNECTIONS - usize::from(kind == Kind::Stalled);
    let cost = begin.elapsed().as_nanos() as f64 / (BURSTS * BURST * others) as f64;
    Ok((cost, ours.most_queued_bytes()))
}
