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

/// How long a scenario may take.
const LIMIT: Duration = Duration::from_secs(55);

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
    let text = |panic: Box<dyn Any + Send>| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("no text").to_owned(),
    };
    error.try_into_panic().map_or_else(|error| error.to_string(), text)
}
