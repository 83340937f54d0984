//! Our bus, and our publisher handle.

use std::sync::{Arc, OnceLock};

use pubsub::{Event, Overflow, PubSub, Publisher, Subscription};

use crate::bus::{App, Bus, Status};

/// A bus whose subscriptions ask for backpressure, or drop the oldest.
#[derive(Clone)]
pub(crate) struct Ours<const DROP_OLDEST: bool> {
    bus: PubSub<App>,
    bound: usize,
}

impl<const DROP_OLDEST: bool> Ours<DROP_OLDEST> {
    fn subscribe<S>(&self, selector: S) -> Subscription<Event<Status>>
    where
        S: pubsub::Selector<App, Event = Event<Status>>,
    {
        let overflow = if DROP_OLDEST { Overflow::DropOldest } else { Overflow::Backpressure };
        let subscription = self.bus.subscribe(selector).bound(self.bound).overflow(overflow).now();
        subscription.expect("the bus is open")
    }
}

impl<const DROP_OLDEST: bool> Bus for Ours<DROP_OLDEST> {
    const NAME: &'static str = "ours";
    type Subscription = Subscription<Event<Status>>;

    fn new(bound: usize) -> Self {
        Self { bus: PubSub::default(), bound }
    }

    fn one(&self, id: &str) -> Self::Subscription {
        self.subscribe(App::SESSION_STATUS.id(id))
    }

    fn whole(&self) -> Self::Subscription {
        self.subscribe(App::SESSION_STATUS)
    }

    fn many(&self, ids: &[String]) -> Self::Subscription {
        self.subscribe(ids.iter().map(|id| App::SESSION_STATUS.id(id)).collect::<Vec<_>>())
    }

    #[inline]
    fn publish_now(&self, id: &str, status: Status) {
        self.bus.publish(App::SESSION_STATUS, id, status).now().expect("there is room");
    }

    #[inline]
    async fn publish(&self, id: &str, status: Status) {
        self.bus.publish(App::SESSION_STATUS, id, status).await.expect("the bus is open");
    }

    #[inline]
    async fn receive(subscription: &mut Self::Subscription) -> (u64, u64) {
        let event = subscription.next().await.expect("the bus is open");
        (event.payload.number, event.payload.mark)
    }
}

/// The publisher to the first address that was subscribed to.
#[derive(Clone)]
pub(crate) struct Handle {
    ours: Ours<false>,
    publisher: Arc<OnceLock<Publisher<Status>>>,
}

impl Bus for Handle {
    const NAME: &'static str = "ours, publisher";
    type Subscription = Subscription<Event<Status>>;

    fn new(bound: usize) -> Self {
        Self { ours: Ours::new(bound), publisher: Arc::default() }
    }

    fn one(&self, id: &str) -> Self::Subscription {
        self.publisher.get_or_init(|| self.ours.bus.publisher(App::SESSION_STATUS, id));
        self.ours.one(id)
    }

    fn whole(&self) -> Self::Subscription {
        self.ours.whole()
    }

    fn many(&self, ids: &[String]) -> Self::Subscription {
        self.ours.many(ids)
    }

    #[inline]
    fn publish_now(&self, _: &str, status: Status) {
        let publisher = self.publisher.get().expect("somebody subscribed");
        publisher.publish(status).now().expect("there is room");
    }

    #[inline]
    async fn publish(&self, _: &str, status: Status) {
        let publisher = self.publisher.get().expect("somebody subscribed");
        publisher.publish(status).await.expect("the bus is open");
    }

    #[inline]
    async fn receive(subscription: &mut Self::Subscription) -> (u64, u64) {
        Ours::<false>::receive(subscription).await
    }
}
