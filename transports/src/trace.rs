//! Traces that go on in another process: the [W3C trace context](https://www.w3.org/TR/trace-context/) of an event.
//!
//! An event that is published over a wire carries a [`TraceContext`] in its envelope, as the members `traceparent` and
//! `tracestate`. Who reads it and knows nothing of it passes over them; what is no context is ignored, and the event is
//! delivered all the same.
//!
//! `tracing` itself knows no such ids. Unless told otherwise this crate makes its own, and its spans say them in their
//! fields `trace_id`, `span_id` and `parent_span_id`. Where another has them, as `tracing-opentelemetry` does, a
//! [`Propagator`] takes them from there.

mod context;
mod propagator;
#[cfg(feature = "websocket")]
mod relayed;
#[doc(hidden)]
pub mod span;

pub use self::context::TraceContext;
pub use self::propagator::{Propagator, PropagatorSetError, set_propagator};
#[cfg(feature = "websocket")]
pub use self::relayed::Relayed;
