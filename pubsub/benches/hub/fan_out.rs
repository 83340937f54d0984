//! H1 to H3: one event to many connections, alone and in bursts. Measured is the CPU of the process that serves.

use std::net::SocketAddr;

use cpu_time::ProcessTime;
use pubsub::SendError;
use tokio::task::LocalSet;

use crate::crowd::{Crowd, Kind};
use crate::node::Node;
use crate::ours::Ours;
use crate::peers::{Peer, Style};
use crate::table::{Goal, Table, median};
use crate::{Result, node, on_one_thread};

const CONNECTIONS: usize = 1_000;
const ROUNDS: usize = 5;

/// What serves the crowd.
pub(crate) trait Server {
    fn address(&self) -> SocketAddr;

    /// Hands one event to all, without waiting until it is written.
    fn publish(&mut self) -> std::result::Result<(), SendError>;
}

/// A workload: bursts of so many events, each of which has arrived everywhere before the next begins.
struct Workload {
    name: &'static str,
    burst: usize,
    bursts: usize,
    /// What the CPU of each peer is to be, as a multiple of ours.
    goals: [(Peers, f64); 4],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Peers {
    Bare,
    Naive,
    Batched,
    Node,
}

impl Peers {
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare TCP",
            Self::Naive => "tokio-tungstenite",
            Self::Batched => "tokio-tungstenite, batched",
            Self::Node => node::NAME,
        }
    }
}

const WORKLOADS: [Workload; 3] = [
    Workload {
        name: "H1 single events",
        burst: 1,
        bursts: 200,
        goals: [(Peers::Bare, 0.9), (Peers::Naive, 2.5), (Peers::Batched, 1.0), (Peers::Node, 1.8)],
    },
    Workload {
        name: "H2 bursts of 16",
        burst: 16,
        bursts: 60,
        goals: [(Peers::Bare, 0.9), (Peers::Naive, 6.0), (Peers::Batched, 1.35), (Peers::Node, 13.0)],
    },
    Workload {
        name: "H3 bursts of 256",
        burst: 256,
        bursts: 4,
        goals: [(Peers::Bare, 0.9), (Peers::Naive, 38.0), (Peers::Batched, 1.4), (Peers::Node, 85.0)],
    },
];

pub(crate) fn run(table: &mut Table) -> Result<()> {
    let has_node = !table.ours && WORKLOADS.iter().any(|it| table.wants(it.name)) && node::is_there();
    for workload in &WORKLOADS {
        if table.wants(workload.name) {
            measure(workload, has_node, table)?;
        }
    }
    Ok(())
}

fn measure(workload: &Workload, has_node: bool, table: &mut Table) -> Result<()> {
    let mut ours = Vec::new();
    let mut theirs: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        ours.push(local(async { served(&mut Ours::start().await?, Kind::Subscriber, workload).await })?);
        if table.ours {
            continue;
        }
        for ((peer, _), costs) in workload.goals.iter().zip(&mut theirs) {
            costs.push(match peer {
                Peers::Bare => served_by(Style::Bare, workload)?,
                Peers::Naive => served_by(Style::Naive, workload)?,
                Peers::Batched => served_by(Style::Batched, workload)?,
                Peers::Node if has_node => on_one_thread(by_node(workload))?,
                Peers::Node => continue,
            });
        }
    }
    let ours = median(ours);
    if table.ours {
        println!("{}: {ours:.1} ns of CPU/delivery", workload.name);
        return Ok(());
    }
    for ((peer, goal), costs) in workload.goals.iter().zip(theirs) {
        if costs.is_empty() {
            println!("no row of {}: it needs `node` and `npm`", peer.name());
            continue;
        }
        let peer = Some((peer.name(), median(costs)));
        table.row(workload.name, "ns of CPU/delivery", ours, peer, Goal::AtLeast(*goal));
    }
    Ok(())
}

fn local<T>(future: impl Future<Output = T>) -> T {
    on_one_thread(LocalSet::new().run_until(future))
}

fn served_by(style: Style, workload: &Workload) -> Result<f64> {
    let kind = if style == Style::Bare { Kind::Bare } else { Kind::WebSocket };
    local(async { served(&mut Peer::start(style).await?, kind, workload).await })
}

async fn served(server: &mut impl Server, kind: Kind, workload: &Workload) -> Result<f64> {
    let mut crowd = Crowd::start(server.address(), kind, CONNECTIONS, workload.burst).await?;
    burst(server, &mut crowd, workload.burst).await?;
    let begin = ProcessTime::now();
    for _ in 0..workload.bursts {
        burst(server, &mut crowd, workload.burst).await?;
    }
    Ok(each(begin.elapsed(), workload))
}

pub(crate) async fn burst(server: &mut impl Server, crowd: &mut Crowd, events: usize) -> Result<()> {
    for _ in 0..events {
        server.publish()?;
    }
    crowd.round().await
}

async fn by_node(workload: &Workload) -> Result<f64> {
    let mut node = Node::start().await?;
    let mut crowd = Crowd::start(node.address, Kind::WebSocket, CONNECTIONS, workload.burst).await?;
    // What is compiled while it runs is not part of it.
    for _ in 0..workload.bursts.min(20) {
        node.publish(workload.burst).await?;
        crowd.round().await?;
    }
    let begin = node.cpu().await?;
    for _ in 0..workload.bursts {
        node.publish(workload.burst).await?;
        crowd.round().await?;
    }
    Ok(each(node.cpu().await? - begin, workload))
}

fn each(cpu: std::time::Duration, workload: &Workload) -> f64 {
    cpu.as_nanos() as f64 / (workload.bursts * workload.burst * CONNECTIONS) as f64
}
