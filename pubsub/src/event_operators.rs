//! Operators on a subscription: those for any stream without an import, and those that know events.

use futures_core::Stream;
use pubsub_operators::{Flow, Operator, filter, map};

use crate::{Event, Subscription, TopicId};

pubsub_operators::operator_methods! {
    impl [Yields] Subscription<Yields> [];
    source: Subscription<Yields>, item: Yields, into: std::convert::identity,
}

impl<E> Subscription<E> {
    /// The subscription as a [`Flow`], for code that takes one; every operator is a method of the subscription itself.
    pub fn flow(self) -> Flow<Self> {
        Flow::new(self)
    }
}

/// Operators that know events, for every stream of them; in the [prelude](crate::prelude).
///
/// ```
/// # use pubsub::prelude::*;
/// # #[derive(EventMap)] enum App { Temperature(f64) }
/// # futures::executor::block_on(async {
/// # let bus = PubSub::<App>::default();
/// let hot = bus.subscribe(App::TEMPERATURE).await?
///     .filter_payload(|celsius| *celsius > 30.0)
///     .map_payload(|celsius| celsius * 1.8 + 32.0);
/// bus.publish(App::TEMPERATURE, "kitchen", 20.0).await?;
/// bus.publish(App::TEMPERATURE, "attic", 35.0).await?;
/// drop(bus);
/// let hot = hot.to_vec().await;
/// assert_eq!((hot.len(), &*hot[0].id, hot[0].payload), (1, "attic", 95.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub trait EventOperators<P, I: TopicId + ?Sized>: Stream<Item = Event<P, I>> + Sized {
    /// Keeps the events whose payload `predicate` is true for.
    ///
    /// What an event tells as [`missed`](Event::missed) is not changed by those that are not kept: they are no loss.
    fn filter_payload<F>(self, mut predicate: F) -> Flow<impl Stream<Item = Event<P, I>>>
    where
        F: FnMut(&P) -> bool,
    {
        filter(move |event: &Event<P, I>| predicate(&event.payload)).apply(self)
    }

    /// Converts the payload of every event, and keeps its topic, its id and what it tells as missed.
    ///
    /// `convert` is given the payload by reference, since others may share it; the event that comes out is new and has
    /// one holder.
    fn map_payload<Q, F>(self, mut convert: F) -> Flow<impl Stream<Item = Event<Q, I>>>
    where
        F: FnMut(&P) -> Q,
    {
        map(move |event: Event<P, I>| event.with_payload(&mut convert)).apply(self)
    }
}

impl<S: Stream<Item = Event<P, I>>, P, I: TopicId + ?Sized> EventOperators<P, I> for S {}
