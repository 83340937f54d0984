//! R8: until 20,000 channels are live again after a loss.

use std::time::{Duration, Instant};

use pubsub::prelude::*;
use pubsub::{Delivery, Redis};
use tokio::runtime::Builder;

use crate::Result;
use crate::app::App;
use crate::server::Server;
use crate::table::{Goal, Table, median};

const CHANNELS: usize = 20_000;

pub(crate) fn run(server: &Server, table: &mut Table) -> Result<()> {
    const NAME: &str = "R8 20,000 channels restored";
    if !table.wants(NAME) {
        return Ok(());
    }
    let url = server.url();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let times = runtime.block_on(async {
        // Without the random delay before the first try.
        let redis = Redis::builder().backoff(Duration::ZERO, Duration::from_secs(1)).connect(&url).await?;
        let bus = PubSub::<App>::new(redis);
        let mut all = Vec::new();
        for id in 0..CHANNELS {
            all.push(bus.subscribe(App::STATUS.id(&*id.to_string())).now()?);
        }
        for events in &mut all {
            events.ready().await?;
        }
        let client = redis::Client::open(&*url)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut times = Vec::new();
        for _ in 0..9 {
            let began = Instant::now();
            let _: usize = redis::cmd("CLIENT")
                .arg("KILL")
                .arg("TYPE")
                .arg("pubsub")
                .query_async(&mut connection)
                .await?;
            let mut deliveries = all[0].deliveries();
            while !matches!(deliveries.next().await, Some(Delivery::Gap(_))) {}
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        Result::Ok(times)
    })?;
    table.row(NAME, "ms", median(times), None, Goal::Below(60.0));
    Ok(())
}
