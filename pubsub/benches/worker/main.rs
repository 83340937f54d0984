//! Worker threads against bare channels, and against Node's; worker processes against bare pipes.
//!
//! `cargo bench -p pubsub --features json,postcard,worker --bench worker` prints the table; `-- --save` writes it into
//! `benches/README.md`, which says how to read it; `-- process` runs the workloads alone whose names contain that. Without
//! `node` its rows are left out.

mod node;
mod ours;
mod peers;
mod pipe;
#[path = "../inproc/save.rs"]
mod save;
#[path = "../inproc/table.rs"]
// The other table has more kinds of goals.
#[allow(dead_code)]
mod table;

use std::time::Instant;

use self::table::{Goal, Workload};

/// A payload of 32 bytes.
#[derive(Clone, Copy)]
struct Status {
    number: u64,
    _more: [u64; 3],
}

impl Status {
    fn new(number: u64) -> Self {
        Self { number, _more: [number; 3] }
    }
}

/// Of every queue there is.
const BOUND: usize = 256;
const EVENTS: u64 = 200_000;
const ROUND_TRIPS: u64 = 10_000;

/// Nanoseconds of the wall clock for each of `count`.
fn timed(count: u64, run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos() as f64 / count as f64
}

fn goals(goals: &[(&'static str, f64)], with_node: bool) -> Vec<Goal> {
    let there = goals.iter().filter(|(peer, _)| with_node || *peer != node::NAME);
    let ratio = |&(peer, at_least): &(&'static str, f64)| Goal::Ratio { ours: ours::NAME, peer, at_least };
    there.map(ratio).collect()
}

fn workloads(with_node: bool) -> Vec<Workload> {
    let with = |mut all: Vec<table::Candidate>, node: fn() -> f64| {
        if with_node {
            all.push((node::NAME, node));
        }
        all
    };
    vec![
        Workload {
            name: "thread to thread",
            unit: "ns/event",
            rounds: 7,
            candidates: with(
                vec![
                    (ours::NAME, ours::one_way),
                    (peers::TOKIO, peers::tokio_one_way),
                    (peers::CROSSBEAM, peers::crossbeam_one_way),
                ],
                node::one_way,
            ),
            goals: goals(&[(peers::TOKIO, 0.8), (peers::CROSSBEAM, 0.0), (node::NAME, 10.0)], with_node),
        },
        Workload {
            name: "there and back, one at a time",
            unit: "ns/round trip",
            rounds: 7,
            candidates: with(
                vec![
                    (ours::NAME, ours::round_trips),
                    (peers::TOKIO, peers::tokio_round_trips),
                    (peers::CROSSBEAM, peers::crossbeam_round_trips),
                ],
                node::round_trips,
            ),
            goals: goals(&[(peers::TOKIO, 0.8), (peers::CROSSBEAM, 0.0), (node::NAME, 0.0)], with_node),
        },
        Workload {
            name: "to a process",
            unit: "ns/event",
            rounds: 5,
            candidates: vec![(pipe::OURS, pipe::ours), (pipe::RAW, pipe::raw), (pipe::EACH, pipe::each)],
            goals: goals(&[(pipe::RAW, 0.7), (pipe::EACH, 0.0)], with_node),
        },
    ]
}

fn main() -> std::io::Result<()> {
    if let Some(task) = std::env::args().nth(1).filter(|task| task.starts_with("pipe-")) {
        pipe::run(&task);
        return Ok(());
    }
    let with_node = node::is_there();
    if !with_node {
        println!("`node` is not installed: its rows are left out");
    }
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(&**part));
    let mut table = table::HEAD.to_owned();
    print!("{table}");
    for workload in workloads(with_node).into_iter().filter(|workload| is_wanted(workload.name)) {
        let rows = workload.run();
        print!("{rows}");
        table.push_str(&rows);
    }
    if wanted.is_empty() && std::env::args().any(|argument| argument == "--save") {
        save::save("cargo bench -p pubsub --features json,postcard,worker --bench worker -- --save", &table)?;
    }
    Ok(())
}
