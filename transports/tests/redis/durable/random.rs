//! Random faults of streams, one after the other, beside a type that is always busy: each event comes once and in order, right
//! after the one before it or behind a gap that says exactly how many are missing.
//!
//! As those of [channels](crate::random): `PUBSUB_REDIS_SCHEDULES=1000`, `PUBSUB_REDIS_SEED=n`.

use std::collections::HashSet;
use std::time::Duration;

use fastrand::Rng;
use pubsub_transports::redis::Retention;
use pubsub_transports::{GapReason, Patience, Position};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};

use super::quick;
use crate::faults::Numbers;
use crate::harness::proxy::Mode;
use crate::harness::{DEADLINE, Peer, Proxy, Recorder, Said, Server};
use crate::random::{long, network_fault, short};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_faults_of_streams_are_told_exactly() {
    // How long it takes is Redis's matter too, which waits 5 s before it sends a new replica what it has.
    crate::random::run(schedule).await;
}

/// What may happen to the history, beside the network that is always bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    None,
    Trimmed,
    Anything,
}

struct World {
    /// The master is first.
    servers: [Server; 2],
    /// The network of who reads, and that of all others. Both lead to the master.
    network: Proxy,
    name: Proxy,
}

impl World {
    async fn new(slice: usize) -> Self {
        let servers = block_in_place(|| [Server::start(), Server::start()]);
        let network = Proxy::new(servers[0].port, slice).await;
        let name = Proxy::new(servers[0].port, usize::MAX).await;
        Self { servers, network, name }
    }

    fn master(&self) -> &Server {
        &self.servers[0]
    }

    async fn connected(&self) -> Peer {
        Peer::new(quick(Retention::default()).connect(self.name.url()).await.expect("connected"))
    }

    fn cli(&self, arguments: &[&str]) {
        block_in_place(|| self.master().cli(arguments));
    }

    async fn fail_over(&mut self) {
        let [master, replica] = &self.servers;
        let replicates =
            |of: &Server, port: &str| block_in_place(|| of.cli(&["REPLICAOF", "127.0.0.1", port]));
        replicates(replica, &master.port.to_string());
        block_in_place(|| replica.until_it_replicates());
        block_in_place(|| replica.cli(&["REPLICAOF", "NO", "ONE"]));
        replicates(master, &replica.port.to_string());
        self.servers.swap(0, 1);
        for name in [&self.network, &self.name] {
            name.lead_to(self.master().port);
        }
    }

    async fn restart(&self, outage: Duration) {
        block_in_place(|| self.master().kill());
        sleep(outage).await;
        block_in_place(|| self.master().restart());
    }

    /// The last are all that is left, perhaps while nobody can read.
    async fn trim(&self, random: &mut Rng) {
        let left = random.u8(0..60).to_string();
        let is_held_up = random.bool();
        if is_held_up {
            self.network.set(Mode::Refuse);
            self.network.cut();
            sleep(short(random)).await;
        }
        self.cli(&["XTRIM", "{a}", "MAXLEN", &left]);
        if random.bool() {
            // One that nobody can have read.
            let script = "redis.call('XADD', KEYS[1], '*', 'id', '2', 'event', '') \
                          return redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)";
            self.cli(&["EVAL", script, "1", "{a}"]);
        }
        self.network.set(Mode::Pass);
    }

    async fn delete(&self, random: &mut Rng) {
        match random.u8(..4) {
            0 => self.cli(&["FLUSHALL"]),
            1 => self.cli(&["DEL", "{a}", "{b}"]),
            2 => self.cli(&["DEL", "{a}"]),
            _ => {
                self.cli(&["DEL", "{a}"]);
                // Somebody who knows nothing of epochs makes it anew, unless we were faster.
                let event = r#"{"type":"a","id":"2","payload":0}"#;
                self.cli(&["XADD", "{a}", "*", "id", "2", "event", event]);
            }
        }
    }

    async fn fault(&mut self, random: &mut Rng, harm: Harm) {
        match (harm, random.u8(..6)) {
            (Harm::Trimmed, 0..3) | (Harm::Anything, 0) => self.trim(random).await,
            (Harm::Anything, 1 | 2) => self.delete(random).await,
            (Harm::Anything, 3) => self.restart(long(random)).await,
            (Harm::Anything, 4) => self.fail_over().await,
            _ => network_fault(random, self.master(), &self.network).await,
        }
    }
}

async fn schedule(seed: u64) -> (Duration, usize) {
    println!("PUBSUB_REDIS_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let slice = random.choice([usize::MAX, usize::MAX, 7, 1000]).unwrap_or(usize::MAX);
    let harm = random.choice([Harm::None, Harm::Trimmed, Harm::Anything, Harm::Anything]);
    let harm = harm.unwrap_or(Harm::Anything);
    let mut world = World::new(slice).await;
    let reader =
        Peer::new(quick(Retention::default()).connect(world.network.url()).await.expect("connected"));
    reader.subscribe(&["a", "b"]).await;
    let numbers = Numbers::publish(world.connected().await);
    let busy = world.connected().await;
    let busy = tokio::spawn(async move {
        loop {
            // Whatever becomes of it.
            let _ = busy.send("b", "1", "0", Patience::Wait).await;
            sleep(Duration::from_millis(2)).await;
        }
    });
    reader.heard.events(20).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..random.usize(1..5) {
        let before = reader.heard.all().len();
        world.fault(&mut random, harm).await;
        let healed = Instant::now();
        // Some faults come so fast that the last is not over.
        if random.u8(..4) > 0 {
            sleep(short(&mut random)).await;
            let is_new = |said: &Said| matches!(said, Said::Event { topic, .. } if topic == "a");
            reader.heard.until("events again", |said| said[before..].iter().any(is_new).then_some(())).await;
            slowest = slowest.max(healed.elapsed());
        }
    }
    let (accepted, next) = numbers.end().await;
    let last = world.connected().await;
    let sent = async {
        while last.send("a", "1", &next.to_string(), Patience::Wait).await.is_err() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(DEADLINE, sent).await.expect("the last is accepted");
    busy.abort();
    reader
        .heard
        .until("the last", |said| {
            let is_last = |said: &Said| {
                matches!(said, Said::Event { topic, payload, .. } if topic == "a" && *payload == next.to_string())
            };
            said.iter().rev().take(1_000).any(is_last).then_some(())
        })
        .await;
    let (evicted, epochs) = check(&reader.heard, &accepted);
    match harm {
        Harm::None => assert_eq!((evicted, epochs), (0, 0), "{}", reader.heard.story()),
        Harm::Trimmed => assert_eq!(epochs, 0, "{}", reader.heard.story()),
        Harm::Anything => {}
    }
    assert_eq!(reader.close().await, 0);
    (slowest, evicted + epochs)
}

/// How many gaps of either kind there were.
fn check(heard: &Recorder, accepted: &HashSet<u64>) -> (usize, usize) {
    let (mut evicted, mut epochs) = (0, 0);
    let (mut last_position, mut last_number) = (None::<Position>, None::<u64>);
    // What was told since the last event, and since the last number.
    let (mut missed, mut is_another) = (0, false);
    let (mut missed_numbers, mut may_miss_more) = (0, false);
    // In this order: events of `b` still come, and each has its position written down first.
    let all = heard.all();
    let mut positions = heard.positions().into_iter();
    for said in all {
        match said {
            Said::Gap(Some(address), gap) if address == "a" => match gap.reason {
                GapReason::Evicted => {
                    missed += gap.missed.expect("what was trimmed is counted");
                    evicted += 1;
                }
                GapReason::Epoch => (is_another, epochs) = (true, epochs + 1),
                other => panic!("{other:?}"),
            },
            Said::Gap(Some(address), _) if address == "b" => {}
            Said::Gap(..) | Said::Refused(..) => panic!("{said:?} in {}", heard.story()),
            Said::Event { topic, id, payload } => {
                let position = positions.next().expect("each event has one");
                if topic != "a" {
                    continue;
                }
                if let Some(last) = last_position.filter(|_| !is_another) {
                    let hole = if last.epoch() == position.epoch() {
                        let is_later = position.offset() > last.offset();
                        assert!(is_later, "{last} then {position} in {}", heard.story());
                        position.offset() - last.offset() - 1
                    } else {
                        position.offset() - 1
                    };
                    assert_eq!(hole, missed, "{last} then {position} in {}", heard.story());
                }
                last_position = Some(position);
                missed_numbers += missed;
                may_miss_more |= is_another;
                if id == "1" {
                    let number: u64 = payload.parse().expect("a number");
                    assert!(last_number.is_none_or(|last| last < number), "{number} after {last_number:?}");
                    let hole = last_number.map_or(0, |last| last + 1)..number;
                    let lost = hole.filter(|number| accepted.contains(number)).count() as u64;
                    assert!(
                        may_miss_more || lost <= missed_numbers,
                        "{lost} before {number} in {}",
                        heard.story()
                    );
                    last_number = Some(number);
                    (missed_numbers, may_miss_more) = (0, false);
                }
                (missed, is_another) = (0, false);
            }
            _ => {}
        }
    }
    (evicted, epochs)
}
