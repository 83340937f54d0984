//! H4: what a connection costs that does nothing, measured in the process that serves; the clients are in another.

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

pub(crate) fn run(table: &mut Table) -> Result<()> {
    if !table.wants(NAME) {
        return Ok(());
    }
    let (ours, cpu) = on_one_thread(async {
        let hub = Hub::builder()
            .authenticate(async |token| {
                let name = token.0.split_once('.').map_or("", |(name, _)| name);
                Identity::new(name).map_err(|_| Rejection::new(ErrorCode::Unauthenticated, "nobody"))
            })
            .authorize(async |_, _| Ok(()))
            .bind("127.0.0.1:0")
            .await?;
        let before = resident()?;
        let _crowd =
            Crowd::start(hub.local_addr().ok_or("no address")?, Kind::Member, CONNECTIONS, 1).await?;
        let bytes = resident()? - before;
        let begin = ProcessTime::now();
        tokio::time::sleep(SPAN).await;
        let cpu = begin.elapsed().as_nanos() as f64 / 1e3 / SPAN.as_secs_f64() / CONNECTIONS as f64;
        hub.close().await;
        Ok::<_, Box<dyn std::error::Error>>((bytes / CONNECTIONS as f64 / 1024.0, cpu))
    })?;
    let theirs = on_one_thread(LocalSet::new().run_until(async {
        let peer = Peer::start(Style::Batched).await?;
        let before = resident()?;
        let _crowd =
            Crowd::start(crate::fan_out::Server::address(&peer), Kind::WebSocket, CONNECTIONS, 1).await?;
        Ok::<_, Box<dyn std::error::Error>>((resident()? - before) / CONNECTIONS as f64 / 1024.0)
    }))?;
    table.row(
        NAME,
        "KiB/connection",
        ours,
        Some(("tokio-tungstenite, 4 KiB buffers", theirs)),
        Goal::Below(6.0),
    );
    table.row(NAME, "us of CPU/s and connection", cpu, None, Goal::Below(2.0));
    Ok(())
}

/// In which a connection is pinged once.
const SPAN: Duration = Duration::from_secs(30);

/// The bytes that this process has in memory.
fn resident() -> Result<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split(' ').nth(1).ok_or("no figure")?.parse()?;
    Ok(pages * 4096.0)
}
