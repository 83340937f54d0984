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

/// An event without an id is never taken for a duplicate, and does not push the ids of others out of memory.
#[test]
fn dedupe_id_drops_what_came_twice_and_event_without_id_is_never_deduplicated() {
    let bus = bus();
    let once = bus.subscribe(App::NUMBER).now().unwrap().dedupe_id(2);
    let id = |name: &str| pubsub::EventId::derive("test", [name]);
    for (n, name) in [(0, "a"), (1, ""), (2, "a"), (3, ""), (4, "b"), (5, "b"), (6, "c"), (7, "a")] {
        let publish = bus.publish(App::NUMBER, "x", n);
        let publish = if name.is_empty() { publish } else { publish.event_id(id(name)) };
        publish.now().unwrap();
    }
    drop(bus);
    let came: Vec<u64> = block_on(once.to_vec()).iter().map(|event| event.payload).collect();
    assert_eq!(came, [0, 1, 3, 4, 6, 7], "`c` pushed `a` out of a memory of two");
}

#[test]
fn an_event_id_comes_with_the_event_however_it_is_selected() {
    let bus = bus();
    let mut one = bus.subscribe(App::NUMBER).now().unwrap();
    let mut all = bus.subscribe(All).now().unwrap();
    let id = pubsub::EventId::from_u128(7);
    bus.publish(App::NUMBER, "a", 1).event_id(id).now().unwrap();
    bus.publish(App::NUMBER, "a", 2).now().unwrap();
    assert_eq!(drain(&mut one).iter().map(|e| e.event_id()).collect::<Vec<_>>(), [Some(id), None]);
    assert_eq!(drain(&mut all).iter().map(|e| e.event_id()).collect::<Vec<_>>(), [Some(id), None]);
}

/// An event that is dropped by an operator takes the loss that it told not with it.
#[test]
fn operators_that_drop_events_lose_no_count_of_what_was_missed() {
    let bus = bus();
    let subscribe = || bus.subscribe(App::NUMBER).bound(2).overflow(Overflow::DropOldest).now().unwrap();
    let filtered = subscribe().filter_payload(|n| *n != 3);
    let once = subscribe().dedupe_id(8);
    let mut first = subscribe().dedupe_id(8);
    let id = pubsub::EventId::from_u128(1);
    number(&bus, "a", 0);
    bus.publish(App::NUMBER, "a", 1).event_id(id).now().unwrap();
    let told = |event: Event<u64>| (event.payload, event.missed);
    assert_eq!(
        [block_on(first.next()), block_on(first.next())].map(Option::unwrap).map(told),
        [(0, 0), (1, 0)]
    );
    number(&bus, "a", 2);
    bus.publish(App::NUMBER, "a", 3).event_id(id).now().unwrap();
    number(&bus, "a", 4);
    drop(bus);
    assert_eq!(block_on(filtered.map(told).to_vec()), [(4, 3)]);
    assert_eq!(block_on(once.map(told).to_vec()), [(3, 3), (4, 0)]);
    assert_eq!(block_on(first.map(told).to_vec()), [(4, 1)], "3 was a duplicate, and told that 2 was missed");
}

#[test]
fn operators_that_know_events_can_be_selected_from() {
    let bus = bus();
    let mut numbers = bus.subscribe(App::NUMBER).now().unwrap().map_payload(|n| n + 1);
    number(&bus, "a", 1);
    block_on(async {
        futures::select! {
            event = futures::StreamExt::select_next_some(&mut numbers) => assert_eq!(event.payload, 2),
        }
    });
}

/// The turns that a subscription gives are its own, whoever reads it.
#[test]
fn handlers_and_deliveries_give_other_tasks_a_turn_too() {
    let bus = bus();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    let handled = std::cell::Cell::new(0);
    let mut handler = Box::pin(bus.on(App::NUMBER, async |_| handled.set(handled.get() + 1)));
    (0..300).for_each(|n| number(&bus, "a", n));
    let task = crate::harness::Task::new();
    assert!(task.poll(&mut handler).is_pending());
    assert_eq!((handled.get(), task.wakes()), (128, 1));
    let mut deliveries = subscription.deliveries();
    let mut told = 0;
    while task.poll(&mut deliveries.next()).is_ready() {
        told += 1;
    }
    assert_eq!((told, task.wakes()), (128, 2));
}

/// "In a row" begins anew whenever the task has waited.
#[test]
fn a_subscription_that_waited_has_all_its_turn_again() {
    let bus = bus();
    let task = crate::harness::Task::new();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    for _ in 0..3 {
        (0..100).for_each(|n| number(&bus, "a", n));
        for _ in 0..100 {
            assert!(task.poll(&mut subscription.next()).is_ready());
        }
        assert!(task.poll(&mut subscription.next()).is_pending());
    }
    assert_eq!(task.wakes(), 2, "by what was published, not by a turn");
}
