//! R6: what a subscriber that does not read costs.

use std::fs;

use pubsub::Redis;
use pubsub::prelude::*;
use tokio::runtime::Builder;

use crate::Result;
use crate::app::{App, CHANNEL};
use crate::load;
use crate::server::Server;
use crate::table::{Goal, Table};

const COUNT: usize = 2_000_000;

pub(crate) fn run(server: &Server, table: &mut Table) -> Result<()> {
    const NAME: &str = "R6 stopped reader, 2,000,000 messages";
    if !table.wants(NAME) {
        return Ok(());
    }
    let url = server.url();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let ours = runtime.block_on(async {
        let bus = PubSub::<App>::new(Redis::connect(&url).await?);
        let events = bus.subscribe(App::STATUS.id("1")).await?;
        // The bound filled once: what follows is what more of it costs.
        load::publish(&url, 2000).join().map_err(|_| "the load failed")?;
        let before = resident()?;
        load::publish(&url, COUNT).join().map_err(|_| "the load failed")?;
        let grown = resident()? - before;
        let mut events = events;
        let first = events.next().await.ok_or("it goes on")?;
        assert!(first.missed > 0);
        Result::Ok(grown)
    })?;
    let peer = runtime.block_on(async {
        let client = redis::Client::open(&*url)?;
        let (mut sink, stream) = client.get_async_pubsub().await?.split();
        sink.subscribe(CHANNEL).await?;
        load::publish(&url, 2000).join().map_err(|_| "the load failed")?;
        let before = resident()?;
        load::publish(&url, COUNT).join().map_err(|_| "the load failed")?;
        // It is still receiving, until it has all.
        let mut last = 0.0;
        while resident()? > last {
            last = resident()?;
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
        drop(stream);
        Result::Ok(last - before)
    })?;
    // 1,024 events of some 300 bytes, and a tenth.
    table.row(NAME, "MB more", ours, Some(("redis-rs", peer)), Goal::Below(0.4));
    Ok(())
}

/// Megabytes in memory.
fn resident() -> Result<f64> {
    let pages: f64 = fs::read_to_string("/proc/self/statm")?.split(' ').nth(1).ok_or("no pages")?.parse()?;
    Ok(pages * 4096.0 / 1e6)
}
