//! The workloads and their goals.

use crate::bus::Bus;
use crate::ours::{Handle, Ours};
use crate::peers::{AsyncBroadcast, TokioBroadcast, VecMpsc};
use crate::table::{Goal, Workload};
use crate::workloads::{
    backpressure, bare_mpsc, fan_out, fresh_ids, large, large_by_broadcast, latency, nobody, routing,
    same_id, several,
};

const OURS: &str = Ours::<false>::NAME;
const HANDLE: &str = Handle::NAME;
const BROADCAST: &str = TokioBroadcast::NAME;
const ASYNC: &str = AsyncBroadcast::NAME;
const MPSC: &str = VecMpsc::NAME;
const BARE: &str = "one bare mpsc";

fn ratio(ours: &'static str, peer: &'static str, at_least: f64) -> Goal {
    Goal::Ratio { ours, peer, at_least }
}

macro_rules! workload {
    ($name:literal, $unit:literal, $rounds:literal, [$($bus:ty),*] $run:ident $arguments:tt,
     [$($extra:expr),*], [$($goal:expr),* $(,)?]) => {
        Workload {
            name: $name,
            unit: $unit,
            rounds: $rounds,
            candidates: vec![$((<$bus>::NAME, || $run::<$bus> $arguments)),* $(, $extra)*],
            goals: vec![$($goal),*],
        }
    };
}

type Waits = Ours<false>;
type DropOldest = Ours<true>;

pub(crate) fn workloads() -> Vec<Workload> {
    let mut all = in_bursts();
    all.extend(by_address());
    all.extend(the_rest());
    all
}

fn in_bursts() -> Vec<Workload> {
    vec![
        workload!("W1 1 -> 1, bursts of 64", "ns/event", 9,
            [Waits, Handle, TokioBroadcast, AsyncBroadcast] fan_out(1, 64, 500_000), [],
            [ratio(OURS, BROADCAST, 2.0), ratio(OURS, ASYNC, 1.6),
             ratio(HANDLE, BROADCAST, 2.4), ratio(HANDLE, ASYNC, 1.9)]),
        workload!("W1b 1 -> 1, backpressure, bound 256", "ns/event", 9,
            [Waits, Handle] backpressure(1, 500_000), [(BARE, || bare_mpsc(500_000))],
            [ratio(OURS, BARE, 0.0), ratio(HANDLE, BARE, 1.0)]),
        workload!("W2 1 -> 64, bursts of 64", "ns/delivery", 7,
            [Waits, TokioBroadcast, AsyncBroadcast, VecMpsc] fan_out(64, 64, 1_000_000), [],
            [ratio(OURS, BROADCAST, 3.0), ratio(OURS, ASYNC, 1.7), ratio(OURS, MPSC, 4.0)]),
        workload!("W2 1 -> 1000, bursts of 64", "ns/delivery", 7,
            [Waits, TokioBroadcast, AsyncBroadcast, VecMpsc] fan_out(1_000, 64, 1_500_000), [],
            [ratio(OURS, BROADCAST, 3.0), ratio(OURS, ASYNC, 1.7), ratio(OURS, MPSC, 4.0)]),
        workload!("W2s 1 -> 1, single events, parked", "ns/delivery", 7,
            [Waits, TokioBroadcast] fan_out(1, 1, 100_000), [], [ratio(OURS, BROADCAST, 1.3)]),
        workload!("W2s 1 -> 64, single events, parked", "ns/delivery", 7,
            [Waits, TokioBroadcast] fan_out(64, 1, 400_000), [], [ratio(OURS, BROADCAST, 1.3)]),
        workload!("W2s 1 -> 1000, single events, parked", "ns/delivery", 7,
            [Waits, TokioBroadcast] fan_out(1_000, 1, 400_000), [], [ratio(OURS, BROADCAST, 1.3)]),
    ]
}

fn by_address() -> Vec<Workload> {
    vec![
        workload!("W3 publish over 1,000 ids", "ns/event", 7,
            [DropOldest, TokioBroadcast] routing(1_000), [], [ratio(OURS, BROADCAST, 2.0)]),
        workload!("W3 publish over 100,000 ids", "ns/event", 5,
            [DropOldest, TokioBroadcast] routing(100_000), [], [ratio(OURS, BROADCAST, 1.5)]),
        workload!("W4 nobody listens", "ns/event", 9,
            [Waits, TokioBroadcast] nobody(0), [], [ratio(OURS, BROADCAST, 2.4)]),
        workload!("W4 nobody listens, 100,000 other ids", "ns/event", 7,
            [Waits, TokioBroadcast] nobody(100_000), [], [ratio(OURS, BROADCAST, 1.0)]),
        workload!("W5 one on 1,000 ids, one on all", "ns/event", 7,
            [Waits, TokioBroadcast, VecMpsc] several(), [],
            [ratio(OURS, BROADCAST, 3.5), ratio(OURS, MPSC, 1.3)]),
    ]
}

fn the_rest() -> Vec<Workload> {
    vec![
        workload!("W7 latency, two busy threads", "ns, median", 7,
            [Waits, TokioBroadcast] latency(), [], [ratio(OURS, BROADCAST, 1.3)]),
        workload!("W8 4 -> 1, backpressure, bound 256", "ns/event", 7,
            [Waits, VecMpsc, AsyncBroadcast] backpressure(4, 400_000), [],
            [ratio(OURS, MPSC, 2.0), ratio(OURS, ASYNC, 3.0)]),
        workload!("W9 subscribe and drop, fresh id", "ns", 9,
            [Waits, TokioBroadcast] fresh_ids(), [], [ratio(OURS, BROADCAST, 2.0)]),
        workload!("W9 subscribe and drop, among 1,000 on the id", "ns", 9,
            [Waits, TokioBroadcast] same_id(), [],
            [Goal::AtMost { ours: OURS, nanoseconds: 100.0 }]),
        Workload {
            name: "W10 1 MiB to 64",
            unit: "ns/delivery",
            rounds: 3,
            candidates: vec![(OURS, large), (BROADCAST, large_by_broadcast)],
            goals: vec![ratio(OURS, BROADCAST, 0.0)],
        },
    ]
}
