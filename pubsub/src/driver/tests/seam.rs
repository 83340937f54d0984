//! Events, subscriptions, and what happens on the way.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use futures::executor::block_on;
use futures::{FutureExt, SinkExt};
use pubsub_transports::codec::Json;
use pubsub_transports::{
    Body, ConnectError, ConnectionState, DecodeError, Encoded, ErrorCode, Frame, Gap, GapReason, Header,
    Position, Rejection, SendError, Shared, Undecodable,
};

use super::{App, address, bus, bus_of, counting_waker, texts};
use crate::driver::edge::Carries;
use crate::event::{EventData, Stored};
use crate::prelude::*;
use crate::{BusError, EventId};

#[test]
fn one_remote_subscription_however_many_local_ones() {
    let (bus, wire) = bus();
    let one = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    let two = bus.subscribe((App::NOTE.id("a"), App::ROOM)).now().unwrap();
    assert_eq!(wire.asked(), ["+1 Note:a", "+2 Room"]);
    drop(one);
    assert!(wire.asked().is_empty());
    drop(two);
    let mut left = wire.asked();
    assert_eq!(left.len(), 1);
    assert_eq!(left.remove(0), "- Room Note:a");
}

#[test]
fn subscribe_is_ready_at_the_acknowledgement_of_its_own_request() {
    let (bus, wire) = bus();
    let first = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    drop(first);
    let mut second = Box::pin(async { bus.subscribe(App::NOTE.id("a")).await });
    assert!(second.as_mut().now_or_never().is_none());
    wire.inlet().subscribed(1); // of the first, which is gone
    assert!(second.as_mut().now_or_never().is_none());
    wire.inlet().subscribed(2);
    assert!(second.as_mut().now_or_never().expect("ready").is_ok());
}

#[test]
fn a_subscribe_that_is_dropped_before_the_acknowledgement_leaves_nothing() {
    let (bus, wire) = bus();
    let mut pending = Box::pin(async { bus.subscribe(App::NOTE).await });
    assert!(pending.as_mut().now_or_never().is_none());
    drop(pending);
    assert_eq!(wire.asked(), ["+1 Note", "- Note"]);
    assert!(!bus.has_subscribers(App::NOTE));
}

#[test]
fn an_event_is_decoded_once_and_shared() {
    let (bus, wire) = bus();
    let mut one = bus.subscribe(App::NOTE).now().unwrap();
    let mut two = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    wire.note("a", "hello");
    let (one, two) = (one.try_next().unwrap(), two.try_next().unwrap());
    assert!(std::ptr::eq(one.payload.as_str(), two.payload.as_str()));
    assert_eq!(one.position().map(Position::offset), Some(7));
    // Of a type that is not text.
    let mut room = bus.subscribe(App::ROOM.id(&42)).now().unwrap();
    wire.come("Room", "42", "5");
    assert_eq!((room.try_next().unwrap().payload, room.try_next().unwrap_err()), (5, TryNextError::Empty));
}

#[test]
fn own_events_come_back_from_the_other_side_alone() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    bus.publish(App::NOTE, "a", "hello".to_owned()).now().unwrap();
    assert_eq!(notes.try_next().unwrap_err(), TryNextError::Empty);
    let frame = wire.frames.lock().unwrap().pop().unwrap();
    assert!(frame.header.event_id().is_some(), "it left the process");
    assert!(matches!(&frame.body, Body::Bytes(bytes) if &bytes[..] == b"\"hello\""));
    wire.inlet().deliver(frame.clone());
    assert_eq!(notes.try_next().unwrap().event_id(), frame.header.event_id());
}

#[test]
fn a_publish_is_ready_at_the_answer_and_its_error_gives_the_event_back() {
    let (bus, wire) = bus();
    let rejection =
        Rejection::new(ErrorCode::RateLimited, "slowly").with_retry_after(std::time::Duration::from_secs(3));
    let answers = [
        (Ok(()), ""),
        (Err(SendError::NotSent), "`Note` was not published: there is no connection"),
        (Err(SendError::Closed), "`Note` cannot be published: the bus is closed"),
        (
            Err(SendError::Ambiguous),
            "`Note` may be published or not: the connection was lost before an answer came",
        ),
        (Err(rejection.into()), "`Note` was not published: rejected as `rate_limited`: slowly"),
    ];
    for (answer, text) in answers {
        let id = EventId::now_v7();
        let mut publish = bus.publish(App::NOTE, "a", "hello".to_owned()).event_id(id);
        assert!((&mut publish).now_or_never().is_none());
        wire.answers.lock().unwrap().remove(0).send(answer.clone()).unwrap();
        match (&mut publish).now_or_never().expect("answered") {
            Ok(()) => assert!(answer.is_ok()),
            Err(error) => {
                assert_eq!(error.to_string(), text);
                assert_eq!(
                    error.is_retryable(),
                    answer.as_ref().is_err_and(SendError::is_retryable),
                    "{text}"
                );
                assert_eq!(error.retry_after(), answer.unwrap_err().retry_after());
                let event = error.into_event();
                assert_eq!((event.event_id(), event.into_payload()), (Some(id), "hello".to_owned()));
            }
        }
    }
    // Whoever was to answer is gone.
    let mut publish = bus.publish(App::NOTE, "a", String::new());
    assert!((&mut publish).now_or_never().is_none());
    wire.answers.lock().unwrap().clear();
    assert!(matches!((&mut publish).now_or_never(), Some(Err(PublishError::Ambiguous(_)))));
}

#[test]
fn now_is_done_when_the_queue_took_it_and_what_fails_later_is_told() {
    let (bus, wire) = bus();
    let mut errors = bus.errors();
    bus.publish(App::NOTE, "a", "hello".to_owned()).now().unwrap();
    wire.inlet().not_sent(Header::new("Note", "a"), SendError::NotSent);
    let error = block_on(errors.next()).unwrap();
    assert_eq!(error.to_string(), "`Note` for the id \"a\" was not sent");
    wire.full.store(true, Relaxed);
    assert!(matches!(bus.publish(App::NOTE, "a", "hello".to_owned()).now(), Err(PublishError::Full(_))));
}

#[test]
fn what_cannot_be_encoded_comes_back() {
    let (bus, wire) = bus();
    let error = bus.publish(App::NOTE, "a", "x".repeat(70_000)).now().unwrap_err();
    assert!(matches!(&error, PublishError::Encode(event, _) if event.payload.len() == 70_000), "{error}");
    let long = "x".repeat(300);
    let error = bus.publish(App::NOTE, &long, String::new()).now().unwrap_err();
    assert!(matches!(&error, PublishError::Encode(_, crate::EncodeError::Address(_))), "{error}");
    assert!(matches!(bus.subscribe(App::NOTE.id(&long)).now(), Err(SubscribeError::Address(_))));
    assert!(wire.frames.lock().unwrap().is_empty());
    assert!(wire.asked().is_empty());
}

#[test]
fn the_publisher_as_a_sink_waits_for_each_answer() {
    let (bus, wire) = bus();
    let mut publisher = bus.publisher(App::NOTE, "a");
    {
        let mut send = publisher.send("one".to_owned());
        assert!((&mut send).now_or_never().is_none());
        wire.answers.lock().unwrap().remove(0).send(Err(SendError::NotSent)).unwrap();
        let error = send.now_or_never().expect("answered").unwrap_err();
        assert_eq!(error.into_event().into_payload(), "one");
    }
    assert!(publisher.flush().now_or_never().is_some());
}

#[test]
fn publishers_on_a_network_do_not_wait() {
    let (bus, wire) = bus();
    let refused = bus.subscribe(App::NOTE).overflow(Overflow::Backpressure).now();
    assert_eq!(refused.unwrap_err(), SubscribeError::NoBackpressure);
    let mut notes = bus.subscribe(App::NOTE).bound(2).now().unwrap();
    ["1", "2", "3"].iter().for_each(|text| wire.note("a", text));
    assert_eq!(notes.missed(), 1);
    assert_eq!(texts(&mut notes), ["2", "3"]);
}

#[test]
fn what_happens_on_the_way_stands_between_the_events_before_and_after_it() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    wire.inlet().subscribed(1);
    wire.note("a", "1");
    let lost = ConnectError::TimedOut { during: "a ping" };
    wire.inlet().state(ConnectionState::Reconnecting { attempt: 1, error: lost });
    let later = bus.subscribe(App::NOTE.id("b")).now().unwrap();
    wire.inlet().state(ConnectionState::Connected);
    wire.inlet().gap(None, Gap::new(GapReason::Disconnected, None));
    wire.note("a", "2");
    wire.come("Note", "a", "17");
    wire.note("a", "3");
    wire.inlet().gap(Some(address("Note")), Gap::new(GapReason::Evicted, Some(4)));
    wire.note("a", "4");
    drop(later);

    let mut story = Vec::new();
    let mut deliveries = notes.deliveries();
    while let Some(Some(delivery)) = deliveries.next().now_or_never() {
        story.push(match delivery {
            Delivery::Event(event) => event.into_payload(),
            Delivery::Undecodable(undecodable) => undecodable.address.unwrap().to_string(),
            Delivery::Gap(gap) => format!("{:?} {:?}", gap.reason, gap.missed),
            other => format!("{other:?}"),
        });
    }
    let expected = ["1", "Reconnected", "Disconnected None", "2", "Note:a", "3", "Evicted Some(4)", "4"]
        .map(str::to_owned);
    assert_eq!(story, expected);
    assert_eq!((notes.missed(), notes.gaps()), (4, 2));
}

#[test]
fn a_plain_loop_runs_through_all_of_it_and_counts_what_can_be_counted() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    wire.note("a", "1");
    wire.inlet().gap(Some(address("Note")), Gap::new(GapReason::Overflow, Some(2)));
    wire.come("Note", "a", "null");
    wire.inlet().gap(Some(address("Note")), Gap::new(GapReason::Evicted, Some(3)));
    wire.note("a", "2");
    wire.note("a", "3");
    let events: Vec<_> =
        std::iter::from_fn(|| notes.try_next().ok()).map(|it| (it.missed, it.into_payload())).collect();
    assert_eq!(events, [(0, "1".to_owned()), (5, "2".to_owned()), (0, "3".to_owned())]);
}

#[test]
fn what_cannot_be_read_is_passed_over_counted_and_visible() {
    let (bus, wire) = bus();
    let mut errors = bus.errors();
    let mut notes = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    let _rooms = bus.subscribe(App::ROOM).now().unwrap();
    wire.come("Note", "a", "[1");
    wire.come("Nothing", "a", "1");
    wire.come("Room", "not a number", "1");
    wire.inlet().undecodable(Undecodable::new(None, DecodeError::Syntax { at: 3 }));
    wire.note("a", "good");
    assert_eq!(bus.error_count(), 4);
    let told: Vec<_> = (0..4).map(|_| block_on(errors.next()).unwrap().to_string()).collect();
    assert_eq!(
        told,
        [
            "what came to `Note:a` is no event of it: the payload is not one of the topic \"Note\"",
            "what came to `Nothing:a` is no event of it: the event map has no topic \"Nothing\"",
            "what came to `Room:not a number` is no event of it: the payload is not one of the topic \"Room\"",
            "what came is no event: not a message of the codec, as shows at byte 3",
        ]
    );
    assert!(matches!(notes.deliveries().next().now_or_never(), Some(Some(Delivery::Undecodable(_)))));
    assert_eq!(texts(&mut notes), ["good"]);
}

#[test]
fn a_reader_that_waits_is_woken_by_what_happens() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    wire.inlet().subscribed(1);
    let (waker, count) = counting_waker();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut deliveries = notes.deliveries();
    let mut next = deliveries.next();
    assert!(next.poll_unpin(&mut cx).is_pending());
    wire.inlet().gap(None, Gap::new(GapReason::Disconnected, None));
    assert_eq!(count.load(Relaxed), 1);
    assert!(matches!(next.poll_unpin(&mut cx), std::task::Poll::Ready(Some(Delivery::Gap(_)))));
}

#[test]
fn what_is_lost_to_one_address_is_told_to_those_who_follow_that_one() {
    let (bus, wire) = bus();
    let one = bus.subscribe(App::NOTE.id("a")).now().unwrap();
    let whole = bus.subscribe(App::NOTE).now().unwrap();
    wire.inlet().gap(Some(address("Note")), Gap::new(GapReason::Evicted, Some(5)));
    assert_eq!((one.missed(), whole.missed()), (0, 5), "nobody knows how many of the 5 were for `a`");
}

#[test]
fn how_many_were_lost_to_each_nobody_knows_of_a_gap_in_all() {
    let (bus, wire) = bus();
    let notes = bus.subscribe(App::NOTE).now().unwrap();
    wire.inlet().subscribed(1);
    wire.inlet().gap(None, Gap::new(GapReason::Disconnected, Some(4)));
    assert_eq!((notes.missed(), notes.gaps()), (0, 1));
}

#[test]
fn looking_for_an_event_does_not_pass_over_what_was_told_before_it() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    wire.inlet().gap(Some(address("Note")), Gap::new(GapReason::Evicted, Some(4)));
    assert_eq!(notes.try_next().unwrap_err(), TryNextError::Empty);
    wire.note("a", "1");
    let mut deliveries = notes.deliveries();
    assert!(matches!(block_on(deliveries.next()), Some(Delivery::Gap(_))));
    assert!(matches!(block_on(deliveries.next()), Some(Delivery::Event(_))));
}

#[test]
fn gaps_beyond_what_is_kept_are_told_no_earlier_than_they_were() {
    let (bus, wire) = bus();
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    for number in 0..200 {
        wire.inlet().gap(Some(address("Note")), Gap::new(GapReason::Overflow, Some(1)));
        wire.note("a", &number.to_string());
    }
    let told: Vec<u64> = std::iter::from_fn(|| notes.try_next().ok()).map(|event| event.missed).collect();
    assert_eq!((told.len(), told.iter().sum::<u64>()), (200, 200));
    for place in 0..told.len() {
        assert!(told[..=place].iter().sum::<u64>() <= place as u64 + 1, "{told:?}");
    }
}

#[test]
fn nothing_is_acknowledged_while_there_is_no_connection() {
    let (bus, wire) = bus();
    let _one = bus.subscribe(App::NOTE).now().unwrap();
    wire.inlet().subscribed(1);
    let error = ConnectError::TimedOut { during: "a ping" };
    wire.inlet().state(ConnectionState::Reconnecting { attempt: 1, error });
    let mut late = Box::pin(async { bus.subscribe(App::NOTE).await });
    assert!(late.as_mut().now_or_never().is_none());
    wire.inlet().state(ConnectionState::Connected);
    assert!(late.as_mut().now_or_never().expect("ready").is_ok());
}

mod other {
    use crate::prelude::*;

    #[derive(EventMap)]
    pub(super) enum Other {
        Note(u32),
    }
}

#[test]
fn a_shared_value_of_another_map_is_undecodable() {
    let (bus, wire) = bus_of::<App>(Shared);
    let mut notes = bus.subscribe(App::NOTE).now().unwrap();
    let note = EventData::<u32>::new((0, other::Other::NOTE.name()), "a".into(), (), 5, None);
    let body = Carries::<other::Other>::__edge(Shared).encode(&Stored::new(note)).unwrap();
    wire.inlet().deliver(Frame { header: Header::new("Note", "a"), body });
    assert_eq!(notes.try_next().unwrap_err(), TryNextError::Empty);
    assert_eq!(bus.error_count(), 1);
}

mod bomb {
    use crate::prelude::*;

    pub(super) struct Bomb;

    impl serde::Serialize for Bomb {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_unit()
        }
    }

    impl<'de> serde::Deserialize<'de> for Bomb {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("code of a user")
        }
    }

    #[derive(EventMap)]
    pub(super) enum Map {
        Note(Bomb),
    }
}

#[test]
fn a_payload_whose_deserialize_panics_is_undecodable() {
    let (bus, wire) = bus_of::<bomb::Map>(Encoded::new(Arc::new(Json::default())));
    wire.note("a", "nobody follows it");
    assert_eq!(bus.error_count(), 0);
    let mut notes = bus.subscribe(bomb::Map::NOTE).now().unwrap();
    wire.note("a", "boom");
    assert_eq!(bus.error_count(), 1);
    assert!(matches!(notes.deliveries().next().now_or_never(), Some(Some(Delivery::Undecodable(_)))));
}

#[test]
fn an_error_is_not_as_long_as_a_peer_likes() {
    let (bus, wire) = bus();
    let mut errors = bus.errors();
    let _rooms = bus.subscribe(App::ROOM).now().unwrap();
    wire.come("Room", "42", &format!("{:?}", "é".repeat(30_000)));
    let Some(BusError::Undecodable(undecodable)) = block_on(errors.next()) else { panic!("no error") };
    let DecodeError::Payload { reason, .. } = undecodable.error else { panic!("another error") };
    assert!(reason.reveal().len() <= 256);
    wire.come(&"x".repeat(60_000), "42", "1");
    let Some(BusError::Undecodable(undecodable)) = block_on(errors.next()) else { panic!("no error") };
    assert!(matches!(undecodable.error, DecodeError::UnknownType { topic } if topic.len() <= 256));
}
