//! What comes to a bus from a wire: events, or bytes that are none, of topics that it has and of others.

use arbitrary::Unstructured;
use futures::FutureExt as _;
use pubsub::codec::{Codec, Json, MessagePack, Postcard};
use pubsub::prelude::*;
use pubsub::{Header, Loopback};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    celsius: f64,
    place: Option<String>,
}

#[derive(Clone, Debug, EventMap)]
#[event_map(rename_all = "dot.case")]
enum App {
    Reading(Reading),
    Number(u64),
    Alarm,
}

/// The input is messages, each for a topic and an id: what the bus is told of each is an event or an error, and it goes on.
pub fn bus(input: &[u8]) {
    match input.split_first() {
        // No input that was kept before there was this one begins so.
        Some((b'M', input)) => run(MessagePack::default(), input),
        Some((codec, input)) if codec % 2 == 0 => run(Json::default(), input),
        Some((_, input)) => run(Postcard::default(), input),
        None => {}
    }
}

fn run<C: Codec + Clone>(codec: C, input: &[u8]) {
    let wire = Loopback::new(codec.clone());
    let bus = PubSub::<App>::new(wire.clone());
    let mut events = bus.subscribe(All).now().expect("a bus");
    let mut errors = bus.errors();
    let (mut input, mut sent) = (Unstructured::new(input), 0_u64);
    while let Ok((topic, whole, bytes)) = input.arbitrary::<(u8, bool, &[u8])>() {
        if input.is_empty() && bytes.is_empty() || sent >= 64 {
            break;
        }
        let topic = ["reading", "number", "alarm"][usize::from(topic % 3)];
        let mut message = Vec::new();
        match whole {
            // A payload in an envelope.
            true => drop(codec.join(&Header::new(topic, "1"), bytes, &mut message)),
            false => message.extend_from_slice(bytes),
        }
        wire.inject(topic, "1", message);
        sent += 1;
    }
    let mut seen = 0;
    while events.try_next().is_ok() {
        seen += 1;
    }
    while let Some(Some(_)) = errors.next().now_or_never() {
        seen += 1;
    }
    assert_eq!(seen, sent, "each is an event or an error");
    bus.publish(App::NUMBER, "", 7).now().expect("it goes on");
    assert!(events.try_next().is_ok());
}
