//! The examples, run as a person runs them.
//!
//! Cargo builds the examples before it runs all tests of a package. `cargo test --test examples` alone does not: there
//! `cargo build --examples` comes first.

use std::env;
use std::path::Path;
use std::process::{Command, Output};

mod hello;
#[cfg(feature = "websocket")]
mod hub_and_spokes;
#[cfg(feature = "axum")]
mod quake_map;
mod quakes;
#[cfg(feature = "redis")]
mod two_processes;
mod watch;
#[cfg(all(feature = "json", feature = "worker"))]
mod workers;

/// What `quakes` computes with is tested here too: an example with tests of its own would no longer be built as a
/// program by `cargo test`.
#[path = "../../examples/quakes/calendar.rs"]
#[allow(dead_code, reason = "its callers are in the example")]
mod calendar;
#[path = "../../examples/quakes/chart.rs"]
#[allow(dead_code, reason = "its callers are in the example")]
mod chart;
#[path = "../../examples/quakes/coast.rs"]
#[allow(dead_code, reason = "its callers are in the example")]
mod coast;
#[path = "../../examples/quakes/layout.rs"]
#[allow(dead_code, reason = "its callers are in the example")]
mod layout;
#[path = "../../examples/quakes/live.rs"]
#[allow(dead_code, reason = "its callers are in the example")]
mod live;

/// An example, from beside the tests in the target directory.
fn example(name: &str) -> Command {
    let tests = env::current_exe().expect("this test has a path");
    let profile = tests.parent().and_then(Path::parent).expect("tests are in `<profile>/deps`");
    let example = profile.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(example.exists(), "run `cargo build --examples` first: there is no {}", example.display());
    Command::new(example)
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the example starts")
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).expect("it prints UTF-8")
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).expect("it prints UTF-8")
}
