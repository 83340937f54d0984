//! Follows everything: how often each topic was used.

use std::collections::BTreeMap;

use pubsub::prelude::*;
use tokio::spawn;

use crate::events::QuakeEvent;
use crate::subscriber::{BOUND, Following, Received};

/// Events by the name of their topic.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) received: Received,
    topics: BTreeMap<&'static str, u64>,
}

pub(crate) async fn follow(bus: &PubSub<QuakeEvent>) -> Following<Ledger> {
    let events = bus.subscribe(All).bound(BOUND).await?;
    Ok(spawn(events.reduce(Ledger::default(), Ledger::and)))
}

impl Ledger {
    fn and(mut self, event: Event<QuakeEvent>) -> Self {
        self.received.count(&event);
        *self.topics.entry(event.topic).or_default() += 1;
        self
    }

    /// Every topic of the map with its number of events, those of no event too.
    pub(crate) fn topics(&self) -> String {
        let topics = QuakeEvent::TOPICS.iter().map(|topic| topic.name);
        let counted = topics.map(|name| format!("{name} {}", self.topics.get(name).unwrap_or(&0)));
        counted.collect::<Vec<_>>().join(", ")
    }
}
