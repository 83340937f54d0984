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
    Topics(u8),
    #[event(constant = TOPICS)]
    Themes(u8),
    FooBar_(u8),
    FooBarTopic(u8),
}

fn main() {}
