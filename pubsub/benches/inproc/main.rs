//! The in-process engine against what users write by hand.
//!
//! `cargo bench -p pubsub` prints the table; `-- W2` only the rows whose name contains it; `-- --save` writes the table
//! into `benches/README.md`, which says how to read it.

mod bus;
mod ours;
mod peers;
mod suite;
mod table;
mod workloads;

use std::path::Path;
use std::{env, fs, io};

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
        save(&table)?;
    }
    Ok(())
}

const BEGIN: &str = "<!-- table: written by `cargo bench -p pubsub -- --save` -->\n";
const END: &str = "<!-- end of the table -->";

fn save(table: &str) -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/README.md");
    let readme = fs::read_to_string(&path)?;
    let parts = readme.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        return Err(io::Error::other("benches/README.md does not say where the table goes"));
    };
    fs::write(path, format!("{before}{BEGIN}{table}{END}{after}"))
}
