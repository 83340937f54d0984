//! Every matching subscription gets every event once, shared and not copied.

use std::task::Poll;

use futures::Stream;
use pubsub::prelude::*;

use crate::harness::{App, Key, Keys, Task, bus, drain, number, numbers};

#[test]
fn every_subscription_gets_every_event_once_the_publishers_own_included() {
    let bus = bus();
    let mut one = bus.subscribe(App::NUMBER).now().unwrap();
    let mut two = bus.clone().subscribe(App::NUMBER).now().unwrap();
    (0..5).for_each(|n| number(&bus, "a", n));
    assert_eq!(numbers(&mut one), [0, 1, 2, 3, 4]);
    assert_eq!(numbers(&mut two), [0, 1, 2, 3, 4]);
    assert!(drain(&mut one).is_empty());
}

#[test]
fn an_event_tells_topic_id_payload_and_no_loss() {
    let bus = bus();
    let mut texts = bus.subscribe(App::TEXT).now().unwrap();
    bus.publish(App::TEXT, &42, "hello".to_owned()).now().unwrap();
    let event = texts.try_next().unwrap();
    assert_eq!((event.topic, event.id, event.payload.as_str(), event.missed), ("text", 42, "hello", 0));
}

#[test]
fn an_event_published_before_the_subscription_does_not_come() {
    let bus = bus();
    number(&bus, "a", 1);
    let mut late = bus.subscribe(App::NUMBER).now().unwrap();
    number(&bus, "a", 2);
    assert_eq!(numbers(&mut late), [2]);
}

#[test]
fn an_event_between_subscribe_and_the_first_poll_is_not_lost() {
    let bus = bus();
    let mut subscription = futures::executor::block_on(bus.subscribe(App::NUMBER)).unwrap();
    number(&bus, "a", 7);
    assert_eq!(numbers(&mut subscription), [7]);
}

#[test]
fn all_readers_share_one_payload() {
    let bus = bus();
    let mut one = bus.subscribe(App::TEXT).now().unwrap();
    let mut two = bus.subscribe(App::TEXT).now().unwrap();
    bus.publish(App::TEXT, &1, "shared".to_owned()).now().unwrap();
    let (one, two) = (one.try_next().unwrap(), two.try_next().unwrap());
    assert_eq!(one.payload.as_ptr(), two.payload.as_ptr());
    let one = one.try_into_payload().expect_err("two holds it too");
    let address = one.payload.as_ptr();
    drop(two);
    let text = one.into_payload();
    assert_eq!(text.as_ptr(), address, "the last holder moves it out");
}

#[test]
fn the_enum_is_moved_out_for_the_last_reader() {
    let bus = bus();
    let mut all = bus.subscribe(All).now().unwrap();
    let text = String::from("moved");
    let address = text.as_ptr();
    bus.publish(App::TEXT, &1, text).now().unwrap();
    match all.try_next().unwrap().into_payload() {
        App::Text(text) => assert_eq!(text.as_ptr(), address),
        other => panic!("{other:?}"),
    }
}

#[test]
fn debug_names_types_and_never_prints_a_payload() {
    let bus = bus();
    let mut texts = bus.subscribe(App::TEXT).now().unwrap();
    bus.publish(App::TEXT, &1, "secret".to_owned()).now().unwrap();
    assert!(!format!("{texts:?} {bus:?}").contains("secret"));
    let event = texts.try_next().unwrap();
    let debug = format!("{event:?}");
    assert!(debug.contains("text") && debug.contains("String") && !debug.contains("secret"), "{debug}");
    bus.close().now();
    let error = bus.publish(App::TEXT, &1, "secret".to_owned()).now().unwrap_err();
    assert!(!format!("{error:?} {error}").contains("secret"));
}

#[test]
fn a_waiting_reader_is_woken_once_by_an_event_and_finds_it() {
    let bus = bus();
    let task = Task::new();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    let mut subscription = std::pin::Pin::new(&mut subscription);
    assert!(subscription.as_mut().poll_next(&mut task.context()).is_pending());
    number(&bus, "a", 1);
    number(&bus, "a", 2);
    assert_eq!(task.wakes(), 1);
    let Poll::Ready(Some(event)) = subscription.as_mut().poll_next(&mut task.context()) else { panic!() };
    assert_eq!(event.payload, 1);
}

#[test]
fn the_last_waker_counts() {
    let bus = bus();
    let (first, second) = (Task::new(), Task::new());
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    for task in [&first, &second] {
        let polled = std::pin::Pin::new(&mut subscription).poll_next(&mut task.context());
        assert!(polled.is_pending());
    }
    number(&bus, "a", 1);
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
}

#[test]
fn what_is_sent_between_threads_can_be() {
    fn send_and_sync<T: Send + Sync + Unpin + 'static>(_: &T) {}
    fn send<T: Send + Unpin>(_: &T) {}
    let bus = bus();
    let mut subscription = bus.subscribe(App::OPAQUE).now().unwrap();
    send_and_sync(&bus);
    send_and_sync(&subscription);
    send(&bus.publish(App::NUMBER, "", 1));
    send(&bus.subscribe(All));
    send(&subscription.deliveries());
}

#[test]
fn a_dropped_subscription_is_gone() {
    let bus = bus();
    let subscription = bus.subscribe(App::NUMBER.id("a")).bound(1).now().unwrap();
    number(&bus, "a", 1);
    assert!(bus.publish(App::NUMBER, "a", 2).now().is_err());
    drop(subscription);
    assert!(!bus.has_subscribers(All));
    number(&bus, "a", 3);
}

/// An operator that discards takes all it can get in one poll; the subscription sees to it that others get a turn.
#[test]
fn a_subscription_that_is_always_ready_gives_other_tasks_a_turn() {
    let bus = bus();
    let task = Task::new();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    (0..300).for_each(|n| number(&bus, "a", n));
    let mut turns = Vec::new();
    let mut taken = 0;
    while taken < 300 {
        match std::pin::Pin::new(&mut subscription).poll_next(&mut task.context()) {
            Poll::Ready(event) => {
                assert_eq!(event.unwrap().payload, taken);
                taken += 1;
            }
            Poll::Pending => turns.push((taken, task.wakes())),
        }
    }
    assert_eq!(turns, [(128, 1), (256, 2)], "and is woken at once");
}

#[test]
fn try_next_knows_no_turns() {
    let bus = bus();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    (0..300).for_each(|n| number(&bus, "a", n));
    assert_eq!(drain(&mut subscription).len(), 300);
}

#[test]
fn a_payload_need_not_be_clone() {
    let bus = PubSub::<Keys>::default();
    let mut one = bus.subscribe(Keys::ROTATED).now().unwrap();
    let mut two = bus.subscribe(Keys::ROTATED).now().unwrap();
    bus.publish(Keys::ROTATED, "tls", Key(7)).now().unwrap();
    let (one, two) = (one.try_next().unwrap(), two.try_next().unwrap());
    assert_eq!((one.payload.0, two.payload.0), (7, 7));
    drop(one);
    assert_eq!(two.try_into_payload().unwrap().0, 7);
}

#[test]
fn a_subscription_works_in_every_select() {
    use futures::FutureExt;
    let bus = bus();
    let mut one = bus.subscribe(App::NUMBER).now().unwrap();
    let mut two = bus.subscribe(App::PAIR).now().unwrap();
    number(&bus, "a", 1);
    futures::executor::block_on(async {
        futures::select! {
            event = one.next() => assert_eq!(event.unwrap().payload, 1),
            _ = two.next() => panic!("nothing was published to it"),
        }
        let mut deliveries = two.deliveries();
        match futures::future::select(one.next(), deliveries.next()).now_or_never() {
            None => {}
            Some(_) => panic!("nothing more was published"),
        }
    });
}

#[test]
fn it_is_terminated_once_its_end_is_known() {
    use futures::stream::FusedStream;
    let bus = bus();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    number(&bus, "a", 1);
    bus.close().now();
    assert_eq!((subscription.is_terminated(), subscription.size_hint()), (false, (0, None)));
    assert_eq!(drain(&mut subscription).len(), 1);
    assert_eq!((subscription.is_terminated(), subscription.size_hint()), (true, (0, Some(0))));
    let mut deliveries = subscription.deliveries();
    assert!(!deliveries.is_terminated());
    assert!(matches!(futures::executor::block_on(deliveries.next()), Some(Delivery::Ended(End::Closed))));
    assert!(deliveries.is_terminated());
    assert!(futures::executor::block_on(deliveries.next()).is_none());
}

#[test]
fn after_its_end_a_subscription_knows_no_turns() {
    let bus = bus();
    let task = Task::new();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    bus.close().now();
    for _ in 0..300 {
        let polled = std::pin::Pin::new(&mut subscription).poll_next(&mut task.context());
        assert!(matches!(polled, Poll::Ready(None)));
    }
}
