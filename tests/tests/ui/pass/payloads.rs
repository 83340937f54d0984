//! Payloads and ids of every form of type.
#![deny(warnings)]
#![allow(unused_parens)]

use std::sync::Arc;

use pubsub::EventMap;

macro_rules! byte {
    () => { u8 };
}

trait Sensor {
    type Reading;
}

struct Clock;

impl Sensor for Clock {
    type Reading = u64;
}

#[derive(EventMap)]
#[repr(u8)]
#[non_exhaustive]
enum Event<S: Sensor>
where
    S::Reading: Send + Sync + 'static,
{
    Callback(Arc<dyn for<'a> Fn(&'a str) -> u8 + Send + Sync>) = 3,
    Pointer(fn(&u8) -> &u8),
    Macro(byte!()),
    Array([u8; 1 + 2]),
    Associated(S::Reading),
    Qualified(<S as Sensor>::Reading),
    #[event(id = std::net::IpAddr,)]
    Never(std::convert::Infallible),
    Wide(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8),
    Parenthesized((u8)),
    Single((u8,)),
    Nothing(),
}

fn main() {
    let payloads: Vec<&str> = Event::<Clock>::TOPICS.iter().map(|topic| topic.payload).collect();
    let expected = [
        "Arc<dyn for<'a> Fn(&'a str) -> u8 + Send + Sync>",
        "fn(&u8) -> &u8",
        "byte!()",
        "[u8; 1 + 2]",
        "S::Reading",
        "<S as Sensor>::Reading",
        "std::convert::Infallible",
        "(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8)",
        "(u8)",
        "(u8,)",
        "()",
    ];
    assert_eq!(payloads, expected);
    assert_eq!(Event::<Clock>::TOPICS[6].id, "std::net::IpAddr");
    let _ = (Event::<Clock>::ASSOCIATED, Event::<Clock>::WIDE, Event::<Clock>::NOTHING);
}
