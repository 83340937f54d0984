//! Operators on a subscription: those for any stream without an import, and those that know events.

use futures_core::stream::FusedStream;
use pubsub_operators::Flow;

use crate::{Event, EventId, Subscription, TopicId};

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
pub trait EventOperators<P, I: TopicId + ?Sized>: FusedStream<Item = Event<P, I>> + Sized {
    /// Keeps the events whose payload `predicate` is true for.
    ///
    /// ```text
    /// in   --1---2--3---4--|
    ///        filter_payload(even)
    /// out  ------2------4--|
    /// ```
    ///
    /// What an event that is not kept told as [`missed`](Event::missed), the next one that is kept tells too.
    fn filter_payload<F>(self, mut predicate: F) -> Flow<impl FusedStream<Item = Event<P, I>>>
    where
        F: FnMut(&P) -> bool,
    {
        Flow::new(self)
            .map(total_missed())
            .filter(move |event: &Event<P, I>| predicate(&event.payload))
            .map(missed_since())
    }

    /// Drops an event whose [`event_id`](crate::EventData::event_id) is among the last `last` that came: what is delivered
    /// at least once is handled once. An event without an id is never taken for a duplicate.
    ///
    /// ```text
    /// in   --a---b--a---c--|     each letter is an event id
    ///        dedupe_id(8)
    /// out  --a---b------c--|
    /// ```
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Paid(u32) }
    /// # futures::executor::block_on(async {
    /// # let bus = PubSub::<App>::default();
    /// let paid = bus.subscribe(App::PAID).await?.dedupe_id(1_000);
    /// for attempt in ["first", "again"] {
    ///     let id = pubsub::EventId::derive("payments", ["order 17"]);
    ///     bus.publish(App::PAID, attempt, 250).event_id(id).await?;
    /// }
    /// drop(bus);
    /// assert_eq!(paid.to_vec().await.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// If `last` is 0.
    fn dedupe_id(self, last: usize) -> Flow<impl FusedStream<Item = Event<P, I>>> {
        // `dedupe_ok` lets through, in order, what is not `Ok`.
        let with_id = |event: Event<P, I>| match event.event_id() {
            Some(id) => Ok((id, event)),
            None => Err(event),
        };
        let event = |item| match item {
            Ok((_, event)) | Err(event) => event,
        };
        Flow::new(self)
            .map(total_missed())
            .map(with_id)
            .dedupe_ok(last, |(id, _): &(EventId, Event<P, I>)| *id)
            .map(event)
            .map(missed_since())
    }

    /// Converts the payload of every event, and keeps its topic, its id and what it tells as missed.
    ///
    /// ```text
    /// in   --a1---b2--|     a letter is the id, a number the payload
    ///        map_payload(x 10)
    /// out  --a10--b20-|
    /// ```
    ///
    /// `convert` is given the payload by reference, since others may share it; the event that comes out is new and has
    /// one holder.
    fn map_payload<Q, F>(self, mut convert: F) -> Flow<impl FusedStream<Item = Event<Q, I>>>
    where
        F: FnMut(&P) -> Q,
    {
        Flow::new(self).map(move |event: Event<P, I>| event.with_payload(&mut convert))
    }
}

impl<S: FusedStream<Item = Event<P, I>>, P, I: TopicId + ?Sized> EventOperators<P, I> for S {}

/// Before an operator that drops events: each tells what was missed in all, so that a dropped one takes nothing with it.
fn total_missed<P, I: TopicId + ?Sized>() -> impl FnMut(Event<P, I>) -> Event<P, I> {
    let mut total = 0;
    move |mut event| {
        total += event.missed;
        event.missed = total;
        event
    }
}

/// After it: each tells again what was missed since the one before it.
fn missed_since<P, I: TopicId + ?Sized>() -> impl FnMut(Event<P, I>) -> Event<P, I> {
    let mut told = 0;
    move |mut event| {
        let total = event.missed;
        event.missed = total - std::mem::replace(&mut told, total);
        event
    }
}
