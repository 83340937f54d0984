//! The bridge between the trace contexts of events and the ids of OpenTelemetry.

// ANCHOR: propagator
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId};
use pubsub::trace::{Propagator, TraceContext};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

pub(crate) struct OpenTelemetry;

impl Propagator for OpenTelemetry {
    fn context(&self, span: &Span) -> Option<TraceContext> {
        let context = span.context();
        let span = context.span();
        let own = span.span_context();
        let ids = (own.trace_id().to_bytes(), own.span_id().to_bytes());
        let context = TraceContext::new(ids.0, ids.1, own.is_sampled())?;
        Some(context.with_state(&own.trace_state().header()))
    }

    fn continue_from(&self, span: &Span, parent: &TraceContext) {
        let ids = (TraceId::from_bytes(parent.trace_id()), SpanId::from_bytes(parent.span_id()));
        let flags = TraceFlags::default().with_sampled(parent.is_sampled());
        let state = parent.tracestate().and_then(|state| state.parse().ok()).unwrap_or_default();
        let parent = SpanContext::new(ids.0, ids.1, flags, true, state);
        // It fails for a span that is not recorded, which has no parent either.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}
// ANCHOR_END: propagator
