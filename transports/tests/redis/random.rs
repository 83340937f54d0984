//! Random faults, one after the other, while numbers are published: whatever happens, no loss is silent and no gap is told
//! twice.
//!
//! A few schedules run with the other tests. For 1,000:
//! `PUBSUB_REDIS_SCHEDULES=1000 cargo test --release -p pubsub-transports --features redis --test redis random -- --nocapture`.
//! Each prints its seed; `PUBSUB_REDIS_SEED=n` runs that one alone.

use std::time::Duration;

use fastrand::Rng;
use pubsub_transports::redis::Redis;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Instant, sleep, timeout};

use crate::faults::{Numbers, check, heard_up_to};
use crate::harness::{Peer, Proxy, Recorder, Said, Server, proxy::Mode, times};

/// How many at a time: they mostly wait.
const AT_ONCE: usize = 4;

/// How long after a fault events come again, at most: the longest delay between two tries, and 100 ms.
const BACK: Duration = Duration::from_millis(50 + 100);
/// What a machine may take more that does much else at that time, as start the servers of the other schedules.
const BUSY: Duration = Duration::from_secs(1);
/// Fewer schedules, beside all other tests, say little of that.
const MANY: usize = 1_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_faults_lose_nothing_silently() {
    let (schedules, slowest) = run(schedule).await;
    assert!(schedules < MANY || slowest <= BACK + BUSY, "delivery was back {slowest:?} after a fault");
}

/// As many schedules as are asked for. What each gives is how long it took at most until events came again, and how many gaps
/// there were; how many schedules there were, and the longest of these times.
pub(crate) async fn run<F>(schedule: impl Fn(u64) -> F) -> (usize, Duration)
where
    F: Future<Output = (Duration, usize)> + Send + 'static,
{
    let seeds: Vec<u64> = match setting("PUBSUB_REDIS_SEED") {
        Some(seed) => vec![seed],
        None => (0..setting("PUBSUB_REDIS_SCHEDULES").unwrap_or(12)).map(|_| fastrand::u64(..)).collect(),
    };
    let (mut running, mut slowest, count) = (JoinSet::new(), Duration::ZERO, seeds.len());
    let mut gaps = 0;
    let mut done = |outcome: Option<Result<(Duration, usize), tokio::task::JoinError>>| {
        let Some(outcome) = outcome else { return };
        let (back, more) = outcome.expect("a schedule that holds");
        slowest = slowest.max(back);
        gaps += more;
    };
    for seed in seeds {
        if running.len() == AT_ONCE {
            done(running.join_next().await);
        }
        running.spawn(schedule(seed));
    }
    while !running.is_empty() {
        done(running.join_next().await);
    }
    println!("{count} schedules with {gaps} gaps; delivery was back at most {slowest:?} after a fault");
    (count, slowest)
}

async fn schedule(seed: u64) -> (Duration, usize) {
    println!("PUBSUB_REDIS_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let server = block_in_place(Server::start);
    let slice = random.choice([usize::MAX, usize::MAX, 7, 1000]).unwrap_or(usize::MAX);
    let proxy = Proxy::new(server.port, slice).await;
    // Each fault may last for longer. What the machine does beside it is one more, which is told as well.
    let builder = times::quick(Redis::builder()).answer_timeout(Duration::from_millis(150));
    let peer = Peer::new(builder.clone().connect(proxy.url()).await.expect("connected"));
    // Beside the address that is watched: others to be restored, and a pattern that matches it too, or instead of it.
    let others: Vec<_> = (0..random.usize(0..2000)).map(|id| format!("c:{id}")).collect();
    let watched: &[&str] = random.choice([&["a:1"][..], &["a"], &["a:1", "a"]]).unwrap_or(&["a"]);
    peer.subscribe(&watched.iter().copied().chain(others.iter().map(String::as_str)).collect::<Vec<_>>())
        .await;
    let numbers = Numbers::publish(Peer::new(builder.connect(server.url()).await.expect("connected")));
    heard_up_to(&peer.heard, 5).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..random.usize(1..5) {
        let before = peer.heard.all().len();
        fault(&mut random, &server, &proxy).await;
        // Some faults come so fast that the last is not over.
        if random.u8(..4) > 0 {
            let loss_is_told = random.bool();
            let settled = Duration::from_millis(if loss_is_told { 200 } else { 1 });
            let back = back(&peer.heard, before, settled).await;
            // A few bytes at a time, two thousand channels take what they take.
            if slice > 7 {
                slowest = slowest.max(back);
            }
        }
    }
    // All is well again when a number published from now on arrives.
    let live = async {
        loop {
            let mark =
                peer.heard.payloads("a:1").last().and_then(|last| last.parse::<u64>().ok()).unwrap_or(0);
            sleep(Duration::from_millis(400)).await;
            let last =
                peer.heard.payloads("a:1").last().and_then(|last| last.parse::<u64>().ok()).unwrap_or(0);
            if last > mark + 10 && peer.heard.is_connected() {
                return;
            }
        }
    };
    timeout(crate::harness::DEADLINE, live).await.expect("it heals");
    let (accepted, next) = numbers.end().await;
    let last = accepted.iter().max().copied().unwrap_or(next);
    heard_up_to(&peer.heard, last).await;
    let gaps = check(&peer.heard, &accepted);
    assert_eq!(peer.close().await, 0);
    (slowest, gaps)
}

/// How long it takes from now on until events come again, behind whatever was told of the fault since `before`, and until it
/// is `settled`.
async fn back(heard: &Recorder, before: usize, settled: Duration) -> Duration {
    let healed = Instant::now();
    let is_back = |said: &[Said]| {
        let new = &said[before..];
        let is_loss = |said: &Said| matches!(said, Said::Gap(..) | Said::Reconnecting(..));
        let last = new.iter().rposition(is_loss).map_or(0, |loss| loss + 1);
        new[last..].iter().any(|said| matches!(said, Said::Event { .. }))
    };
    loop {
        heard.until("events again", |said| is_back(said).then_some(())).await;
        let back = healed.elapsed();
        let lost = heard.until("a loss", |said| (!is_back(said)).then_some(()));
        if timeout(settled.saturating_sub(back), lost).await.is_err() {
            return back;
        }
    }
}

/// Something fails, and is mended.
async fn fault(random: &mut Rng, server: &Server, proxy: &Proxy) {
    match random.u8(..9) {
        0 => {
            block_in_place(|| server.kill());
            sleep(long(random)).await;
            block_in_place(|| server.restart());
        }
        1 => {
            for _ in 0..2 {
                block_in_place(|| server.kill());
                block_in_place(|| server.restart());
                sleep(short(random) / 4).await;
            }
        }
        _ => network_fault(random, server, proxy).await,
    }
}

pub(crate) fn short(random: &mut Rng) -> Duration {
    Duration::from_millis(random.u64(0..100))
}

pub(crate) fn long(random: &mut Rng) -> Duration {
    Duration::from_millis(random.u64(150..500))
}

/// The server lives on, and connections do not.
pub(crate) async fn network_fault(random: &mut Rng, server: &Server, proxy: &Proxy) {
    match random.u8(..7) {
        0 => _ = block_in_place(|| server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"])),
        1 => _ = block_in_place(|| server.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])),
        2 => proxy.cut(),
        3 => {
            proxy.set(Mode::Stall);
            sleep(if random.bool() { short(random) } else { long(random) }).await;
            proxy.set(Mode::Pass);
        }
        4 => {
            proxy.set(Mode::BlackHole);
            sleep(long(random)).await;
            proxy.set(Mode::Pass);
        }
        5 => {
            proxy.set(Mode::Refuse);
            proxy.cut();
            sleep(long(random)).await;
            proxy.set(Mode::Pass);
        }
        _ => {
            block_in_place(|| server.signal("STOP"));
            sleep(long(random)).await;
            block_in_place(|| server.signal("CONT"));
        }
    }
}
