//! The hub and its spokes against tokio-tungstenite, bare TCP, and `ws` in Node.
//!
//! `cargo bench -p pubsub --features websocket --bench hub` prints the table; `-- H2` only the rows whose name contains it;
//! `-- --ours` measures nobody else, for a profiler; `-- --save` writes the table into `README.md` here, which says how to read it.

mod app;
mod crowd;
mod fan_out;
mod idle;
mod node;
mod ours;
mod peers;
mod receive;
mod stalled;
#[path = "../redis/table.rs"]
mod table;

use std::error::Error;
use std::path::Path;

use crate::table::Table;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    // Cargo passes `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // The other processes.
        ["crowd", address, kind, connections, frames] => {
            return crowd::run(address, kind, connections.parse()?, frames.parse()?);
        }
        ["source"] => return receive::source(),
        ["idle", who] => return idle::serve(who),
        _ => {}
    }
    let only = arguments.iter().filter(|argument| !argument.starts_with("--")).cloned().collect();
    let mut table = Table::new(only, arguments.iter().any(|argument| argument == "--ours"));
    fan_out::run(&mut table)?;
    idle::run(&mut table)?;
    receive::run(&mut table)?;
    stalled::run(&mut table)?;
    if arguments.iter().any(|argument| argument == "--save") {
        let command = "cargo bench -p pubsub --features websocket --bench hub -- --save";
        table.save(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/hub/README.md"), command)?;
    }
    Ok(())
}

/// Everything but the crowd runs on one thread.
fn on_one_thread<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}
