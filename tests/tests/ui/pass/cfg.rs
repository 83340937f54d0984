//! A variant that is configured out has no topic; one that stays keeps its place.
#![deny(warnings)]

use pubsub::{EventMap, EventSubset};

#[derive(EventMap)]
enum Event {
    #[cfg(any())]
    Never(Missing),
    Always(u8),
    #[cfg(all())]
    Too(#[cfg(any())] Missing, u8),
    #[cfg_attr(all(), event(topic = "renamed"))]
    Renamed(u8),
}

#[derive(EventSubset)]
#[event_subset(of = Event)]
enum Subset {
    #[cfg(any())]
    Never(Missing),
    Always(u8),
}

fn main() {
    assert_eq!(Event::TOPICS.iter().map(|topic| topic.name).collect::<Vec<_>>(), ["Always", "Too", "renamed"]);
    assert_eq!(Event::TOPICS[1].payload, "u8");
    let _ = Subset::ALL;
}
