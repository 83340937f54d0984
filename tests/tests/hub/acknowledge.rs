//! Acknowledged delivery: what is handled is told to the hub, which sends no more than fits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pubsub::prelude::*;
use pubsub::websocket::{CloseCode, HistoryConfig, HubConfig, HubConnection};
use pubsub::{Hub, Loopback, SubscribeError};
use pubsub_tests::client::Client;
use tokio::sync::Semaphore;

use crate::harness::{App, address, hub, hub_with, in_time, next, spoke, until};

fn unacknowledged(hub: &Hub) -> usize {
    hub.connections().iter().map(HubConnection::unacknowledged).sum()
}

async fn publish(bus: &PubSub<App>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        bus.publish(App::NUMBER, "a", number).await.expect("published");
    }
}

/// The hub sends what fits, a neighbour has all at once, and nothing is lost to who is slow.
#[tokio::test]
async fn a_slow_subscriber_is_sent_what_it_has_room_for() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let (slow, quick) = (spoke(address(&hub)).await, spoke(address(&hub)).await);
    let mut jobs = slow.subscribe(App::NUMBER).bound(4).acknowledged().await.expect("subscribed");
    let mut all = quick.subscribe(App::NUMBER).await.expect("subscribed");
    publish(&own, 0..100).await;
    for number in 0..100 {
        assert_eq!(next(&mut all).await.payload, number);
    }
    until("the window is full", || unacknowledged(&hub) == 4).await;
    assert_eq!(next(&mut jobs).await.payload, 0);
    assert!(jobs.len() <= 4, "{} wait here", jobs.len());
    for number in 1..100 {
        let job = next(&mut jobs).await;
        assert_eq!((job.payload, job.missed), (number, 0));
        assert!(jobs.len() <= 4 && unacknowledged(&hub) <= 4);
    }
    assert!(matches!(jobs.try_next(), Err(TryNextError::Empty)));
    until("all is handled", || unacknowledged(&hub) == 0).await;
}

/// An event is acknowledged after its handler, not before: also after one that fails.
#[tokio::test]
async fn acknowledged_after_the_handler() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let bus = spoke(address(&hub)).await;
    let (begun, gate) = (Arc::new(AtomicU64::new(0)), Arc::new(Semaphore::new(0)));
    let handler = bus.subscribe(App::NUMBER).bound(2).acknowledged().on({
        let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
        async move |_| {
            begun.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.expect("it is never closed").forget();
            Err::<(), _>("it failed")
        }
    });
    let task = tokio::spawn(handler);
    until("subscribed", || hub.subscriptions() == 1).await;
    publish(&own, 0..5).await;
    until("the first is begun", || begun.load(Ordering::SeqCst) == 1).await;
    until("two are under way", || unacknowledged(&hub) == 2).await;
    for handled in 1..=5 {
        gate.add_permits(1);
        let begins = (handled + 1).min(5);
        until("the next is begun", || begun.load(Ordering::SeqCst) == begins).await;
        let left = usize::try_from(5 - handled).expect("a few").min(2);
        until("it is acknowledged", || unacknowledged(&hub) == left).await;
    }
    bus.close().await;
    in_time("the end", task).await.expect("it ends").expect("well");
}

/// A connection that is lost again and again neither loses nor repeats anything, nor lets more than fits come.
#[tokio::test]
async fn a_lost_connection_goes_on_behind_what_came() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let bus = spoke(address(&hub)).await;
    let mut jobs = bus.subscribe(App::NUMBER.id("a")).bound(8).acknowledged().await.expect("subscribed");
    publish(&own, 0..200).await;
    for number in 0..200 {
        if number % 20 == 0 {
            hub.connections().iter().for_each(|one| one.disconnect(CloseCode::ServerError));
        }
        let job = next(&mut jobs).await;
        assert_eq!((job.payload, job.missed), (number, 0));
        assert!(jobs.len() <= 8, "{} wait here", jobs.len());
    }
    assert_eq!((jobs.gaps(), jobs.try_next().err()), (0, Some(TryNextError::Empty)));
    until("all is handled", || hub.connections().len() == 1 && unacknowledged(&hub) == 0).await;
}

/// Who does not acknowledge is held up by who does on the same bus, and the other way round nothing is lost; whoever leaves
/// frees what it held.
#[tokio::test]
async fn subscriptions_of_one_bus_share_the_smallest_window() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let bus = spoke(address(&hub)).await;
    let mut plain = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    let narrow = bus.subscribe(App::NUMBER.id("a")).bound(3).acknowledged().await.expect("subscribed");
    let mut wide = bus.subscribe(App::NUMBER).bound(6).acknowledged().await.expect("subscribed");
    publish(&own, 0..20).await;
    until("the window is full", || unacknowledged(&hub) == 3).await;
    assert_eq!(next(&mut wide).await.payload, 0);
    drop(narrow);
    until("that of the other is", || unacknowledged(&hub) == 6).await;
    for number in 1..20 {
        assert_eq!(next(&mut wide).await.payload, number);
    }
    drop(wide);
    publish(&own, 20..60).await;
    for number in 0..60 {
        assert_eq!(next(&mut plain).await.payload, number);
    }
    assert_eq!(unacknowledged(&hub), 0);
}

/// What the hub's history gave up meanwhile is a gap, which says how much.
#[tokio::test]
async fn history_evicted_says_so() {
    let history = HistoryConfig { events: 10, ..HistoryConfig::default() };
    let hub = hub_with(HubConfig { history, ..HubConfig::default() }).await;
    let own = PubSub::<App>::new(hub.transport());
    let bus = spoke(address(&hub)).await;
    let mut jobs = bus.subscribe(App::NUMBER).bound(2).acknowledged().await.expect("subscribed");
    publish(&own, 0..2).await;
    until("the window is full", || unacknowledged(&hub) == 2).await;
    publish(&own, 2..50).await;
    let mut came = Vec::new();
    let mut missed = 0;
    while came.last() != Some(&49) {
        let job = next(&mut jobs).await;
        missed += job.missed;
        came.push(job.payload);
    }
    assert_eq!(came, [0, 1].into_iter().chain(40..50).collect::<Vec<u64>>());
    assert_eq!((missed, jobs.gaps()), (38, 1));
}

/// What cannot be read is handled by nobody, and takes no room for ever.
#[tokio::test]
async fn an_undecodable_event_takes_no_room() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let bus = spoke(address(&hub)).await;
    let mut jobs = bus.subscribe(App::NUMBER).bound(1).acknowledged().await.expect("subscribed");
    let mut foreign = Client::to(address(&hub)).await;
    for _ in 0..3 {
        foreign.say(r#"{"type":"number","id":"a","payload":"no number"}"#).await;
    }
    foreign.say(r#"{"type":"number","id":"a","payload":1}"#).await;
    assert_eq!(next(&mut jobs).await.payload, 1);
    publish(&own, 2..5).await;
    for number in 2..5 {
        assert_eq!(next(&mut jobs).await.payload, number);
    }
}

/// A subscription that begins to acknowledge in the middle of a stream loses nothing of what was on its way.
#[tokio::test]
async fn joining_under_traffic_loses_nothing() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let bus = spoke(address(&hub)).await;
    let mut plain = bus.subscribe(App::NUMBER).await.expect("subscribed");
    publish(&own, 0..500).await;
    let mut jobs = bus.subscribe(App::NUMBER).bound(1).acknowledged().await.expect("subscribed");
    publish(&own, 500..600).await;
    let first = next(&mut jobs).await;
    assert_eq!(first.missed, 0);
    for number in first.payload + 1..600 {
        let job = next(&mut jobs).await;
        assert_eq!((job.payload, job.missed), (number, 0));
    }
    for number in 0..600 {
        let event = next(&mut plain).await;
        assert_eq!((event.payload, event.missed), (number, 0));
    }
}

/// In one process publishers wait; where nobody is told what was handled it is refused.
#[tokio::test]
async fn where_it_is_to_be_had() {
    let bus = PubSub::<App>::default();
    let mut jobs = bus.subscribe(App::NUMBER).bound(1).acknowledged().await.expect("subscribed");
    bus.publish(App::NUMBER, "a", 1).now().expect("there is room");
    assert!(bus.publish(App::NUMBER, "a", 2).now().is_err(), "publishers wait");
    assert_eq!(next(&mut jobs).await.payload, 1);

    let hub = hub().await;
    for bus in
        [PubSub::<App>::new(Loopback::new(pubsub::codec::Json::default())), PubSub::new(hub.transport())]
    {
        let refused = bus.subscribe(App::NUMBER).acknowledged().await.err();
        assert_eq!(refused, Some(SubscribeError::NoAcknowledgement));
    }
}
