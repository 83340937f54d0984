//! The end of a bus, of its transport, and of what waits for them.

use std::sync::atomic::Ordering::Relaxed;

use futures::FutureExt;
use futures::executor::block_on;
use pubsub_transports::{ConnectError, ConnectionState, Gap, GapReason};

use super::{App, bus, texts};
use crate::prelude::*;

#[test]
fn closing_gives_what_was_not_sent_and_frees_who_waits() {
    let (bus, wire) = bus();
    let mut connection = bus.connection();
    let mut pending = Box::pin(async { bus.subscribe(App::NOTE).await });
    assert!(pending.as_mut().now_or_never().is_none());
    let mut publish = bus.publish(App::NOTE, "a", String::new());
    assert!((&mut publish).now_or_never().is_none());
    let report = block_on(bus.close());
    assert_eq!(report.unsent, 1);
    assert!(matches!(pending.now_or_never(), Some(Err(SubscribeError::Closed))));
    assert!(matches!(bus.subscribe(App::NOTE).now(), Err(SubscribeError::Closed)));
    assert!(matches!(block_on(connection.next()), Some(ConnectionState::Closed { error: None })));
    assert!(wire.asked().contains(&"close".to_owned()));
}

#[test]
fn the_other_side_that_closes_for_good_ends_subscriptions_and_says_why() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    let mut pending = Box::pin(async { bus.subscribe(App::ROOM).await });
    assert!(pending.as_mut().now_or_never().is_none());
    let error = ConnectError::Unauthenticated { message: "who are you".to_owned() };
    wire.note("a", "last");
    wire.inlet().state(ConnectionState::Closed { error: Some(error) });
    assert_eq!(texts(&mut notes), ["last"]);
    assert_eq!(notes.end(), Some(End::Closed));
    assert!(matches!(pending.now_or_never(), Some(Err(SubscribeError::Closed))));
    let ConnectionState::Closed { error: Some(error) } = bus.connection_state() else { panic!("not closed") };
    assert_eq!(error.to_string(), "not authenticated: who are you");
}

#[test]
fn dropping_the_last_handle_closes_the_link() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    wire.note("a", "last");
    drop(bus);
    assert!(wire.asked().contains(&"close".to_owned()));
    assert_eq!(texts(&mut notes), ["last"]);
    assert_eq!(notes.end(), Some(End::Closed));
}

#[test]
fn a_close_that_is_not_awaited_to_its_end_closes_all_the_same() {
    let (bus, wire) = bus();
    wire.closes_slowly.store(true, Relaxed);
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    let mut close = Box::pin(async { bus.close().await });
    assert!(close.as_mut().now_or_never().is_none());
    drop(close);
    drop(wire.inlet.lock().unwrap().take()); // as a transport does at its end
    assert!(bus.is_closed());
    assert_eq!(notes.try_next().unwrap_err(), TryNextError::Ended(End::Closed));
}

#[test]
fn a_transport_that_ends_without_a_word_ends_the_bus() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    drop(wire.inlet.lock().unwrap().take()); // its task panicked
    assert_eq!(notes.try_next().unwrap_err(), TryNextError::Ended(End::Closed));
    assert!(matches!(bus.connection_state(), ConnectionState::Closed { error: Some(_) }));
}

#[test]
fn a_closing_that_is_not_answered_counts_what_was_on_its_way() {
    let (bus, wire) = bus();
    wire.closes_slowly.store(true, Relaxed);
    let mut publish = bus.publish(App::NOTE, "a", String::new());
    assert!((&mut publish).now_or_never().is_none());
    let mut close = Box::pin(async { bus.close().await });
    assert!(close.as_mut().now_or_never().is_none());
    wire.closing.lock().unwrap().clear();
    assert_eq!(close.now_or_never().expect("over").unsent, 1);
}

#[test]
fn nothing_is_told_after_the_end() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    wire.inlet().subscribed(1);
    let inlet = wire.inlet();
    bus.close().now();
    let mut deliveries = notes.deliveries();
    assert!(matches!(block_on(deliveries.next()), Some(Delivery::Ended(End::Closed))));
    assert!(block_on(deliveries.next()).is_none());
    inlet.gap(None, Gap::new(GapReason::Disconnected, None));
    assert!(block_on(deliveries.next()).is_none());
}

#[test]
fn errors_end_with_the_last_handle() {
    let (bus, _wire) = bus();
    let _notes = bus.subscribe(App::NOTE).now().unwrap();
    let mut errors = bus.errors();
    drop(bus);
    assert!(matches!(errors.next().now_or_never(), Some(None)));
}
