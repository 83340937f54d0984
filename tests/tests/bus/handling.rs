//! Handlers: in order, one at a time, and no failure costs a later event.

use std::cell::Cell;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use pubsub::prelude::*;
use pubsub::{BoxedHandler, BusError, Errors};

use crate::harness::{App, Task, bus, number};

/// Drives a handler until it has nothing to do.
fn drive(handler: &mut (impl Future<Output = Result<(), SubscribeError>> + Unpin)) {
    let task = Task::new();
    let mut wakes = None;
    while wakes.replace(task.wakes()) != Some(task.wakes()) {
        assert!(task.poll(handler).is_pending());
    }
}

#[test]
fn events_are_handled_in_order_and_not_before_it_is_driven() {
    let bus = bus();
    let seen = Cell::new(Vec::new());
    let mut handler = Box::pin(bus.on(App::NUMBER, async |event: Event<u64>| {
        let mut numbers = seen.take();
        numbers.push(event.payload);
        seen.set(numbers);
    }));
    (0..3).for_each(|n| number(&bus, "a", n));
    assert!(seen.take().is_empty());
    drive(&mut handler);
    assert_eq!(seen.take(), [0, 1, 2]);
}

#[test]
fn handlers_in_order_the_next_event_waits_for_the_handler() {
    let bus = bus();
    let started = Cell::new(0);
    let (sender, receiver) = futures::channel::oneshot::channel::<()>();
    let mut receiver = Some(receiver);
    let mut handler = Box::pin(bus.on(App::NUMBER, async |_| {
        started.set(started.get() + 1);
        if let Some(receiver) = receiver.take() {
            receiver.await.unwrap();
        }
    }));
    (0..2).for_each(|n| number(&bus, "a", n));
    drive(&mut handler);
    assert_eq!(started.get(), 1);
    sender.send(()).unwrap();
    drive(&mut handler);
    assert_eq!(started.get(), 2);
}

#[test]
fn handler_panic_loses_no_later_event() {
    let bus = bus();
    let mut errors = bus.errors();
    let handled = Arc::new(AtomicU64::new(0));
    let sum = Arc::clone(&handled);
    let handler = bus.on(App::NUMBER, async move |event: Event<u64>| match event.payload {
        1 => Err(format!("refused {}", event.id)),
        2 => panic!("broken at {}", event.payload),
        5 => panic!("broken"),
        n => {
            sum.fetch_add(n, Ordering::SeqCst);
            Ok(())
        }
    });
    (0..6).for_each(|n| number(&bus, &n.to_string(), n));
    let before = bus.clone();
    drop(bus);
    assert_eq!(before.error_count(), 0);
    drop(before);
    futures::executor::block_on(handler).unwrap();
    assert_eq!(handled.load(Ordering::SeqCst), 3 + 4);
    let told: Vec<_> = futures::executor::block_on(async {
        let mut told = Vec::new();
        while let Some(error) = errors.next().await {
            let source = error.source().map(ToString::to_string).unwrap_or_default();
            told.push((error.to_string(), source));
        }
        told
    });
    let expected = [
        ("a handler of `number` failed for the id \"1\"", "refused 1"),
        ("a handler of `number` panicked for the id \"2\": broken at 2", ""),
        ("a handler of `number` panicked for the id \"5\": broken", ""),
    ];
    assert_eq!(told, expected.map(|(error, source)| (error.to_owned(), source.to_owned())));
}

#[test]
fn a_handler_ends_when_it_is_dropped_or_unsubscribed() {
    let bus = bus();
    drop(bus.on(App::NUMBER, async |_| {}));
    assert!(!bus.has_subscribers(App::NUMBER));
    let handler = bus.on(App::NUMBER, async |_| {});
    assert!(bus.has_subscribers(App::NUMBER));
    handler.unsubscribe();
    assert!(!bus.has_subscribers(App::NUMBER));
}

#[test]
fn a_handler_tells_what_it_follows() {
    let bus = bus();
    let topics = |handler: &[String]| handler.join(" ");
    assert_eq!(topics(bus.on(App::NUMBER.id("a:b"), async |_| {}).topics()), "number:a:b");
    assert_eq!(topics(bus.on((App::TEXT.id(&7), App::PAIR), async |_| {}).topics()), "pair text:7");
    assert_eq!(topics(bus.on(All, async |_| {}).topics()), "number text pair restart opaque");
}

#[test]
fn a_handler_on_a_closed_bus_or_with_a_bound_of_zero_says_so() {
    let bus = bus();
    let handler = bus.subscribe(App::NUMBER).bound(0).on(async |_| {});
    assert_eq!(futures::executor::block_on(handler), Err(SubscribeError::ZeroBound));
    bus.close().now();
    let handler = bus.on(App::NUMBER, async |_| {});
    assert_eq!(futures::executor::block_on(handler), Err(SubscribeError::Closed));
    let mut errors = bus.errors();
    for expected in [SubscribeError::ZeroBound, SubscribeError::Closed] {
        let error = futures::executor::block_on(errors.next());
        let Some(BusError::HandlerNotSubscribed { topics, error }) = error else { panic!("{error:?}") };
        assert_eq!((topics, error), (vec!["number".to_owned()], expected));
    }
}

#[test]
fn a_handler_ends_with_the_bus_after_its_last_event() {
    let bus = bus();
    let mut count = 0;
    let handler = bus.on(App::NUMBER, async |_| count += 1);
    number(&bus, "a", 1);
    bus.close().now();
    futures::executor::block_on(handler).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn a_handler_that_owns_what_it_uses_can_be_sent() {
    fn send<T: Send>(_: &T) {}
    let bus = bus();
    let name = String::from("log");
    send(&bus.on(App::NUMBER, async move |event| {
        std::future::ready(name.len()).await;
        drop(event);
    }));
}

#[test]
fn errors_keeps_the_latest_and_counts_what_was_lost() {
    let bus = bus();
    let mut handler = Box::pin(bus.on(App::NUMBER, async |event: Event<u64>| Err(event.payload.to_string())));
    let kept = Errors::KEPT as u64;
    (0..kept + 5).for_each(|n| number(&bus, "a", n));
    drive(&mut handler);
    let mut late = bus.errors();
    let first = futures::executor::block_on(late.next()).unwrap();
    let BusError::HandlerFailed { error, .. } = first else { panic!() };
    assert_eq!((error.to_string().as_str(), late.missed(), bus.error_count()), ("5", 5, kept + 5));
    for _ in 1..kept {
        futures::executor::block_on(late.next()).unwrap();
    }
    let task = Task::new();
    let mut next = Box::pin(late.next());
    assert!(task.poll(&mut next).is_pending());
    number(&bus, "a", 1);
    drive(&mut handler);
    assert!(task.wakes() > 0);
    assert!(matches!(task.poll(&mut next), Poll::Ready(Some(_))));
}

#[tokio::test]
async fn a_spawned_handler_runs_by_itself_and_finishes_with_the_bus() {
    let bus = bus();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let handler = bus.on(App::NUMBER, async move |event: Event<u64>| sender.send(event.payload)).spawn();
    assert_eq!(handler.topics(), ["number"]);
    for n in 0..3 {
        bus.publish(App::NUMBER, "a", n).await.unwrap();
    }
    bus.close().now();
    handler.finished().await.unwrap();
    let mut handled = Vec::new();
    receiver.recv_many(&mut handled, 9).await;
    assert_eq!(handled, [0, 1, 2]);
}

#[tokio::test]
async fn a_spawned_handler_ends_when_its_guard_is_dropped() {
    let bus = bus();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let handler = bus.on(App::NUMBER, async move |event: Event<u64>| sender.send(event.payload)).spawn();
    number(&bus, "a", 1);
    assert_eq!(receiver.recv().await, Some(1));
    drop(handler);
    assert_eq!(receiver.recv().await, None, "the function is dropped, and its sender");
    assert!(!bus.has_subscribers(App::NUMBER));
}

#[derive(Debug)]
struct PanicsWhenCloned;

impl Clone for PanicsWhenCloned {
    fn clone(&self) -> Self {
        panic!("not this one")
    }
}

#[derive(Clone, Debug, EventMap)]
enum Hostile {
    Payload(PanicsWhenCloned),
    Fine(u8),
}

/// Building the enum clones the payload while somebody else holds it: a panic there is the handler's, not the bus's.
#[test]
fn a_payload_that_panics_when_it_is_cloned_costs_no_later_event() {
    let bus = PubSub::<Hostile>::default();
    let mut holder = bus.subscribe(Hostile::PAYLOAD).now().unwrap();
    let mut fine = 0;
    let mut handler = Box::pin(bus.on(All, async |event: Event<Hostile>| {
        fine += u8::from(matches!(event.payload, Hostile::Fine(7)));
    }));
    bus.publish(Hostile::PAYLOAD, "", PanicsWhenCloned).now().unwrap();
    bus.publish(Hostile::FINE, "", 7).now().unwrap();
    drive(&mut handler);
    drop(handler);
    assert_eq!((fine, bus.error_count()), (1, 1));
    assert!(holder.try_next().is_ok());
}

#[test]
fn a_runtime_that_shuts_down_is_not_taken_for_the_end() {
    let bus = bus();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let guard = runtime.enter();
    let handler = bus.on(App::NUMBER, async |_| std::future::pending::<()>().await).spawn();
    drop(guard);
    number(&bus, "a", 1);
    drop(runtime);
    assert_eq!(futures::executor::block_on(handler.finished()), Err(pubsub::FinishedError::Cancelled));
}

#[test]
fn a_boxed_handler_can_be_kept_in_a_list() {
    let bus = bus();
    let handlers: Vec<BoxedHandler> =
        vec![bus.on(App::NUMBER, async |_| {}).boxed(), bus.on(All, async |_: Event<App>| {}).boxed()];
    bus.close().now();
    futures::executor::block_on(futures::future::join_all(handlers));
}

/// However often and by whomever it is polled, a stream of errors keeps one waker.
#[test]
fn a_stream_of_errors_keeps_one_waker_and_none_when_it_is_dropped() {
    let bus = bus();
    let mut errors = bus.errors();
    let tasks: Vec<Task> = (0..100).map(|_| Task::new()).collect();
    for task in &tasks {
        assert!(task.poll(&mut errors.next()).is_pending());
    }
    assert_eq!(tasks.iter().map(Task::kept).sum::<usize>(), 1);
    drop(errors);
    assert_eq!(tasks.iter().map(Task::kept).sum::<usize>(), 0);
}
