//! Three hubs, many clients, and random kills of all of them and of Redis: every event once and in order, or a gap.
//!
//! A few schedules run with the other tests. For more, and with more clients:
//! `PUBSUB_BEHIND_SCHEDULES=100 PUBSUB_BEHIND_CLIENTS=300 cargo test --release -p pubsub-transports
//! --features redis,websocket --test behind random -- --nocapture`. Each prints its seed; `PUBSUB_BEHIND_SEED=n` runs that one
//! alone.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use pubsub_transports::redis::Retention;
use pubsub_transports::websocket::{Hub, HubConfig};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;

use super::harness::{Client, DEADLINE, Server, hub_with, in_time};

const HUBS: usize = 3;
const PUBLISHERS: u64 = 4;
/// How many events a publisher leaves unanswered.
const WINDOW: usize = 8;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_kills_lose_nothing_silently() {
    let seeds: Vec<u64> = match setting("PUBSUB_BEHIND_SEED") {
        Some(seed) => vec![seed],
        None => (0..setting("PUBSUB_BEHIND_SCHEDULES").unwrap_or(2)).map(|_| fastrand::u64(..)).collect(),
    };
    for seed in seeds {
        schedule(seed, setting("PUBSUB_BEHIND_CLIENTS").unwrap_or(60)).await;
    }
}

/// Where the hubs are at this moment.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<Vec<SocketAddr>>>);

impl Addresses {
    async fn connect(&self, random: &mut Rng) -> Client {
        loop {
            let address = random.choice(self.0.lock().expect("addresses").iter().copied());
            if let Some(address) = address
                && let Some(client) = Client::try_connect(address).await
            {
                return client;
            }
            tokio::task::yield_now().await;
        }
    }

    fn set(&self, hubs: &[Hub]) {
        *self.0.lock().expect("addresses") = hubs.iter().filter_map(Hub::local_addr).collect();
    }
}

async fn schedule(seed: u64, clients: u64) {
    println!("PUBSUB_BEHIND_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    // Without, all that was published is in Redis, at one run of it: nobody has lost anything, wherever they come back.
    let restarts = random.bool();
    // What it has accepted it still has when it is back.
    let server = block_in_place(|| Server::with(&["--appendonly", "yes", "--appendfsync", "always"]));
    let mut hubs = Vec::new();
    for _ in 0..HUBS {
        hubs.push(patient(&server).await);
    }
    let addresses = Addresses::default();
    addresses.set(&hubs);

    let (stop, stopped) = watch::channel(false);
    let (kill, killed) = watch::channel(0);
    let (ready, mut are_ready) = watch::channel(0);
    let (mut publishers, mut subscribers) = (JoinSet::new(), JoinSet::new());
    for number in 0..clients {
        let topic = match number % (PUBLISHERS + 1) {
            PUBLISHERS => "chat".to_owned(),
            of => format!("chat:{of}"),
        };
        let random = Rng::with_seed(random.u64(..));
        let (addresses, killed, ready) = (addresses.clone(), killed.clone(), ready.clone());
        subscribers.spawn(subscriber(number, topic, addresses, random, killed, ready));
    }
    in_time("subscribers", are_ready.wait_for(|count| *count == clients)).await.expect("a sender");
    for number in 0..PUBLISHERS {
        let random = Rng::with_seed(random.u64(..));
        publishers.spawn(publisher(number, addresses.clone(), random, stopped.clone()));
    }

    let mut done = [0; 4];
    for _ in 0..random.usize(8..20) {
        sleep(Duration::from_millis(random.u64(0..100))).await;
        let what = random.usize(0..if restarts { 4 } else { 3 });
        done[what] += 1;
        match what {
            // At once, and another in its place.
            0 => {
                drop(hubs.swap_remove(random.usize(..HUBS)));
                addresses.set(&hubs);
                hubs.push(patient(&server).await);
                addresses.set(&hubs);
            }
            1 => _ = kill.send_replace(random.u64(1..)),
            2 => _ = block_in_place(|| server.cli(&["CLIENT", "KILL", "TYPE", "normal"])),
            _ => block_in_place(|| server.restart()),
        }
    }
    stop.send_replace(true);
    let mut published = 0;
    while let Some(count) = in_time("publisher", publishers.join_next()).await {
        published += count.expect("a publisher that holds");
    }
    // Told until everybody has heard it: what is published while somebody is away may be part of a gap.
    let end = tokio::spawn(ends(addresses.clone(), Rng::with_seed(random.u64(..))));
    let (mut received, mut gaps) = (0, 0);
    while let Some(outcome) = in_time("subscriber", subscribers.join_next()).await {
        let (own, more) = outcome.expect("a subscriber that holds");
        received += own;
        gaps += more;
    }
    end.abort();
    let [dropped, left, cut, restarted] = done;
    println!(
        "{published} events to {clients} clients: {received} received, {gaps} gaps; hubs dropped {dropped} times, clients {left} \
         times, Redis restarted {restarted} times, its clients cut {cut} times"
    );
    assert!(restarts || gaps == 0, "Redis has it all, and {gaps} gaps were told");
    for hub in hubs {
        hub.close().await;
    }
}

/// A hub that waits for Redis for as long as a test does.
async fn patient(server: &Server) -> Hub {
    hub_with(server, Retention::default(), HubConfig::default(), |it| it.guard_timeout(DEADLINE)).await
}

/// Says again and again that there are no more numbers.
async fn ends(addresses: Addresses, mut random: Rng) {
    let mut client = addresses.connect(&mut random).await;
    loop {
        for number in 0..PUBLISHERS {
            client.send(&json!({"type": "chat", "id": number.to_string(), "payload": null})).await;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Publishes numbers, at another hub where one is lost: those that were not answered again. How many there were.
async fn publisher(
    number: u64,
    addresses: Addresses,
    mut random: Rng,
    mut stopped: watch::Receiver<bool>,
) -> u64 {
    let mut waiting: VecDeque<Value> = VecDeque::new();
    let (mut last, mut is_over) = (0, false);
    'connections: loop {
        let mut client = addresses.connect(&mut random).await;
        for event in &waiting {
            if !client.try_send(event).await {
                continue 'connections;
            }
        }
        while !is_over || !waiting.is_empty() {
            if waiting.len() < WINDOW && !is_over {
                is_over = *stopped.borrow_and_update();
                if is_over {
                    continue;
                }
                last += 1;
                let event_id = format!("00000000-0000-4000-8{number:03x}-{last:012x}");
                let event =
                    json!({"type": "chat", "id": number.to_string(), "payload": last, "eventId": event_id});
                waiting.push_back(event);
                if !client.try_send(&waiting[waiting.len() - 1]).await {
                    continue 'connections;
                }
                continue;
            }
            let Some(answer) = client.try_next().await else { continue 'connections };
            match answer["type"].as_str() {
                Some("__published") => {
                    waiting.retain(|event| event["eventId"] != answer["payload"]["eventId"]);
                }
                // The hub is no more.
                Some("__disconnect" | "__error") => continue 'connections,
                _ => panic!("a publisher is told {answer}"),
            }
        }
        return last;
    }
}

/// How many events it got until the last of all, and how many gaps. Whatever comes is the next, unless a gap was told.
async fn subscriber(
    number: u64,
    topic: String,
    addresses: Addresses,
    mut random: Rng,
    mut killed: watch::Receiver<u64>,
    ready: watch::Sender<u64>,
) -> (u64, u64) {
    let mut position: Option<(Value, u64)> = None;
    let mut next: HashMap<String, u64> = HashMap::new();
    let publishers = if topic == "chat" { PUBLISHERS as usize } else { 1 };
    let (mut count, mut gaps, mut over) = (0, 0, HashSet::new());
    let ids = (0..PUBLISHERS).map(|number| number.to_string());
    let mut unsure: HashMap<String, bool> = ids.map(|id| (id, false)).collect();
    'connections: loop {
        let mut client = addresses.connect(&mut random).await;
        let since = position.as_ref().map(|(epoch, offset)| json!({"epoch": epoch, "offset": offset}));
        client.command("__subscribe", &json!({"topic": topic, "since": since})).await;
        loop {
            let message = tokio::select! {
                message = client.try_next() => message,
                // One in four.
                Ok(()) = killed.changed() => {
                    if *killed.borrow_and_update() % 4 == number % 4 { None } else { continue }
                }
            };
            let Some(message) = message else { continue 'connections };
            let payload = &message["payload"];
            match message["type"].as_str() {
                Some("__subscribed") => {
                    if position.is_none() {
                        ready.send_modify(|ready| *ready += 1);
                    } else if payload["recovered"] != true {
                        gaps += 1;
                        unsure.values_mut().for_each(|unsure| *unsure = true);
                    }
                    if position.is_none() || payload["replay"] == 0 {
                        position =
                            Some((payload["epoch"].clone(), payload["offset"].as_u64().expect("an offset")));
                    }
                }
                Some("__gap") => {
                    gaps += 1;
                    unsure.values_mut().for_each(|unsure| *unsure = true);
                    if let Some((epoch, offset)) = &mut position {
                        if !payload["epoch"].is_null() {
                            *epoch = payload["epoch"].clone();
                        }
                        *offset = payload["offset"].as_u64().expect("an offset");
                    }
                }
                Some("chat") => {
                    let of = message["id"].as_str().expect("an id").to_owned();
                    let (epoch, offset) = position.as_mut().expect("it was subscribed");
                    assert_eq!(message["epoch"], *epoch, "{topic}: {message}");
                    let own = message["offset"].as_u64().expect("an offset");
                    assert!(own > *offset, "{topic}: twice, or out of order: {message}");
                    let after = message["after"].as_u64().expect("what was before");
                    assert!(after <= *offset, "{topic}: a hole after {offset}: {message}");
                    *offset = own;
                    let expected = next.entry(of.clone()).or_insert(1);
                    let may_skip = unsure.insert(of.clone(), false).unwrap_or(false);
                    match payload.as_u64() {
                        Some(payload) => {
                            let is_right = payload == *expected || may_skip && payload > *expected;
                            assert!(
                                is_right,
                                "{topic}: {expected} comes next, or more after a gap: {message}"
                            );
                            *expected = payload + 1;
                            count += 1;
                        }
                        None => _ = over.insert(of),
                    }
                    if over.len() == publishers {
                        return (count, gaps);
                    }
                }
                // The hub is away, or Redis: another is tried.
                Some("__disconnect" | "__error") => continue 'connections,
                _ => panic!("a subscriber is told {message}"),
            }
        }
    }
}
