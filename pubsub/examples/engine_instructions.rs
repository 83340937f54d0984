//! What `tests/instructions/inproc` and `tests/instructions/inside` count the instructions of:
//! `engine_instructions <workload> <times>`.

use std::env;
use std::task::Waker;

use pubsub::prelude::*;

#[derive(EventMap)]
enum App {
    Status([u64; 4]),
    Tick(u64),
}

const ID: &str = "project-42";
/// Events published before they are read.
const BURST: u64 = 64;

fn main() {
    let mut arguments = env::args().skip(1);
    let workload = arguments.next().unwrap_or_default();
    let times: u64 = arguments.next().and_then(|times| times.parse().ok()).unwrap_or(0);
    match workload.as_str() {
        "nobody" => nobody(times),
        "publish" => publish(times, false),
        "publisher" => publish(times, true),
        "receive" => fan_out(times, 1),
        "fan-out" => fan_out(times, 16),
        "single" => single(times),
        "subscribe" => subscribe(times),
        #[cfg(feature = "worker")]
        "worker" => worker(times),
        #[cfg(all(feature = "worker", feature = "tracing"))]
        "worker-traced" => {
            tracing::subscriber::set_global_default(tracing_subscriber::registry()).expect("the first");
            worker(times);
        }
        #[cfg(all(feature = "worker", feature = "metrics"))]
        "worker-counted" => {
            metrics_util::debugging::DebuggingRecorder::new().install().expect("the first");
            worker(times);
        }
        other => panic!("no workload is called {other:?}"),
    }
}

/// Nobody follows the topic.
fn nobody(times: u64) {
    let bus = PubSub::<App>::default();
    for number in 0..times {
        bus.publish(App::STATUS, ID, [number; 4]).now().expect("open");
    }
}

/// Published, and given up for the next one.
fn publish(times: u64, prepared: bool) {
    let bus = PubSub::<App>::default();
    let publisher = bus.publisher(App::STATUS, ID);
    let subscribe = bus.subscribe(App::STATUS.id(ID)).bound(64).overflow(Overflow::DropOldest);
    let _subscription = subscribe.now().expect("open");
    for number in 0..times {
        if prepared {
            publisher.publish([number; 4]).now().expect("open");
        } else {
            bus.publish(App::STATUS, ID, [number; 4]).now().expect("open");
        }
    }
}

/// Published in bursts and read by all; with backpressure.
fn fan_out(times: u64, subscriptions: u64) {
    let bus = PubSub::<App>::default();
    let mut subscriptions: Vec<_> =
        (0..subscriptions).map(|_| bus.subscribe(App::STATUS.id(ID)).now().expect("open")).collect();
    for number in 0..times {
        bus.publish(App::STATUS, ID, [number; 4]).now().expect("open");
        if number % BURST == BURST - 1 {
            for subscription in &mut subscriptions {
                while subscription.try_next().is_ok() {}
            }
        }
    }
}

/// Published to a reader that waits for it.
fn single(times: u64) {
    let bus = PubSub::<App>::default();
    let mut subscription = bus.subscribe(App::STATUS.id(ID)).now().expect("open");
    let mut cx = std::task::Context::from_waker(Waker::noop());
    for number in 0..times {
        let mut next = std::pin::pin!(subscription.next());
        assert!(next.as_mut().poll(&mut cx).is_pending());
        bus.publish(App::STATUS, ID, [number; 4]).now().expect("open");
        assert!(next.as_mut().poll(&mut cx).is_ready());
    }
}

/// Subscribed and dropped, an id that nobody else follows.
fn subscribe(times: u64) {
    let bus = PubSub::<App>::default();
    for _ in 0..times {
        drop(bus.subscribe(App::STATUS.id(ID)).now().expect("open"));
    }
}

/// Over the exchange of workers, from the host's bus to itself, in bursts.
#[cfg(feature = "worker")]
fn worker(times: u64) {
    let host = pubsub::WorkerHost::<App>::new();
    let mut subscription = host.bus().subscribe(App::STATUS.id(ID)).now().expect("open");
    for number in 0..times {
        host.bus().publish(App::STATUS, ID, [number; 4]).now().expect("there is room");
        if number % BURST == BURST - 1 {
            while let Ok(event) = subscription.try_next() {
                assert_eq!(event.payload[0], event.payload[3]);
            }
        }
    }
}
