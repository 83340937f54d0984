//! Classic against sharded channels on a Redis Cluster of three nodes: what is delivered, and what it costs the servers.
//!
//! `cargo bench -p pubsub --features redis-cluster --bench cluster` prints the table that `README.md` here explains.

mod cluster;

use std::error::Error;
use std::time::Instant;

use pubsub::prelude::*;
use pubsub::{PublishError, Redis};
use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;

use crate::cluster::Cluster;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Clone, EventMap)]
enum App {
    #[event(id = u32)]
    Status(Status),
}

#[derive(Clone, Serialize, Deserialize)]
struct Status {
    session: u64,
    state: String,
    detail: String,
}

/// Followed and published to in turn: their slots are spread over the nodes.
const IDS: u32 = 96;
const COUNT: u32 = 96_000;
const ROUNDS: usize = 5;

/// Events delivered in a second, and microseconds of CPU of all servers for each.
type Cost = (f64, f64);

fn main() -> Result<()> {
    let cluster = Cluster::start()?;
    let (mut classic, mut sharded) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        classic.push(run(&cluster, false)?);
        sharded.push(run(&cluster, true)?);
    }
    let median = |costs: &[Cost], of: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let rate = [&classic, &sharded].map(|costs| median(costs, |cost| cost.0));
    let cpu = [&classic, &sharded].map(|costs| median(costs, |cost| cost.1));
    println!("| measured | classic | sharded | ratio |\n|---|---|---|---|");
    println!("| delivered per second | {:.0} | {:.0} | {:.2} |", rate[0], rate[1], rate[1] / rate[0]);
    println!("| server CPU, us/event | {:.2} | {:.2} | {:.2} |", cpu[0], cpu[1], cpu[0] / cpu[1]);
    Ok(())
}

fn run(cluster: &Cluster, sharded: bool) -> Result<Cost> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let builder = || if sharded { Redis::builder().sharded() } else { Redis::builder() };
        let reader = PubSub::<App>::new(builder().connect_cluster(cluster.urls()).await?);
        // At another node, as most pairs are.
        let urls = cluster.urls().into_iter().rev();
        let writer = PubSub::<App>::new(builder().connect_cluster(urls).await?);
        let ids: Vec<u32> = (0..IDS).collect();
        let mut events = reader.subscribe(App::STATUS.ids(&ids)).bound(COUNT as usize).await?;
        let (before, began) = (cluster.cpu()?, Instant::now());
        let publishing = async {
            for number in 0..COUNT {
                let mut status = Status {
                    session: number.into(),
                    state: "busy".into(),
                    detail: "compiling 1, then 16 others".into(),
                };
                loop {
                    match writer.publish(App::STATUS, &(number % IDS), status).now() {
                        Ok(()) => break,
                        Err(PublishError::Full(event)) => status = event.into_payload(),
                        Err(error) => return Err(error.to_string()),
                    }
                    tokio::task::yield_now().await;
                }
                if number % 64 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Ok(())
        };
        let reading = async {
            for _ in 0..COUNT {
                let event = events.next().await.ok_or("the bus has ended")?;
                assert_eq!(event.missed, 0);
            }
            Ok::<_, String>(())
        };
        let (published, read) = futures::join!(publishing, reading);
        published?;
        read?;
        let (clock, cpu) = (began.elapsed(), cluster.cpu()? - before);
        assert_eq!(events.gaps(), 0);
        Ok((f64::from(COUNT) / clock.as_secs_f64(), cpu * 1e6 / f64::from(COUNT)))
    })
}
