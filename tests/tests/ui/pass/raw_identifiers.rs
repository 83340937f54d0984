//! `r#type` is the topic `type` and the constant `TYPE`.
#![deny(warnings)]
#![allow(non_camel_case_types, non_upper_case_globals)]

use pubsub::{EventMap, EventSubset};

#[derive(Clone)]
struct r#struct;

#[derive(EventMap)]
enum r#enum {
    r#type(r#struct),
    r#fn,
    #[event(constant = r#dyn)]
    Other(u8),
}

#[derive(EventSubset)]
#[event_subset(of = r#enum)]
enum Subset {
    r#type(r#struct),
    r#fn,
    #[event(constant = r#dyn)]
    Renamed(u8),
}

fn main() {
    assert_eq!(r#enum::TYPE.name(), "type");
    assert_eq!(r#enum::FN.name(), "fn");
    assert_eq!(r#enum::r#dyn.name(), "Other");
    assert_eq!(r#enum::TOPICS[0].variant, "type");
    assert_eq!(r#enum::TOPICS[0].payload, "r#struct");
    let _ = (r#struct, Subset::ALL);
}
