//! Which quakes happened near each other: for every quake of a week its nearest neighbours within its seismic network, searched for
//! by one thread, then by a pool of worker threads, then by a pool of worker processes. All three find the same.
//!
//! `cargo run --release --example workers --features json,worker`, or with `-- WORKERS` for another number of them.

mod events;
mod neighbours;

use std::collections::BTreeMap;
use std::error::Error;
use std::num::NonZero;
use std::process::Command;
use std::time::Instant;

use futures::executor::block_on;
use futures::future::join;
use pubsub::prelude::*;
use pubsub::{Pool, PoolError, WorkerHost, WorkerProcess};

use crate::events::{Neighbours, Part, Survey};
use crate::neighbours::{Networks, networks};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What pool and workers know it by.
const POOL: &str = "survey";

/// Quakes of a network that are one job.
const PART: usize = 48;

/// A worker tells how far it is after so many quakes.
const STEP: usize = 16;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => survey(std::thread::available_parallelism().map_or(2, NonZero::get)),
        ["work"] => work_as_process(),
        [workers] => survey(workers.parse()?),
        _ => Err("usage: workers [WORKERS]".into()),
    }
}

fn survey(workers: usize) -> Result<()> {
    let networks = networks();
    let total: usize = networks.values().map(Vec::len).sum();

    let start = Instant::now();
    let alone = search_alone(&networks);
    println!("alone: {total} quakes of {} networks in {:.0?}", networks.len(), start.elapsed());

    let threads = |host: &WorkerHost<Survey>| {
        let pool = host.pool(POOL, Survey::PART);
        pool.start(workers, |name| {
            let own_name = name.to_owned();
            host.spawn(name, move |bus| work(&bus, &own_name).expect("the host listens"))
        })
    };
    let processes = |host: &WorkerHost<Survey>| {
        let program = std::env::current_exe().expect("this program has a path");
        let pool = host.pool(POOL, Survey::PART);
        pool.start(workers, |name| {
            let mut command = Command::new(&program);
            command.arg("work");
            host.command(name, command).start()
        })
    };
    for (kind, found) in [
        ("threads", search_with("threads", &networks, threads)?),
        ("processes", search_with("processes", &networks, processes)?),
    ] {
        if found != alone {
            return Err(format!("the {kind} found something else").into());
        }
    }
    let nearest = alone.values().flatten().filter_map(|found| found.nearest.first());
    let mut distances: Vec<f64> = nearest.map(|(_, km)| *km).collect();
    distances.sort_unstable_by(f64::total_cmp);
    println!(
        "all found the same: half of the quakes have one within {:.1} km",
        distances[distances.len() / 2]
    );
    Ok(())
}

/// The results by network, in the order of the quakes.
type Found = BTreeMap<String, Vec<Neighbours>>;

fn search_alone(networks: &Networks) -> Found {
    let of_network = |quakes: &Vec<_>| neighbours::search(quakes, 0..quakes.len()).collect();
    networks.iter().map(|(network, quakes)| (network.clone(), of_network(quakes))).collect()
}

/// The same by the workers of a pool.
fn search_with(
    kind: &str,
    networks: &Networks,
    start: impl FnOnce(&WorkerHost<Survey>) -> std::result::Result<Pool<Survey>, PoolError>,
) -> Result<Found> {
    let host = WorkerHost::<Survey>::new();
    let bus = host.bus();
    let total: usize = networks.values().map(Vec::len).sum();
    block_on(async {
        let mut found = bus.subscribe(Survey::FOUND).await?;
        let mut progress = bus.subscribe(Survey::PROGRESS).await?;
        let begin = Instant::now();
        let pool = start(&host)?;
        let ask = async {
            for (network, quakes) in networks {
                for first in (0..quakes.len()).step_by(PART) {
                    let part = Part { first, end: quakes.len().min(first + PART) };
                    bus.publish(Survey::PART, network, part).await.map_err(|error| error.to_string())?;
                }
            }
            pool.stop(); // there is no more, so the workers end when they are done with all
            let report = pool.finished().await;
            host.close().now(); // nor will anything be found, so the subscriptions end when they are read
            Ok::<_, String>(report)
        };
        let collect = async {
            let mut all = Found::new();
            while let Some(event) = found.next().await {
                all.entry(event.id.to_string()).or_default().extend_from_slice(&event.payload);
            }
            // Parts come in any order.
            all.values_mut().for_each(|of_network| of_network.sort_by_key(|it| it.place));
            all
        };
        let tell = async {
            // How far each worker is.
            let mut examined = BTreeMap::new();
            let mut told = 0;
            while let Some(event) = progress.next().await {
                examined.insert(event.id.to_string(), event.payload);
                let sum: usize = examined.values().sum();
                for quarter in told + 1..=4 * sum / total {
                    println!("{kind}: {} % of {total} quakes", 25 * quarter);
                    told = quarter;
                }
            }
        };
        let (report, (all, ())) = join(ask, join(collect, tell)).await;
        let report = report?;
        if !report.is_clean() {
            return Err(format!("not every part was done: {report:?}").into());
        }
        println!(
            "{kind}: {} parts by {} of them in {:.0?}",
            report.stats.done,
            report.workers.len(),
            begin.elapsed()
        );
        Ok(all)
    })
}

/// What a worker does, whatever it is.
fn work(bus: &PubSub<Survey>, name: &str) -> Result<()> {
    let networks = networks();
    let mut examined = 0;
    block_on(async {
        // Two, so that a process has the next part when it is done with one.
        let mut parts = bus.queue_subscribe(Survey::PART, POOL).prefetch(2).await?;
        while let Some(part) = parts.next().await {
            let quakes = networks.get(&*part.id).ok_or("a network that is not in the feed")?;
            let mut found = Vec::new();
            for neighbours in neighbours::search(quakes, part.payload.first..part.payload.end) {
                found.push(neighbours);
                examined += 1;
                if found.len() % STEP == 0 || found.len() == part.payload.end - part.payload.first {
                    bus.publish(Survey::PROGRESS, name, examined).await.map_err(|error| error.to_string())?;
                }
            }
            bus.publish(Survey::FOUND, &part.id, found).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    })
}

fn work_as_process() -> Result<()> {
    let worker = WorkerProcess::from_stdio()?;
    let name = worker.name().to_owned();
    let bus = PubSub::<Survey>::new(worker);
    work(&bus, &name)?;
    block_on(bus.close().until(std::future::pending::<()>()));
    Ok(())
}
