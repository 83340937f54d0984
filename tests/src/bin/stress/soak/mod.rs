//! The soak: a steady crowd through kills of everything, and the scenarios beside it again and again, for as long as is asked for.
//! It fails when something is lost, and when the memory of the process is not [flat](memory::flat).

mod chaos;
mod crowd;
mod memory;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pubsub::websocket::{HistoryConfig, HubConfig};
use tokio::runtime::Handle;

use self::crowd::Crowd;
use self::memory::Samples;
use crate::check::{Mismatch, Outcome};
use crate::leaks;
use crate::report::Told;
use crate::suite::{self, Report, Scenario};
use crate::world::{World, patient};

/// What is told beside the scenarios, in the order in which it is.
pub(crate) const CHECKS: [&str; 3] = ["steady_crowd", "flat_memory", leaks::NAME];

/// How much each scenario does, in percent: it comes again.
const LOAD: u64 = 20;
/// How many scenarios go on beside the crowd.
const AT_ONCE: usize = 6;
const MINUTE: Duration = Duration::from_secs(60);

/// So little is kept that it is full long before the end of a soak: what is kept by intent shall not look like a leak.
pub(crate) fn forgetful() -> HubConfig {
    // What a scenario may want back, of long texts too, each of which is kept as it was published and as it is sent.
    let (events, bytes) = (256, 32 << 20);
    let history =
        HistoryConfig { events, replay: events, bytes, quiet_ids: 512, ids: 512, ..HistoryConfig::default() };
    HubConfig { history, ..patient() }
}

/// `30m`, `90s` or `2h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("a number and `s`, `m` or `h`, as in `30m`".into()),
    };
    let number: u64 = number.parse().map_err(|error| format!("{error}"))?;
    let seconds = number.checked_mul(seconds).filter(|seconds| (30..=7 * 24 * 3600).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "from 30 seconds to a week".into())
}

/// Says nothing of what passes, as it passes again and again.
pub(crate) async fn run(
    length: Duration,
    scenarios: &[&'static Scenario],
    seed: u64,
    told: &mut Told,
) -> Result<(), Mismatch> {
    let begun = Instant::now();
    let world = Arc::new(World::start(&forgetful()).await?);
    let baseline = leaks::baseline(&world).await?;
    let mut random = suite::random(seed, "soak");
    let mut crowd = Crowd::gather(&mut random).await?;
    // Each once, so that what is kept by intent begins to fill.
    suite::round(&world, scenarios, seed, LOAD, |report| told.add_quietly(report)).await;
    let samples = Samples::every_second();
    let (mut rounds, mut minutes) = (1_u64, 0);
    while begun.elapsed() < length {
        let chosen = random.choose_multiple(scenarios.iter().copied(), AT_ONCE);
        let round =
            suite::round(&world, &chosen, seed.wrapping_add(rounds), LOAD, |report| told.add_quietly(report));
        tokio::select! {
            () = round => rounds += 1,
            // It is ended by what is lost.
            mismatch = crowd.failure() => {
                told.add_quietly(report(CHECKS[0], seed, begun, Err(mismatch)));
                break;
            }
        }
        if begun.elapsed() >= MINUTE * (minutes + 1) {
            minutes += 1;
            tell_minute(minutes, &samples, &crowd, rounds);
        }
    }
    if !told.has_failures() {
        told.add_quietly(report(CHECKS[0], seed, begun, crowd.disperse().await));
    }
    drop(crowd);
    told.add_quietly(report(CHECKS[1], seed, begun, samples.verdict()));
    let left = leaks::check(&world, &baseline).await;
    let ended = world.close().await;
    told.add_quietly(report(CHECKS[2], seed, begun, left.and_then(|left| ended.map(|()| left))));
    Ok(())
}

fn report(name: &'static str, seed: u64, begun: Instant, outcome: Outcome) -> Report {
    Report { name, seed, took: begun.elapsed(), outcome }
}

fn tell_minute(minutes: u32, samples: &Samples, crowd: &Crowd, rounds: u64) {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let tally = &crowd.tally;
    let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    eprintln!(
        "{minutes:>4} min  {:>6.1} MiB allocated, {:>6.1} MiB resident, {tasks} tasks; {rounds} rounds; {} events, {} gaps of {} and \
         more, {} kills",
        samples.median_of_last(60),
        memory::resident(),
        of(&tally.events),
        of(&tally.gaps),
        of(&tally.missed),
        of(&tally.kills),
    );
}
