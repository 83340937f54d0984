#![allow(non_camel_case_types)]
use pubsub::EventMap;

#[derive(EventMap)]
enum AppEvent {
    A(u8),
    FooBar(u8),
    Foo_Bar(u8),
    #[event(constant = RESTART)]
    Reset,
    RESTART,
}

fn main() {}
