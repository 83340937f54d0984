//! What a workload needs of a bus: ours, and what a user would write instead of it.

use compact_str::CompactString;
use pubsub::EventMap;

/// A payload of 32 bytes.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) number: u64,
    /// Who published it, or when.
    pub(crate) mark: u64,
    pub(crate) _more: [u64; 2],
}

impl Status {
    pub(crate) fn new(number: u64, mark: u64) -> Self {
        Self { number, mark, _more: [number, mark] }
    }
}

#[derive(EventMap)]
pub(crate) enum App {
    SessionStatus(Status),
    Tick(u64),
    Text(Box<str>),
}

/// What the peers send: the same data, shared in the same way. A user who writes a bus by hand has an enum too.
pub(crate) struct Envelope {
    pub(crate) _id: CompactString,
    pub(crate) payload: App,
}

impl Envelope {
    pub(crate) fn status(&self) -> (u64, u64) {
        match &self.payload {
            App::SessionStatus(status) => (status.number, status.mark),
            App::Tick(_) | App::Text(_) => (0, 0),
        }
    }
}

/// A bus of [`Status`] under one topic. Receiving gives number and mark, and drops the event.
pub(crate) trait Bus: Clone + Send + Sync + 'static {
    const NAME: &'static str;
    type Subscription: Send + 'static;

    fn new(bound: usize) -> Self;
    fn one(&self, id: &str) -> Self::Subscription;
    fn whole(&self) -> Self::Subscription;
    fn many(&self, ids: &[String]) -> Self::Subscription;
    fn publish_now(&self, id: &str, status: Status);
    fn publish(&self, id: &str, status: Status) -> impl Future<Output = ()> + Send;
    fn receive(subscription: &mut Self::Subscription) -> impl Future<Output = (u64, u64)> + Send;
}
