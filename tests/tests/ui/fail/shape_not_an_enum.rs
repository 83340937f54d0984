use pubsub::prelude::*;

#[derive(EventMap)]
struct SessionStatus(u8);

#[derive(EventMap)]
union Either {
    a: u8,
    b: i8,
}

fn main() {
    // No second error here.
    let _ = PubSub::<SessionStatus>::default().subscribe(All);
}
