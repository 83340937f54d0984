//! Spans and events by the crate `tracing`, and the [W3C trace context](https://www.w3.org/TR/trace-context/) of events.
//!
//! An event that leaves the process carries where in which trace it was published; who receives it goes on there. So one
//! event is followed from its publisher through a hub or Redis to each handler, in one trace.
//!
//! `tracing` knows no ids of its own for that. Without a [`Propagator`] this crate makes them, and its spans say them in the
//! fields `trace_id`, `span_id` and `parent_span_id`; with one, as for `tracing-opentelemetry`, they are those of your
//! tracing system.
//!
//! | span | target | level | kind | from, to |
//! |---|---|---|---|---|
//! | `publish` | `pubsub::publish` | info | producer | over a wire, from the publish to its answer |
//! | `relay` | `pubsub::relay` | info | internal | a hub has accepted an event that carries a context, or got it from what it is behind |
//! | `receive` | `pubsub::receive` | info | consumer | an event that came over a wire is decoded and given to subscriptions |
//! | `process` | `pubsub::process` | info | consumer | a [handler](crate::PubSub::on) handles an event |
//!
//! | event | target | level | fields |
//! |---|---|---|---|
//! | `connected` | `pubsub::connection` | info | `pubsub.transport` |
//! | `connection lost` | `pubsub::connection` | warn | `pubsub.transport`, `error.type` |
//! | `closed` | `pubsub::connection` | info, warn where it was not asked for | `pubsub.transport`, `error.type` |
//! | `events lost` | `pubsub::gap` | warn | `pubsub.transport`, `reason`, `missed` |
//! | `error` | `pubsub::error` | error where a handler failed, else warn | `error.type`, `topic` |
//!
//! They name topics, transports and kinds of errors; never payloads, ids of topics, event ids, names of who is there,
//! addresses or what others wrote, except that a `relay` names the topic of a client: a hub has no event map. Where no subscriber wants a span, its event carries no context, except what came with
//! [`Publish::trace_context`](crate::Publish::trace_context).

mod process;

use pubsub_transports::__private::{Carried, span};
pub use pubsub_transports::trace::{Propagator, PropagatorSetError, TraceContext, set_propagator};
use pubsub_transports::{ConnectionState, Gap, Header, SendError};
use tracing::Span;
use tracing::field::Empty;
use tracing::span::EnteredSpan;

pub(crate) use self::process::process;
use crate::{BusError, kind};

/// A publish over a wire, until it is answered.
pub(crate) struct Publishing(Span);

impl Publishing {
    /// And what the event is to carry. `given` is what its publisher said.
    pub(crate) fn new(topic: &'static str, transport: &'static str, given: &Carried) -> (Self, Carried) {
        let span = tracing::info_span!(
            target: "pubsub::publish",
            "publish",
            otel.name = format_args!("publish {topic}"),
            otel.kind = "producer",
            messaging.system = "pubsub",
            messaging.operation.type = "send",
            messaging.operation.name = "publish",
            messaging.destination.name = topic,
            messaging.message.body.size = Empty,
            pubsub.transport = transport,
            error.type = Empty,
            trace_id = Empty,
            span_id = Empty,
            parent_span_id = Empty,
        );
        let carried = span::place(&span, given.context());
        (Self(span), carried)
    }

    pub(crate) fn encoded(&self, bytes: usize) {
        self.0.record("messaging.message.body.size", bytes);
    }

    pub(crate) fn not_encoded(&self) {
        self.0.record("error.type", "encode");
    }

    pub(crate) fn failed(&self, error: &SendError) {
        self.0.record("error.type", kind::of_sending(error));
    }
}

/// An event that came over a wire, until subscriptions have it.
pub(crate) struct Receiving {
    span: EnteredSpan,
    carried: Carried,
}

impl Receiving {
    pub(crate) fn new(topic: &'static str, transport: &'static str, header: &Header) -> Self {
        let span = tracing::info_span!(
            target: "pubsub::receive",
            parent: None,
            "receive",
            otel.name = format_args!("receive {topic}"),
            otel.kind = "consumer",
            messaging.system = "pubsub",
            messaging.operation.type = "receive",
            messaging.operation.name = "receive",
            messaging.destination.name = topic,
            pubsub.transport = transport,
            error.type = Empty,
            trace_id = Empty,
            span_id = Empty,
            parent_span_id = Empty,
        );
        let carried = span::place(&span, header.trace_context());
        Self { span: span.entered(), carried }
    }

    /// What whoever handles it goes on from.
    pub(crate) fn carried(&self) -> Carried {
        self.carried.clone()
    }

    pub(crate) fn not_decoded(&self) {
        self.span.record("error.type", "undecodable");
    }
}

/// What is told of in [`PubSub::errors`](crate::PubSub::errors).
pub(crate) fn error(error: &BusError) {
    let (kind, topic) = (kind::of_error(error), topic_of(error));
    match error {
        BusError::HandlerFailed { .. } | BusError::HandlerPanicked { .. } => {
            tracing::error!(target: "pubsub::error", { error.type = kind, topic }, "error");
        }
        _ => tracing::warn!(target: "pubsub::error", { error.type = kind, topic }, "error"),
    }
}

/// That of the map: what came and is none of it, a peer chose.
fn topic_of(error: &BusError) -> Option<&str> {
    match error {
        BusError::HandlerFailed { topic, .. }
        | BusError::HandlerPanicked { topic, .. }
        | BusError::Blocked { topic, .. } => Some(topic),
        BusError::NotSent { topic, .. } => Some(topic),
        _ => None,
    }
}

pub(crate) fn gap(transport: &'static str, gap: Gap) {
    let (reason, missed) = (kind::of_gap(gap.reason), gap.missed);
    tracing::warn!(target: "pubsub::gap", { pubsub.transport = transport, reason, missed }, "events lost");
}

/// A connection changed. Every further try to reconnect is not told.
pub(crate) fn state(transport: &'static str, before: &ConnectionState, state: &ConnectionState) {
    if std::mem::discriminant(before) == std::mem::discriminant(state) {
        return;
    }
    const TARGET: &str = "pubsub::connection";
    let kind = kind::of_state(state);
    match state {
        ConnectionState::Connected => {
            tracing::info!(target: TARGET, { pubsub.transport = transport }, "connected");
        }
        ConnectionState::Closed { error: None } => {
            tracing::info!(target: TARGET, { pubsub.transport = transport }, "closed");
        }
        ConnectionState::Closed { .. } => {
            tracing::warn!(target: TARGET, { pubsub.transport = transport, error.type = kind }, "closed");
        }
        _ => {
            tracing::warn!(target: TARGET, { pubsub.transport = transport, error.type = kind }, "connection lost");
        }
    }
}
