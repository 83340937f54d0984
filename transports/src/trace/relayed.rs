//! The span of a hub: that an event went through it.

use compact_str::CompactString;
use tracing::Level;
use tracing::level_filters::LevelFilter;

use super::span;
use crate::Header;
use crate::carried::Carried;

/// That an event with a trace context went through a hub, which hands it on as it is: whoever receives the event goes on below
/// whoever published it. A hub begins no trace.
#[derive(Debug)]
pub struct Relayed {
    topic: CompactString,
    /// Where the hub has it from.
    origin: &'static str,
    carried: Carried,
}

impl Relayed {
    /// A hub has accepted it from who published it. `None` where nothing of it would be seen. Asks no subscriber, since a hub has
    /// its lock meanwhile.
    pub(crate) fn accepted(header: &Header) -> Option<Self> {
        Self::new(header, "publisher")
    }

    /// The same of one that came from what the hub is behind.
    pub(crate) fn arrived(header: &Header) -> Option<Self> {
        Self::new(header, "upstream")
    }

    fn new(header: &Header, origin: &'static str) -> Option<Self> {
        let seen = LevelFilter::current() >= Level::INFO && header.trace_context().is_some();
        seen.then(|| Self { topic: header.topic().into(), origin, carried: header.carried().clone() })
    }

    /// Makes the span, which is over at once: the way to each client is theirs.
    pub(crate) fn tell(self) {
        let topic = &*self.topic;
        let span = tracing::info_span!(
            target: "pubsub::relay",
            parent: None,
            "relay",
            otel.name = format_args!("relay {topic}"),
            otel.kind = "internal",
            messaging.system = "pubsub",
            messaging.destination.name = topic,
            messaging.operation.name = "relay",
            pubsub.origin = self.origin,
            trace_id = tracing::field::Empty,
            span_id = tracing::field::Empty,
            parent_span_id = tracing::field::Empty,
        );
        let _carried = span::place(&span, self.carried.context());
        span.in_scope(|| {});
    }
}
