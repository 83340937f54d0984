//! The span of a handler.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use pubsub_transports::__private::{Carried, span};
use tracing::Span;
use tracing::field::Empty;

pin_project! {
    /// A handler at one event. What it publishes goes on below it.
    pub(crate) struct Processing<F> {
        span: Span,
        carried: Carried,
        #[pin]
        handling: F,
    }
}

/// `handling` of an event that carries this, in a span.
pub(crate) fn process<F: Future>(topic: &'static str, carried: Carried, handling: F) -> Processing<F> {
    let span = tracing::info_span!(
        target: "pubsub::process",
        parent: None,
        "process",
        otel.name = format_args!("process {topic}"),
        otel.kind = "consumer",
        messaging.system = "pubsub",
        messaging.operation.type = "process",
        messaging.operation.name = "process",
        messaging.destination.name = topic,
        trace_id = Empty,
        span_id = Empty,
        parent_span_id = Empty,
    );
    let carried = span::place(&span, carried.context());
    Processing { span, carried, handling }
}

impl<F: Future> Future for Processing<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _span = this.span.enter();
        let _current = span::enter(this.carried);
        this.handling.poll(cx)
    }
}
