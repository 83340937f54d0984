//! The list of methods, expanded on another type than `Flow`, as `pubsub` does for its subscriptions.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, stream};
use pubsub_operators::operator_methods;

use crate::harness::{drain, finish};

/// What was published to a topic.
#[derive(Clone, Debug, PartialEq)]
struct Event<P> {
    id: u32,
    payload: P,
}

struct Subscription<P> {
    events: stream::Iter<std::vec::IntoIter<Event<P>>>,
}

impl<P> Stream for Subscription<P>
where
    P: Unpin,
{
    type Item = Event<P>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event<P>>> {
        Pin::new(&mut self.events).poll_next(cx)
    }
}

operator_methods! {
    impl [P] Subscription<P> [where P: Unpin];
    source: Subscription<P>, item: Event<P>, into: std::convert::identity,
}

fn subscription() -> Subscription<&'static str> {
    let events = ["on", "off", "on"].into_iter().zip(0..).map(|(payload, id)| Event { id, payload });
    Subscription { events: stream::iter(events.collect::<Vec<_>>()) }
}

#[test]
fn another_type_has_the_same_methods() {
    let on = subscription().filter(|event| event.payload == "on").map(|event| event.id).take(5);
    assert_eq!(drain(on), [0, 2]);
    assert_eq!(drain(subscription().dedupe_ref(8, |event| event.payload)).len(), 2);
    assert_eq!(
        drain(subscription().filter_async(async |event| event.id > 0).map_async(async |event| event.id)),
        [1, 2]
    );
    assert_eq!(drain(subscription().window(2, 1)).len(), 2);
    assert_eq!(drain(subscription().zip(subscription()).batch(2)).len(), 2);
    assert_eq!(finish(subscription().reduce(0, |sum, event| sum + event.id)), 3);
    assert_eq!(finish(subscription().through(|events| events.map(|event| event.id).to_vec())), [0, 1, 2]);
    assert_eq!(finish(subscription().pipe(pubsub_operators::to_vec())).len(), 3);
}
