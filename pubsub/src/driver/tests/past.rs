//! Subscriptions that begin in the past.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

use futures::FutureExt;
use pubsub_transports::codec::Json;
use pubsub_transports::{
    Body, ConnectionState, DecodeError, Encoded, ErrorCode, Frame, Gap, GapReason, Guarantees, Header, Past,
    Position, Rejection, Undecodable,
};

use super::{App, GUARANTEES, Wire, address, bus_with, counting_waker, texts};
use crate::prelude::*;
use crate::{Delivery, End, Positions, Since, SubscribeError};

fn bus() -> (PubSub<App>, Arc<Wire>) {
    let body = Encoded::new(Arc::new(Json::default()));
    bus_with(body, Guarantees { history: true, ..GUARANTEES })
}

fn note(offset: u64) -> Frame {
    let header = Header::new("Note", "a").with_position(Position::new(offset).with_epoch("e").with_after(0));
    Frame { header, body: Body::Bytes(format!("\"{offset}\"").into()) }
}

fn positions(offset: u64) -> Positions {
    let mut positions = Positions::new();
    positions.insert("Note", Position::new(offset).with_epoch("e"));
    positions
}

fn past(bus: &PubSub<App>) -> Subscription<Event<String>> {
    bus.subscribe(App::NOTE).since(Since::Beginning).now().unwrap()
}

fn story(subscription: &mut Subscription<Event<String>>) -> Vec<String> {
    let mut deliveries = subscription.deliveries();
    let next = || deliveries.next().now_or_never().flatten();
    let told = std::iter::from_fn(next).map(|delivery| match delivery {
        Delivery::Event(event) => event.into_payload(),
        Delivery::Gap(gap) => format!("gap {:?}", gap.missed),
        Delivery::Reconnected => "reconnected".to_owned(),
        Delivery::Undecodable(_) => "undecodable".to_owned(),
        other => format!("{other:?}"),
    });
    told.collect()
}

#[test]
fn the_past_is_asked_for_once_it_is_followed() {
    let (bus, wire) = bus();
    let _one = bus.subscribe((App::NOTE, App::ROOM.id(&4))).since(positions(3)).now().unwrap();
    let after = Position::new(3).with_epoch("e");
    assert_eq!(
        wire.asked(),
        ["+1 Note Room:4".to_owned(), format!("replay 1 Note After({after:?}) Room:4 Now")]
    );
    let _two = past(&bus);
    assert_eq!(wire.asked(), ["replay 2 Note Beginning"]);
}

#[test]
fn it_is_ready_when_what_is_published_is_in_it() {
    let (bus, wire) = bus();
    let mut subscribe = Box::pin(async { bus.subscribe(App::NOTE).since(Since::Beginning).await });
    let (waker, woken) = counting_waker();
    let mut poll = || subscribe.as_mut().poll(&mut std::task::Context::from_waker(&waker));
    assert!(poll().is_pending());
    wire.inlet().subscribed(1);
    assert!(poll().is_pending());
    let before = woken.load(Relaxed);
    wire.inlet().replaying(1);
    assert_eq!(woken.load(Relaxed), before + 1);
    assert!(matches!(poll(), Poll::Ready(Ok(_))));
}

#[test]
fn what_comes_follows_the_past_and_notices_stand_where_they_belong() {
    let (bus, wire) = bus();
    let mut live = bus.subscribe(App::NOTE).now().unwrap();
    wire.inlet().subscribed(1);
    let mut one = past(&bus);
    let inlet = wire.inlet();
    let garbage = || Undecodable::new(Some(address("Note:a")), DecodeError::Syntax { at: 0 });
    let gap = |missed| Gap::new(GapReason::Evicted, Some(missed));
    inlet.replay(2, Past::Event(note(1)));
    inlet.replay(2, Past::Gap(gap(3)));
    inlet.replay(2, Past::Undecodable(garbage()));
    inlet.replay(2, Past::Event(note(5)));
    // Told to all; the past says by itself what is missing in it.
    inlet.deliver(note(5));
    inlet.gap(Some(address("Note")), gap(1));
    inlet.undecodable(garbage());
    inlet.deliver(note(7));
    inlet.replay(2, Past::Gap(gap(1)));
    inlet.replay(2, Past::Event(note(7)));
    inlet.replayed(2);
    inlet.gap(Some(address("Note")), gap(2));
    inlet.deliver(note(10));
    assert_eq!((one.len(), one.missed(), one.gaps()), (4, 6, 3));
    let expected = ["1", "gap Some(3)", "undecodable", "5", "gap Some(1)", "7", "gap Some(2)", "10"];
    assert_eq!(story(&mut one), expected);
    assert_eq!(story(&mut live), ["5", "gap Some(1)", "undecodable", "7", "gap Some(2)", "10"]);
    assert_eq!((one.positions(), live.positions()), (positions(10), positions(10)));
}

#[test]
fn gaps_that_are_passed_over_are_counted_by_the_next_event() {
    let (bus, wire) = bus();
    let mut one = past(&bus);
    let inlet = wire.inlet();
    for missed in [Some(2), None, Some(3)] {
        inlet.replay(1, Past::Gap(Gap::new(GapReason::Evicted, missed)));
    }
    // The last before what comes.
    assert_eq!(one.try_next().unwrap_err(), TryNextError::Empty);
    inlet.replayed(1);
    inlet.deliver(note(9));
    assert_eq!((one.try_next().unwrap().missed, one.missed(), one.gaps()), (5, 5, 3));
}

#[test]
fn the_past_waits_for_room_and_goes_on_at_half_of_it() {
    let (bus, wire) = bus();
    let mut one = bus.subscribe(App::NOTE).bound(4).since(Since::Beginning).now().unwrap();
    let (waker, woken) = counting_waker();
    let inlet = wire.inlet();
    let mut offset = 0;
    while inlet.poll_replay(1, &waker) == Poll::Ready(true) {
        offset += 1;
        inlet.replay(1, Past::Event(note(offset)));
    }
    assert_eq!(offset, 4);
    one.try_next().unwrap();
    assert_eq!(woken.load(Relaxed), 0);
    one.try_next().unwrap();
    assert_eq!((woken.load(Relaxed), inlet.poll_replay(1, &waker)), (1, Poll::Ready(true)));
    // And ends when nobody is there.
    inlet.replay(1, Past::Event(note(5)));
    inlet.replay(1, Past::Event(note(6)));
    assert_eq!(inlet.poll_replay(1, &waker), Poll::Pending);
    drop(one);
    assert_eq!((woken.load(Relaxed), inlet.poll_replay(1, &waker)), (2, Poll::Ready(false)));
    inlet.replay(1, Past::Event(note(7)));
    inlet.replayed(1);
    assert!(!bus.has_subscribers(App::NOTE));
}

#[test]
fn a_refusal_ends_it_after_what_came() {
    let (bus, wire) = bus();
    let mut one = past(&bus);
    let inlet = wire.inlet();
    inlet.replay(1, Past::Event(note(1)));
    inlet.refused(1, address("Note"), Rejection::new(ErrorCode::Denied, "no"));
    inlet.replayed(1);
    assert_eq!(texts(&mut one), ["1"]);
    assert_eq!(one.try_next().unwrap_err(), TryNextError::Ended(End::Rejected));
    assert!(!bus.has_subscribers(App::NOTE));
}

#[test]
fn the_end_of_the_connection_ends_it_wherever_it_is() {
    for is_over in [false, true] {
        let (bus, wire) = bus();
        let mut one = past(&bus);
        let inlet = wire.inlet();
        inlet.replay(1, Past::Event(note(1)));
        if is_over {
            inlet.replayed(1);
        }
        inlet.state(ConnectionState::Closed { error: None });
        if !is_over {
            inlet.replayed(1);
        }
        assert_eq!(texts(&mut one), ["1"]);
        assert_eq!(one.try_next().unwrap_err(), TryNextError::Ended(End::Closed));
        let error = bus.subscribe(App::NOTE).since(positions(1)).now().unwrap_err();
        assert_eq!(error, SubscribeError::Closed);
    }
}

#[test]
fn a_link_that_is_gone_without_a_word_ends_it() {
    let (bus, wire) = bus();
    let mut one = past(&bus);
    drop(wire.inlet.lock().unwrap().take());
    assert_eq!(one.try_next().unwrap_err(), TryNextError::Ended(End::Closed));
    drop(bus);
}

#[test]
fn who_was_given_nothing_is_where_it_began() {
    let (bus, wire) = bus();
    let inlet = wire.inlet();
    let at = |offset| Position::new(offset).with_epoch("e");
    let first = bus.subscribe(App::NOTE).now().unwrap();
    inlet.position("Note", at(4));
    inlet.subscribed(1);
    inlet.deliver(note(5));
    // Of what is followed already: where that is.
    let mut second = bus.subscribe(App::NOTE).now().unwrap();
    let third = bus.subscribe(App::NOTE).since(positions(2)).now().unwrap();
    let all = past(&bus);
    inlet.position("Note", at(9));
    assert_eq!([&first, &second, &third].map(Subscription::positions), [4, 5, 2].map(positions));
    // Nothing is known before everything.
    assert_eq!(all.positions().get("Note"), Some(&Position::new(0)));
    inlet.deliver(note(10));
    assert_eq!(second.positions(), positions(5), "it was not given yet");
    assert_eq!(texts(&mut second), ["10"]);
    assert_eq!(second.positions(), positions(10));
}
