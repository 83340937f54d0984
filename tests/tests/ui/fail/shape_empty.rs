use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {}

fn main() {
    let _ = PubSub::<AppEvent>::default().subscribe(All);
}
