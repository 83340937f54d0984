//! Node's `worker_threads`: `node.mjs`, which prints nanoseconds.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{EVENTS, ROUND_TRIPS};

pub(crate) const NAME: &str = "node worker_threads";

pub(crate) fn is_there() -> bool {
    let version = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

fn run(workload: &str, count: u64) -> f64 {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/worker/node.mjs");
    let output = Command::new("node").arg(program).arg(workload).arg(count.to_string()).output();
    let output = output.expect("node runs");
    assert!(output.status.success(), "node failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}

pub(crate) fn one_way() -> f64 {
    run("one-way", EVENTS)
}

pub(crate) fn round_trips() -> f64 {
    run("round-trips", ROUND_TRIPS)
}
