//! The bus over Redis against raw redis-rs, redis-benchmark, and ioredis under graphql-yoga.
//!
//! `cargo bench -p pubsub --features redis --bench redis` prints the table; `-- R2` only the rows whose name contains it;
//! `-- --ours` measures nobody else, for a profiler; `-- --save` writes the table into `README.md` here, which says how to read it.

mod app;
mod latency;
mod load;
mod memory;
mod publish;
mod receive;
mod restore;
#[path = "../../examples/two_processes/server.rs"]
#[allow(dead_code, unreachable_pub, reason = "the example kills it, the guide shares it")]
mod server;
mod streams;
mod table;

use std::error::Error;
use std::path::Path;

use crate::server::Server;
use crate::table::Table;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    // Cargo passes `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let only: Vec<String> =
        arguments.iter().filter(|argument| !argument.starts_with("--")).cloned().collect();
    let server = Server::start()?;
    let mut table = Table::new(only, arguments.iter().any(|argument| argument == "--ours"));
    receive::run(&server, &mut table)?;
    publish::run(&server, &mut table)?;
    latency::run(&server, &mut table)?;
    streams::run(&server, &mut table)?;
    memory::run(&server, &mut table)?;
    restore::run(&server, &mut table)?;
    if arguments.iter().any(|argument| argument == "--save") {
        let command = "cargo bench -p pubsub --features redis --bench redis -- --save";
        table.save(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/redis/README.md"), command)?;
    }
    Ok(())
}
