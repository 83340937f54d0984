//! H4: what a connection costs that does nothing, measured in a process that only serves; the clients are in another.
//!
//! Each that is measured begins anew: memory that others have given back to the allocator would be taken again unseen.

use std::process::Command;
use std::time::Duration;

use cpu_time::ProcessTime;
use pubsub::websocket::Identity;
use pubsub::{ErrorCode, Hub, Rejection};
use tokio::task::LocalSet;

use crate::crowd::{Crowd, Kind};
use crate::peers::{Peer, Style};
use crate::table::{Goal, Table};
use crate::{Result, on_one_thread};

const CONNECTIONS: usize = 5_000;
const NAME: &str = "H4 idle, two subscriptions";
const OURS: &str = "ours";
const PEER: &str = "peer";

pub(crate) fn run(table: &mut Table) -> Result<()> {
    if !table.wants(NAME) {
        return Ok(());
    }
    let [memory, cpu] = measured(OURS)?;
    let [theirs, _] = measured(PEER)?;
    table.row(
        NAME,
        "KiB/connection",
        memory,
        Some(("tokio-tungstenite, 4 KiB buffers", theirs)),
        Goal::Below(6.0),
    );
    table.row(NAME, "us of CPU/s and connection", cpu, None, Goal::Below(2.0));
    Ok(())
}

/// Kibibytes for each connection, and microseconds of CPU a second.
fn measured(who: &str) -> Result<[f64; 2]> {
    let output = Command::new(std::env::current_exe()?).args(["idle", who]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<f64> = text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
    let figures: [f64; 2] =
        figures.try_into().map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
    if figures[0] <= 0.0 {
        return Err(format!("{CONNECTIONS} connections of {who} took no memory").into());
    }
    Ok(figures)
}

/// What a process that serves prints.
pub(crate) fn serve(who: &str) -> Result<()> {
    let (memory, cpu) = match who {
        OURS => on_one_thread(ours())?,
        _ => on_one_thread(LocalSet::new().run_until(peer()))?,
    };
    println!("{memory} {cpu}");
    Ok(())
}

async fn ours() -> Result<(f64, f64)> {
    let hub = Hub::builder()
        .authenticate(async |token| {
            let name = token.0.split_once('.').map_or("", |(name, _)| name);
            Identity::new(name).map_err(|_| Rejection::new(ErrorCode::Unauthenticated, "nobody"))
        })
        .authorize(async |_, _| Ok(()))
        .bind("127.0.0.1:0")
        .await?;
    let before = resident()?;
    let _crowd = Crowd::start(hub.local_addr().ok_or("no address")?, Kind::Member, CONNECTIONS, 1).await?;
    let bytes = resident()? - before;
    let begin = ProcessTime::now();
    tokio::time::sleep(SPAN).await;
    let cpu = begin.elapsed().as_nanos() as f64 / 1e3 / SPAN.as_secs_f64() / CONNECTIONS as f64;
    hub.close().await;
    Ok((bytes / CONNECTIONS as f64 / 1024.0, cpu))
}

async fn peer() -> Result<(f64, f64)> {
    let peer = Peer::start(Style::Batched).await?;
    let before = resident()?;
    let address = crate::fan_out::Server::address(&peer);
    let _crowd = Crowd::start(address, Kind::WebSocket, CONNECTIONS, 1).await?;
    // It pings nobody.
    Ok(((resident()? - before) / CONNECTIONS as f64 / 1024.0, 0.0))
}

/// In which a connection is pinged once.
const SPAN: Duration = Duration::from_secs(30);

/// The bytes that this process has in memory.
fn resident() -> Result<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split(' ').nth(1).ok_or("no figure")?.parse()?;
    Ok(pages * 4096.0)
}
