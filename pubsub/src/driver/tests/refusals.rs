//! What the other side does not allow.

use std::sync::{Arc, Mutex};
use std::task::{Context, Wake};

use futures::FutureExt;
use futures::executor::block_on;
use pubsub_transports::{ErrorCode, Rejection};

use super::{App, address, bus};
use crate::BusError;
use crate::prelude::*;

fn denied() -> Rejection {
    Rejection::new(ErrorCode::Denied, "no")
}

#[test]
fn a_refused_subscription_ends_with_the_reason_and_the_next_asks_again() {
    let (bus, wire) = bus();
    let mut open = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    let mut other = bus.subscribe(App::NOTE.id("b")).now().unwrap();
    wire.inlet().refused(1, address("Note:a"), Rejection::new(ErrorCode::Denied, "no"));
    assert!(
        matches!(block_on(open.ready()), Err(SubscribeError::Rejected(rejection)) if rejection.message() == "no")
    );
    assert_eq!(open.try_next().unwrap_err(), TryNextError::Ended(End::Rejected));
    assert_eq!(open.rejection().unwrap().code(), &ErrorCode::Denied);
    assert_eq!(other.try_next().unwrap_err(), TryNextError::Empty);
    let error = block_on(bus.errors().next());
    assert!(
        matches!(error, Some(BusError::SubscriptionRejected { address, .. }) if address.to_string() == "Note:a")
    );
    wire.asked();
    let _again = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    assert_eq!(wire.asked(), ["+3 Note:a"]);
}

#[test]
fn a_refusal_ends_those_who_asked_for_that_address_and_no_others() {
    let (bus, wire) = bus();
    let mut whole = bus.subscribe(App::NOTE).now().unwrap();
    let mut one = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    let mut other = bus.subscribe(App::NOTE.id("b")).now().unwrap();
    wire.inlet().refused(2, address("Note:a"), denied());
    assert_eq!(one.try_next().unwrap_err(), TryNextError::Ended(End::Rejected));
    assert_eq!(whole.try_next().unwrap_err(), TryNextError::Empty);
    wire.inlet().refused(1, address("Note"), denied());
    assert_eq!(whole.try_next().unwrap_err(), TryNextError::Ended(End::Rejected));
    wire.note("b", "hello");
    assert_eq!(other.try_next().unwrap().payload, "hello");
    assert_eq!(other.try_next().unwrap_err(), TryNextError::Empty);
}

#[test]
fn a_refusal_of_an_earlier_request_says_nothing_of_a_later_one() {
    let (bus, wire) = bus();
    drop(bus.subscribe(App::NOTE.id("a")).now().unwrap());
    let mut second = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    assert_eq!(wire.asked(), ["+1 Note:a", "- Note:a", "+2 Note:a"]);
    wire.inlet().refused(1, address("Note:a"), denied());
    assert_eq!(second.try_next().unwrap_err(), TryNextError::Empty);
    drop(second);
    assert_eq!(wire.asked(), ["- Note:a"]);
    assert_eq!(bus.error_count(), 0);
}

#[test]
fn a_request_that_is_refused_in_part_is_live_for_the_rest() {
    let (bus, wire) = bus();
    let mut both = bus.subscribe((App::NOTE.id("a"), App::NOTE.id("b"))).now().unwrap();
    let mut only_b = bus.subscribe(App::NOTE.id("b")).now().unwrap();
    wire.inlet().refused(1, address("Note:a"), denied());
    assert!(only_b.ready().now_or_never().is_none(), "it waits for the answer");
    wire.inlet().subscribed(1);
    assert_eq!(only_b.ready().now_or_never(), Some(Ok(())));
    assert!(matches!(both.ready().now_or_never(), Some(Err(SubscribeError::Rejected(_)))));
}

#[test]
fn one_that_was_refused_stays_so_when_another_is_allowed() {
    let (bus, wire) = bus();
    let mut one = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    wire.inlet().refused(1, address("Note:a"), denied());
    let mut two = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    wire.inlet().subscribed(2);
    assert_eq!(two.ready().now_or_never(), Some(Ok(())));
    assert!(matches!(one.ready().now_or_never(), Some(Err(SubscribeError::Rejected(_)))));
}

/// Subscribes when it is woken.
struct SubscribeOnWake(PubSub<App>, Mutex<Option<Subscription<Event<String>>>>);

impl Wake for SubscribeOnWake {
    fn wake(self: Arc<Self>) {
        *self.1.lock().unwrap() = Some(self.0.subscribe(App::NOTE.id("a")).now().unwrap());
    }
}

#[test]
fn who_subscribes_while_a_refusal_is_told_asks_anew() {
    let (bus, wire) = bus();
    let mut one = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    wire.inlet().subscribed(1);
    let subscriber = Arc::new(SubscribeOnWake(bus.clone(), Mutex::default()));
    let waker = Arc::clone(&subscriber).into();
    assert!(one.next().poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    wire.asked();
    wire.inlet().refused(1, address("Note:a"), denied());
    let mut second = subscriber.1.lock().unwrap().take().expect("woken");
    assert_eq!(wire.asked(), ["+2 Note:a"]);
    wire.inlet().subscribed(2);
    assert_eq!(second.ready().now_or_never(), Some(Ok(())));
    assert_eq!(second.try_next().unwrap_err(), TryNextError::Empty);
}

#[test]
fn one_that_was_refused_is_in_nobodys_way() {
    let (bus, wire) = bus();
    let mut both = bus.subscribe((App::NOTE.id("a"), App::NOTE.id("b"))).now().unwrap();
    wire.inlet().subscribed(1);
    wire.inlet().refused(1, address("Note:a"), denied());
    assert_eq!(both.try_next().unwrap_err(), TryNextError::Ended(End::Rejected));
    assert!(wire.asked().contains(&"- Note:b".to_owned()));
    wire.note("b", "late");
    assert_eq!((both.len(), both.try_next().unwrap_err()), (0, TryNextError::Ended(End::Rejected)));
    assert!(bus.close().until(std::future::pending::<()>()).now_or_never().is_some());
}

#[test]
fn what_came_before_a_refusal_is_still_read() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    wire.note("a", "before");
    wire.inlet().refused(1, address("Note"), denied());
    assert_eq!(notes.try_next().unwrap().payload, "before");
    assert_eq!(notes.try_next().unwrap_err(), TryNextError::Ended(End::Rejected));
}

#[test]
fn a_handler_that_is_refused_later_says_so() {
    let (bus, wire) = bus();
    let mut handler = Box::pin(bus.on(App::NOTE, async |_| {}));
    wire.inlet().subscribed(1);
    assert!(handler.as_mut().now_or_never().is_none());
    wire.inlet().refused(1, address("Note"), denied());
    assert_eq!(handler.as_mut().now_or_never(), Some(Err(SubscribeError::Rejected(denied()))));
}
