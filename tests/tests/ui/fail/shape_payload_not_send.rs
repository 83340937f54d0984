use std::rc::Rc;

use pubsub::EventMap;

#[derive(EventMap)]
enum AppEvent {
    Shared(Rc<u8>),
}

fn main() {}
