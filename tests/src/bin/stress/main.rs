//! The program `stress`: several hubs in one process, two of them behind a real Redis, real spokes and raw sockets, and scenarios on
//! them that check themselves, all at once. It ends with what is left of them.

mod auditor;
mod check;
mod events;
mod leaks;
mod reading;
mod report;
mod scenarios;
mod soak;
mod suite;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use clap::builder::PossibleValuesParser;
use pubsub_tests::memory::Counting;

use crate::check::Mismatch;
use crate::report::{Again, Told};
use crate::suite::{Report, Scenario};
use crate::world::{World, patient};

/// Scenarios that check themselves, all at once.
///
/// A line for each on stderr when it is over, and a table on stdout in the end, whose last line is `N passed, N failed`. The last check
/// is that nothing is left of the others.
///
/// Exit codes: 0 all passed, 1 one failed, 2 the arguments are wrong.
#[derive(Parser)]
#[command(name = "stress", max_term_width = 100)]
struct Arguments {
    /// Where chance begins; another one each time, by default. The second round has the next
    #[arg(long)]
    seed: Option<u64>,
    /// Run this scenario, and what else is named; all, by default
    #[arg(long, value_name = "NAME", hide_possible_values = true,
          value_parser = PossibleValuesParser::new(scenarios::ALL.iter().map(|scenario| scenario.name)))]
    only: Vec<String>,
    /// How many rounds
    #[arg(long, value_name = "ROUNDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
    /// How much each does, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    load: u64,
    /// Go on for so long, as `30m`, and look at the memory too: see `tests/README.md`
    #[arg(long, value_name = "DURATION", value_parser = soak::duration, conflicts_with_all = ["repeat", "load"])]
    soak: Option<Duration>,
    /// Print the names of the scenarios, and run none
    #[arg(long)]
    list: bool,
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Part of the text of a panic that belongs to a scenario.
const ON_PURPOSE: &str = "on purpose";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        scenarios::ALL.iter().for_each(|scenario| println!("{}", scenario.name));
        return ExitCode::SUCCESS;
    }
    quiet_about_what_is_on_purpose();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // So that threads that are used no more are soon gone.
        .thread_keep_alive(Duration::from_millis(500))
        .enable_all()
        .build()
        .expect("a runtime");
    match runtime.block_on(async { tokio::spawn(run(arguments)).await }) {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::FAILURE,
        Ok(Err(mismatch)) => {
            eprintln!("stress: it could not begin: {mismatch}");
            ExitCode::FAILURE
        }
        // A panic, which has been told.
        Err(_) => ExitCode::FAILURE,
    }
}

/// Whether all passed.
async fn run(arguments: Arguments) -> Result<bool, Mismatch> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let is_chosen = |scenario: &&Scenario| {
        arguments.only.is_empty() || arguments.only.iter().any(|it| it == scenario.name)
    };
    let chosen: Vec<&'static Scenario> = scenarios::ALL.iter().filter(is_chosen).collect();
    let names = chosen.iter().map(|scenario| scenario.name);
    let only = arguments.only.clone();
    let told = match arguments.soak {
        Some(length) => {
            eprintln!("seed {seed}");
            let mut told = Told::new(names.chain(soak::CHECKS), Again::Soak { seed, length, only });
            soak::run(length, &chosen, seed, &mut told).await?;
            told
        }
        None => {
            let mut told = Told::new(names.chain([leaks::NAME]), Again::Round { load: arguments.load, only });
            rounds(&arguments, &chosen, seed, &mut told).await?;
            told
        }
    };
    println!("{}", told.summary());
    Ok(!told.has_failures())
}

async fn rounds(
    arguments: &Arguments,
    chosen: &[&'static Scenario],
    seed: u64,
    told: &mut Told,
) -> Result<(), Mismatch> {
    let world = Arc::new(World::start(&patient()).await?);
    let baseline = leaks::baseline(&world).await?;
    for round in 0..arguments.repeat {
        let seed = seed.wrapping_add(round);
        eprintln!("round {} of {}, seed {seed}", round + 1, arguments.repeat);
        suite::round(&world, chosen, seed, arguments.load, |report| told.add(report)).await;
        let begun = Instant::now();
        let outcome = leaks::check(&world, &baseline).await;
        told.add(Report { name: leaks::NAME, seed, took: begun.elapsed(), outcome });
    }
    let begun = Instant::now();
    if let Err(mismatch) = world.close().await {
        told.add(Report { name: leaks::NAME, seed, took: begun.elapsed(), outcome: Err(mismatch) });
    }
    Ok(())
}

fn quiet_about_what_is_on_purpose() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !suite::text(panic.payload()).contains(ON_PURPOSE) {
            default(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
