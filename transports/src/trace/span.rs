//! How a span gets its place in a trace. For the `pubsub` crate.

use std::cell::RefCell;

use tracing::Span;
use tracing::subscriber::NoSubscriber;

use super::TraceContext;
use super::propagator::propagator;
use crate::__private::Carried;

thread_local! {
    /// The context of the handler that runs, where no propagator knows it.
    static CURRENT: RefCell<Option<TraceContext>> = const { RefCell::new(None) };
}

/// The context of a span that was made just now, which goes on below `parent`, or else below what runs here. Where the
/// span is not enabled, whatever came before is passed on.
#[must_use]
pub fn place(span: &Span, parent: Option<&TraceContext>) -> Carried {
    let context = match propagator() {
        Some(propagator) if !is_seen(span) => {
            parent.cloned().or_else(|| propagator.context(&Span::current()))
        }
        Some(propagator) => {
            if let Some(parent) = parent {
                propagator.continue_from(span, parent);
            }
            propagator.context(span)
        }
        None => {
            let parent = parent.cloned().or_else(|| CURRENT.with_borrow(Clone::clone));
            if is_seen(span) { Some(own(span, parent)) } else { parent }
        }
    };
    context.into()
}

/// Whether somebody is told of it: a span is enabled too where only another thread has a subscriber.
fn is_seen(span: &Span) -> bool {
    span.with_subscriber(|(_, subscriber)| !subscriber.is::<NoSubscriber>()).unwrap_or(false)
}

/// Ids of our own, which the span says.
fn own(span: &Span, parent: Option<TraceContext>) -> TraceContext {
    let context = parent.as_ref().map_or_else(TraceContext::root, TraceContext::child);
    span.record("trace_id", format_args!("{:032x}", u128::from_be_bytes(context.trace_id())));
    span.record("span_id", format_args!("{:016x}", u64::from_be_bytes(context.span_id())));
    if let Some(parent) = parent {
        span.record("parent_span_id", format_args!("{:016x}", u64::from_be_bytes(parent.span_id())));
    }
    context
}

/// What is published on this thread until it is dropped goes on below `context`.
#[must_use]
pub fn enter(context: &Carried) -> Entered {
    Entered(CURRENT.replace(context.context().cloned()))
}

/// What was current before.
#[derive(Debug)]
pub struct Entered(Option<TraceContext>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}
