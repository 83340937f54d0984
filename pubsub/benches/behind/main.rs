//! What an event costs the Redis that hubs are behind: figures of the calculation for a million connections.
//!
//! `cargo bench -p pubsub --features redis,websocket --bench behind` prints the table; `-- --save` writes it into `README.md` here.

#[path = "../hub/app.rs"]
#[allow(dead_code, reason = "the benchmark of one hub needs more of it")]
mod app;
#[path = "../../examples/two_processes/server.rs"]
#[allow(dead_code, unreachable_pub, reason = "the example kills it, the guide shares it")]
mod server;

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use pubsub::prelude::*;
use pubsub::redis::Retention;
use pubsub::{EventId, Hub, Redis};
use tokio::runtime::Builder;

use crate::app::{App, ID, reading};
use crate::server::Server;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const EVENTS: usize = 20_000;
/// That wait for their answer, as those of many clients do.
const IN_FLIGHT: usize = 256;
const ROUNDS: usize = 5;
/// Hubs that read besides the one that publishes: what one more costs is the difference.
const FEW: usize = 1;
const MANY: usize = 5;

/// Bytes of Redis, for each event and for each event id.
#[derive(Clone, Copy)]
struct Kept {
    event: f64,
    id: f64,
}

fn main() -> Result<()> {
    let (mut few, mut many, mut kept) = (Vec::new(), Vec::new(), None);
    for _ in 0..ROUNDS {
        few.push(run(FEW)?.0);
        let (cost, memory) = run(MANY)?;
        many.push(cost);
        kept = Some(memory);
    }
    let median = |mut costs: Vec<f64>| {
        costs.sort_by(f64::total_cmp);
        costs[costs.len() / 2]
    };
    let (few, many) = (median(few), median(many));
    let read = (many - few) / (MANY - FEW) as f64;
    let Kept { event, id } = kept.ok_or("no rounds")?;
    let mut table = "| measured | unit | median |\n|---|---|---|\n".to_owned();
    writeln!(table, "| an event that is accepted | us of CPU | {:.2} |", few - FEW as f64 * read)?;
    writeln!(table, "| an event that one more hub reads | us of CPU | {read:.2} |")?;
    writeln!(table, "| an event that is kept | bytes | {event:.0} |")?;
    writeln!(table, "| an event id that is remembered | bytes | {id:.0} |")?;
    print!("{table}");
    if std::env::args().any(|argument| argument == "--save") {
        save(&table)?;
    }
    Ok(())
}

/// Between the marks.
fn save(table: &str) -> Result<()> {
    const BEGIN: &str = "<!-- table -->\n";
    const END: &str = "<!-- end of the table -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/behind/README.md");
    let readme = std::fs::read_to_string(&path)?;
    let (before, rest) = readme.split_once(BEGIN).ok_or("no place for the table")?;
    let (_, after) = rest.split_once(END).ok_or("no end of the table")?;
    std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}"))?;
    Ok(())
}

/// Microseconds of CPU for each event, and bytes.
fn run(readers: usize) -> Result<(f64, Kept)> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let server = Server::start()?;
        let hub = async || -> Result<Hub> {
            let redis = Redis::durable(Retention::default()).connect(server.url()).await?;
            Ok(Hub::behind(redis)?.start())
        };
        let publisher = hub().await?;
        let bus = PubSub::<App>::new(publisher.transport());
        // Each follows the type for the sake of one id: the others come and go to nobody.
        let mut reading_hubs = Vec::new();
        for _ in 0..readers {
            let hub = hub().await?;
            let own = PubSub::<App>::new(hub.transport());
            let last = own.subscribe(App::SENSOR_READING.id("last")).await?;
            reading_hubs.push((hub, own, last));
        }
        // The stream is there, and everybody reads it.
        publish(&bus, ID, 1).await?;
        let mut connection = redis::Client::open(server.url())?.get_connection()?;
        let before = redis_cpu(&mut connection)?;
        publish(&bus, ID, EVENTS - 1).await?;
        publish(&bus, "last", 1).await?;
        for (_, _, last) in &mut reading_hubs {
            tokio::time::timeout(Duration::from_secs(60), last.next()).await?.ok_or("the bus has ended")?;
        }
        let cost = (redis_cpu(&mut connection)? - before) * 1e6 / EVENTS as f64;
        let mut bytes = |key: &str| -> Result<f64> {
            let bytes: u64 =
                redis::cmd("MEMORY").arg("USAGE").arg(key).arg("SAMPLES").arg(0).query(&mut connection)?;
            Ok(bytes as f64)
        };
        let count = (EVENTS + 1) as f64;
        let event = bytes("{sensor.reading}")? / count;
        let id = (bytes("{sensor.reading}:ids")? + bytes("{sensor.reading}:order")?) / count;
        publisher.close().await;
        for (hub, ..) in reading_hubs {
            hub.close().await;
        }
        Ok((cost, Kept { event, id }))
    })
}

/// So many, each with an id of its own, as those of clients have.
async fn publish(bus: &PubSub<App>, id: &str, count: usize) -> Result<()> {
    let mut publishing = FuturesUnordered::new();
    for _ in 0..count {
        if publishing.len() == IN_FLIGHT
            && let Some(published) = publishing.next().await
        {
            published?;
        }
        let event = bus.publish(App::SENSOR_READING, id, reading()).event_id(EventId::now_v7());
        publishing.push(event.into_future());
    }
    while let Some(published) = publishing.next().await {
        published?;
    }
    Ok(())
}

/// Seconds of CPU that the server has used so far.
fn redis_cpu(connection: &mut redis::Connection) -> Result<f64> {
    let info: String = redis::cmd("INFO").arg("cpu").query(connection)?;
    let used = info.lines().filter_map(|line| match line.split_once(':')? {
        ("used_cpu_sys" | "used_cpu_user", seconds) => seconds.trim().parse::<f64>().ok(),
        _ => None,
    });
    Ok(used.sum())
}
