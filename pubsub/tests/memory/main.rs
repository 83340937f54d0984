//! What a subscription costs in memory, and that it is given back. One test, since it counts for the whole process.

mod allocator;

use std::mem::size_of;

use pubsub::prelude::*;
use pubsub::{Publisher, Subscription};
use tokio::sync::broadcast;

use self::allocator::allocated;

#[derive(EventMap)]
enum App {
    Status([u64; 4]),
}

type Statuses = Subscription<Event<[u64; 4]>>;

const MANY: usize = 100_000;

#[test]
fn a_subscription_is_small_and_leaves_nothing() {
    let ids: Vec<String> = (0..MANY).map(|number| format!("project-{number}")).collect();
    an_idle_subscription_to_its_own_id(&ids);
    an_idle_subscription_to_a_shared_id();
    events_that_were_read_are_given_back(&ids);
    publishers_leave_nothing(&ids);
}

fn subscribe(bus: &PubSub<App>, id: &str) -> Statuses {
    bus.subscribe(App::STATUS.id(id)).now().expect("the bus is open")
}

/// Bytes for each of `count` things, their own size included.
fn cost<T>(count: usize, mut make: impl FnMut(usize) -> T) -> (f64, Vec<T>) {
    let mut things = Vec::with_capacity(count);
    let before = allocated();
    things.extend((0..count).map(&mut make));
    let bytes = (allocated() - before) as f64 / count as f64 + size_of::<T>() as f64;
    (bytes, things)
}

fn an_idle_subscription_to_its_own_id(ids: &[String]) {
    let bus = PubSub::<App>::default();
    let before = allocated();
    let (bytes, subscriptions) = cost(MANY, |number| subscribe(&bus, &ids[number]));
    assert!(bytes <= 325.0, "{bytes} bytes for a subscription to its own id");
    drop(subscriptions);
    assert_eq!(allocated(), before, "something is left of {MANY} subscriptions");

    let (theirs, _channels) = cost(1_000, |_| broadcast::channel::<[u64; 4]>(256));
    assert!(theirs >= 26.0 * bytes, "a broadcast channel takes {theirs} bytes");
}

fn an_idle_subscription_to_a_shared_id() {
    let bus = PubSub::<App>::default();
    let first = subscribe(&bus, "shared");
    let before = allocated();
    for count in [1_000, 20_000, MANY] {
        let (bytes, subscriptions) = cost(count, |_| subscribe(&bus, "shared"));
        assert!(bytes <= 104.0, "{bytes} bytes for one of {count} subscriptions to one id");
        drop(subscriptions);
    }
    // The first one is still there, with seats for some more.
    assert!(allocated() - before <= 256, "{} bytes are left", allocated() - before);
    drop(first);
}

fn events_that_were_read_are_given_back(ids: &[String]) {
    let bus = PubSub::<App>::default();
    let before = allocated();
    let mut subscriptions: Vec<_> = ids[..1_000].iter().map(|id| subscribe(&bus, id)).collect();
    for id in &ids[..1_000] {
        for number in 0..100 {
            bus.publish(App::STATUS, id, [number; 4]).now().expect("there is room");
        }
    }
    for subscription in &mut subscriptions {
        assert_eq!(std::iter::from_fn(|| subscription.try_next().ok()).count(), 100);
    }
    drop(subscriptions);
    assert_eq!(allocated(), before, "something is left of events that were read");
}

fn publishers_leave_nothing(ids: &[String]) {
    let bus = PubSub::<App>::default();
    let before = allocated();
    let publishers: Vec<Publisher<[u64; 4]>> =
        ids[..1_000].iter().map(|id| bus.publisher(App::STATUS, id)).collect();
    drop(publishers);
    assert_eq!(allocated(), before, "something is left of publishers");
}
