//! Scenarios, all at once.

use std::any::Any;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::task::{JoinError, JoinSet};

use crate::check::{Mismatch, Outcome};
use crate::world::{Work, World};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Work) -> Pin<Box<dyn Future<Output = Outcome> + Send>>,
}

/// What became of a scenario.
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) seed: u64,
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
}

/// How long a scenario may take: many times as long as it does, on a machine that is busy with something else.
const LIMIT: Duration = Duration::from_secs(170);

/// Runs these, each with chances of its own.
pub(crate) async fn round(
    world: &Arc<World>,
    scenarios: &[&'static Scenario],
    seed: u64,
    load: u64,
    mut told: impl FnMut(Report),
) {
    let mut running = JoinSet::new();
    let mut names = HashMap::new();
    let begun = Instant::now();
    for scenario in scenarios {
        let work = Work { world: Arc::clone(world), random: random(seed, scenario.name), load };
        let task = running.spawn(tokio::time::timeout(LIMIT, (scenario.run)(work)));
        names.insert(task.id(), scenario.name);
    }
    while let Some(ended) = running.join_next_with_id().await {
        let (id, outcome) = match ended {
            Ok((id, Ok(outcome))) => (id, outcome),
            Ok((id, Err(_))) => {
                let observed = format!("it was not over after {} s", LIMIT.as_secs());
                (id, Err(Mismatch::new("an end", observed)))
            }
            Err(error) => (error.id(), Err(Mismatch::new("no panic", panicked(error)))),
        };
        if let Some(name) = names.get(&id) {
            told(Report { name, seed, took: begun.elapsed(), outcome });
        }
    }
}

/// The chances of a scenario: the same by the same seed, whatever runs beside it. What the threads, the sockets and the servers make
/// of them is up to those.
pub(crate) fn random(seed: u64, name: &str) -> Rng {
    // FNV-1a.
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    Rng::with_seed(name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, mix))
}

fn panicked(error: JoinError) -> String {
    error.try_into_panic().map_or_else(|error| error.to_string(), |panic| text(&*panic).to_owned())
}

/// What `panic!` was given.
pub(crate) fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied()).unwrap_or("no text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::patient;

    const ALL: [&Scenario; 3] = [
        &Scenario { name: "holds", run: |work| Box::pin(async move { Ok(work.of(200).to_string()) }) },
        &Scenario { name: "differs", run: |_| Box::pin(async { Err(Mismatch::new("one", "two")) }) },
        &Scenario { name: "panics", run: |_| Box::pin(async { panic!("three, {}", crate::ON_PURPOSE) }) },
    ];

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn each_is_told_as_it_ended() {
        let world = Arc::new(World::start(&patient()).await.expect("a world"));
        let mut told = HashMap::new();
        round(&world, &ALL, 7, 50, |report| _ = told.insert(report.name, (report.seed, report.outcome)))
            .await;
        let expected = [
            ("holds", Ok("100".to_owned())),
            ("differs", Err(Mismatch::new("one", "two"))),
            ("panics", Err(Mismatch::new("no panic", "three, on purpose"))),
        ];
        assert_eq!(told, expected.map(|(name, outcome)| (name, (7, outcome))).into());
        world.close().await.expect("it ends");
    }

    #[test]
    fn chances_are_those_of_the_seed_and_the_name() {
        let first = |seed, name| random(seed, name).u64(..);
        assert_eq!(first(7, "one"), first(7, "one"));
        assert_ne!(first(7, "one"), first(8, "one"));
        assert_ne!(first(7, "one"), first(7, "other"));
    }
}
