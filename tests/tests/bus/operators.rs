//! Operators on subscriptions.

use std::pin::pin;

use futures::executor::block_on;
use pubsub::operators::{filter, map, pipe, stage, take};
use pubsub::prelude::*;

use crate::harness::{App, bus, drain, number};

#[test]
fn a_subscription_has_them_without_an_import_whatever_else_is_imported() {
    #[allow(unused_imports, reason = "what clashes elsewhere must not clash here")]
    use futures::StreamExt;
    let bus = bus();
    let batches = bus.subscribe(App::NUMBER).now().unwrap();
    (0..20).for_each(|n| number(&bus, "a", n));
    drop(bus);
    let batches = batches
        .filter(|event| event.payload % 2 == 0)
        .map(Event::into_payload)
        .dedupe(8, |n| n / 4)
        .take(4)
        .batch(3);
    assert_eq!(block_on(batches.to_vec()), [vec![0, 4, 8], vec![12]]);
}

#[test]
fn operator_values_and_stages_apply_to_subscriptions() {
    let bus = bus();
    let (one, two) = (bus.subscribe(App::NUMBER).now().unwrap(), bus.subscribe(App::NUMBER).now().unwrap());
    (0..9).for_each(|n| number(&bus, "a", n));
    drop(bus);
    let odd = stage::<Event<u64>>().filter(|event| event.payload % 2 == 1).map(|event| event.payload);
    assert_eq!(block_on(pipe(one, odd).to_vec()), [1, 3, 5, 7]);
    let first = (filter(|event: &Event<u64>| event.payload > 3), map(Event::<u64>::into_payload), take(2));
    assert_eq!(block_on(two.pipe(first).to_vec()), [4, 5]);
}

/// `take` unsubscribes with its last item, not when it is dropped.
#[test]
fn take_unsubscribes_with_its_last_item() {
    let bus = bus();
    let mut first = bus.subscribe(App::NUMBER).now().unwrap().take(1);
    number(&bus, "a", 1);
    assert!(bus.has_subscribers(App::NUMBER));
    assert_eq!(block_on(first.next()).unwrap().payload, 1);
    assert!(!bus.has_subscribers(App::NUMBER));
}

#[test]
fn operators_that_know_events_keep_topic_id_and_what_was_missed() {
    let bus = bus();
    let texts = bus.subscribe(App::NUMBER).bound(2).overflow(Overflow::DropOldest).now().unwrap();
    (0..5).for_each(|n| number(&bus, "a", n));
    drop(bus);
    let texts = texts.filter_payload(|n| *n < 4).map_payload(u64::to_string);
    let texts = block_on(texts.to_vec());
    let told: Vec<_> = texts.iter().map(|e| (e.topic, &*e.id, &*e.payload, e.missed)).collect();
    assert_eq!(told, [("number", "a", "3", 3)]);
}

#[test]
fn a_pipeline_over_a_subscription_can_be_spawned() {
    fn spawnable<T: Send + 'static>(_: &T) {}
    let bus = bus();
    let pipeline = bus
        .subscribe(App::NUMBER)
        .now()
        .unwrap()
        .filter_payload(|n| *n > 1)
        .map_payload(u64::to_string)
        .filter_async(async |event| !event.payload.is_empty());
    spawnable(&pipeline);
}

/// Discarding operators take all they can get in one poll: the subscription sees to it that others get a turn.
#[test]
fn an_operator_that_discards_everything_yields() {
    let bus = bus();
    let subscription = bus.subscribe(App::NUMBER).now().unwrap();
    (0..1000).for_each(|n| number(&bus, "a", n));
    let mut nothing = pin!(subscription.filter(|_| false));
    let mut others = 0;
    block_on(futures::future::poll_fn(|cx| {
        others += 1;
        let polled = futures::Stream::poll_next(nothing.as_mut(), cx);
        if others < 8 { polled.map(|_| ()) } else { std::task::Poll::Ready(()) }
    }));
    assert_eq!(others, 8, "1,000 events are eight turns");
}

#[test]
fn what_an_operator_did_not_take_stays_with_the_subscription() {
    let bus = bus();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    (0..4).for_each(|n| number(&bus, "a", n));
    let two = pubsub::operators::Flow::new(&mut subscription).take(2);
    assert_eq!(block_on(two.to_vec()).len(), 2);
    assert_eq!(drain(&mut subscription).len(), 2);
}
