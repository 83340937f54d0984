//! What a million connections cost: figures that were measured, times what is assumed.

use pubsub::redis::Retention;
use pubsub::websocket::{HistoryConfig, SpokeConfig};

/// The tables that the benchmarks have written.
const HUB: &str = include_str!("../../pubsub/benches/hub/README.md");
const REDIS: &str = include_str!("../../pubsub/benches/redis/README.md");
const BEHIND: &str = include_str!("../../pubsub/benches/behind/README.md");

// ANCHOR: assumed
const CONNECTIONS: f64 = 1e6;
/// A hub is one process, which is measured on one core; so much of it is used, and the rest is for storms.
const USED: f64 = 0.6;
/// More are not given to one hub, however little they ask for: so many come back at once when it dies.
const MOST_OF_A_HUB: f64 = 100_000.0;
/// What the kernel keeps for a socket with nothing in its buffers, and its task's share of the tables.
const KERNEL_KIB: f64 = 4.0;
/// Of an event on its way to a client: its text with its position, and the headers of WebSocket, TCP and IP.
const WIRE_BYTES: f64 = 128.0 + 76.0 + 4.0 + 52.0;
const TYPES: f64 = 20.0;

struct Load {
    name: &'static str,
    /// Events that each client gets in a second.
    received: f64,
    /// Clients that get each event.
    followers: f64,
}

const LOADS: [Load; 4] = [
    Load {
        name: "alerts: one an hour, to all of a group of 1,000",
        received: 1.0 / 3600.0,
        followers: 1_000.0,
    },
    Load { name: "chat: one every 5 s, in rooms of 50", received: 0.2, followers: 50.0 },
    Load { name: "messages: one every 5 s, in groups of 5", received: 0.2, followers: 5.0 },
    Load { name: "live: 2 a second, to 10,000 each", received: 2.0, followers: 10_000.0 },
];
// ANCHOR_END: assumed

/// The third cell of the row with these two first.
fn measured(table: &str, row: &str, unit: &str) -> f64 {
    let begin = format!("| {row} | {unit} | ");
    let figure = table.lines().find_map(|line| line.strip_prefix(&*begin)?.split(' ').next());
    figure.and_then(|figure| figure.parse().ok()).unwrap_or_else(|| panic!("{begin} is not measured"))
}

fn main() {
    // ANCHOR: measured
    let idle_kib = measured(HUB, "H4 idle, two subscriptions", "KiB/connection");
    let idle_us = measured(HUB, "H4 idle, two subscriptions", "us of CPU/s and connection");
    let deliver_us = measured(HUB, "H1 single events", "ns of CPU/delivery") / 1e3;
    // A hub takes an event out of a frame, as a spoke does, and publishes it.
    let taken_us = measured(HUB, "H5 spoke, receive", "ns of CPU/message") / 1e3;
    let placed_us = measured(REDIS, "R2 publish().await, 1,000 tasks", "ns of CPU/publish") / 1e3;
    // It reads one as a bus over streams does, which decodes it besides.
    let hub_reads_us = measured(REDIS, "R4 streams, typed", "ns of CPU/event") / 1e3;
    let redis_accepts_us = measured(BEHIND, "an event that is accepted", "us of CPU");
    let redis_reads_us = measured(BEHIND, "an event that one more hub reads", "us of CPU");
    let event_bytes = measured(BEHIND, "an event that is kept", "bytes");
    let id_bytes = measured(BEHIND, "an event id that is remembered", "bytes");
    // ANCHOR_END: measured

    for Load { name, received, followers } in LOADS {
        // ANCHOR: calculation
        let deliveries = CONNECTIONS * received;
        let events = deliveries / followers;
        // What is shared among the hubs, and what each has of its own: all events of the types that somebody follows there.
        let shared_us = CONNECTIONS * idle_us + deliveries * deliver_us + events * (taken_us + placed_us);
        let own_us = events * hub_reads_us;
        let by_cpu = shared_us / (USED * 1e6 - own_us);
        let hubs = by_cpu.max(CONNECTIONS / MOST_OF_A_HUB).ceil() + 1.0; // one may be away
        let hub_cpu = (shared_us / hubs + own_us) / 1e6;
        let history = HistoryConfig::default();
        let hub_gib =
            (CONNECTIONS / hubs * (idle_kib + KERNEL_KIB) * 1024.0 + TYPES * history.bytes as f64) / GIB;
        let redis_cpu = events * (redis_accepts_us + hubs * redis_reads_us) / 1e6;
        let redis_gib =
            TYPES * (Retention::EVENTS as f64 * event_bytes + history.ids as f64 * id_bytes) / GIB;
        let network = deliveries * WIRE_BYTES * 8.0 / 1e9;
        let return_s = SpokeConfig::default().backoff_max.as_secs_f64();
        let returning = CONNECTIONS / hubs / return_s / (hubs - 1.0);
        // ANCHOR_END: calculation

        assert!(by_cpu > 0.0, "no number of hubs is enough: each reads all events");
        println!("{name}");
        println!("  {events:>12.0}  events accepted a second");
        println!("  {deliveries:>12.0}  deliveries a second");
        println!("  {network:>12.2}  Gbit/s to the clients");
        println!("  {hubs:>12.0}  hubs, one of them to spare");
        println!("  {:>12.0}  connections of each", CONNECTIONS / hubs);
        println!("  {hub_cpu:>12.2}  of its core used");
        println!("  {hub_gib:>12.2}  GiB of memory for each, that of the kernel included");
        println!("  {redis_cpu:>12.2}  of the core of Redis used, of which {USED} may be");
        if redis_cpu > USED {
            let many = (redis_cpu / USED).ceil();
            println!("  {:>12}  too much for one Redis: it is the work of {many:.0}", "!");
        }
        println!("  {redis_gib:>12.2}  GiB of memory of Redis");
        println!("  {returning:>12.0}  connections a second at each other hub when one dies");
        println!();
    }
}

const GIB: f64 = (1_u64 << 30) as f64;
