//! Random schedules, held against the model; one that fails is made shorter until nothing can be left out.
//!
//! `SCHEDULES=100000 SEED=7 cargo test --release --features websocket random -- --nocapture`

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;
use pubsub_transports::Address;

use crate::schedule::{IDS, Schedule, Step, run};
use crate::world::TOPICS;

/// Where messages are lost, a type is followed in one way only: what a narrower address has lost before a wider one
/// absorbs it does not show.
fn address(random: &mut Rng, lossy: bool) -> Address {
    let topic = random.choice(TOPICS).unwrap();
    match random.u8(..3) {
        _ if lossy && topic == "a" => Address::whole(topic).unwrap(),
        0 if !lossy => Address::whole(topic).unwrap(),
        _ => Address::new(topic, random.choice(IDS).unwrap()).unwrap(),
    }
}

fn step(random: &mut Rng, peers: usize, lossy: bool) -> Step {
    let peer = random.usize(..peers);
    let (topic, id) = (random.choice(TOPICS).unwrap(), random.choice(IDS).unwrap());
    match random.u8(..110) {
        0..20 => Step::Publish(topic, id),
        20..26 => Step::PublishFrom(peer, topic, id),
        26..38 => Step::Follow(peer, address(random, lossy)),
        38..44 => Step::Unfollow(peer, address(random, lossy)),
        44..60 => Step::Up(peer, random.usize(1..4)),
        60..72 => Step::Pull(peer, random.usize(1..600)),
        72..88 => Step::Down(peer, random.usize(1..6)),
        88..91 => Step::Cut(peer, random.bool()),
        91..93 => Step::CutAtHub(peer),
        93 => Step::NoticeHalfOpen,
        94 => Step::Restart,
        95 => Step::Forget(topic),
        96..98 if lossy => Step::Lose(peer),
        // A window that what was lost has filled lets nothing come that would show it.
        100..103 if !lossy => Step::Window(peer, topic, random.bool().then(|| random.u32(1..4))),
        103.. => Step::Handle(peer, random.usize(1..4)),
        _ => Step::Advance(random.u64(1..3000)),
    }
}

fn schedule(random: &mut Rng) -> Schedule {
    let peers = random.usize(1..4);
    let (length, lossy) = (random.usize(10..120), random.u8(..4) == 0);
    Schedule {
        peers,
        history: random.usize(0..12),
        replay: random.usize(0..12),
        queue: random.usize(200..1200),
        steps: (0..length).map(|_| step(random, peers, lossy)).collect(),
    }
}

thread_local! {
    /// This thread may panic without a word.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What it reached, or that it failed. It is told only of the shortest one.
fn try_out(schedule: &Schedule) -> std::thread::Result<(u64, u64)> {
    IS_QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(|| run(schedule)));
    IS_QUIET.set(false);
    result
}

/// Leaves out ever smaller parts, as long as what is left still fails.
fn shrink(mut schedule: Schedule) -> Schedule {
    let mut part = schedule.steps.len();
    while part > 0 {
        let (mut from, before) = (0, schedule.steps.len());
        while from < schedule.steps.len() {
            let mut shorter = schedule.clone();
            shorter.steps.drain(from..(from + part).min(schedule.steps.len()));
            if try_out(&shorter).is_err() {
                schedule = shorter;
            } else {
                from += part;
            }
        }
        if schedule.steps.len() == before {
            part /= 2;
        }
    }
    schedule
}

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn random_schedules_agree_with_the_model() {
    let (first, count) = (from_env("SEED", 1), from_env("SCHEDULES", 2000));
    println!("SEED={first} SCHEDULES={count}");
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !IS_QUIET.get() {
            others(panic);
        }
    }));
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let work = |thread: u64| {
        let (mut events, mut gaps) = (0, 0);
        for seed in (first..first + count).filter(|seed| seed % threads == thread) {
            let schedule = schedule(&mut Rng::with_seed(seed));
            match try_out(&schedule) {
                Ok((more, lost)) => (events, gaps) = (events + more, gaps + lost),
                Err(_) => return Err(seed),
            }
        }
        Ok((events, gaps))
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let failed = results.iter().filter_map(|result| result.as_ref().err()).min().copied();
    if let Some(seed) = failed {
        let shortest = shrink(schedule(&mut Rng::with_seed(seed)));
        println!("SEED={seed} SCHEDULES=1\n{shortest:#?}");
        run(&shortest);
        unreachable!("it failed before");
    }
    let total = results.into_iter().flatten().fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
    println!("{} events delivered, {} gaps", total.0, total.1);
    assert!(total.0 > count && total.1 > count / 20, "the schedules reach what they are for");
}
