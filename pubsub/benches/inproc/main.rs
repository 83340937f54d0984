//! The in-process engine against what users write by hand.
//!
//! `cargo bench -p pubsub` prints the table; `-- W2` only the rows whose name contains it; `-- --save` writes the table
//! into `benches/README.md`, which says how to read it.

mod bus;
mod ours;
mod peers;
mod save;
mod suite;
mod table;
mod workloads;

use std::{env, io};

fn main() -> io::Result<()> {
    // Cargo passes `--bench`.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let only: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    print!("{}", table::HEAD);
    let mut table = table::HEAD.to_owned();
    for workload in suite::workloads() {
        if only.is_empty() || only.iter().any(|part| workload.name.contains(*part)) {
            let rows = workload.run();
            print!("{rows}");
            table.push_str(&rows);
        }
    }
    if arguments.iter().any(|argument| argument == "--save") {
        save::save("cargo bench -p pubsub -- --save", &table)?;
    }
    Ok(())
}
