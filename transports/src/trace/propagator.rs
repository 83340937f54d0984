//! Where the ids of spans come from.

use std::fmt;
use std::sync::OnceLock;

use tracing::Span;

use super::TraceContext;

/// Knows which trace context a span has: the bridge to a tracing system that has ids of its own.
///
/// Called where events are published and delivered, for spans that are enabled; it should be quick. A panic in it is one of
/// the caller's.
pub trait Propagator: Send + Sync + 'static {
    /// The context of `span`; `None` if it has none, as where it is recorded by nobody: then the event carries none.
    fn context(&self, span: &Span) -> Option<TraceContext>;

    /// Says that `span`, which was made just now, goes on below `parent`.
    fn continue_from(&self, span: &Span, parent: &TraceContext);
}

static PROPAGATOR: OnceLock<Box<dyn Propagator>> = OnceLock::new();

/// Takes the ids of spans from `propagator` from now on, in the whole process.
///
/// Set it before the first bus is made. For `tracing-opentelemetry` it is a dozen lines: see the book, "See inside".
///
/// ```
/// use pubsub_transports::trace::{Propagator, TraceContext, set_propagator};
/// use tracing::Span;
///
/// /// Carries nothing, and begins nothing: what comes in is not continued either.
/// struct Nothing;
///
/// impl Propagator for Nothing {
///     fn context(&self, _: &Span) -> Option<TraceContext> {
///         None
///     }
///
///     fn continue_from(&self, _: &Span, _: &TraceContext) {}
/// }
///
/// set_propagator(Nothing)?;
/// assert!(set_propagator(Nothing).is_err());
/// # Ok::<(), pubsub_transports::trace::PropagatorSetError>(())
/// ```
///
/// # Errors
/// If one was set before: that one stays.
pub fn set_propagator(propagator: impl Propagator) -> Result<(), PropagatorSetError> {
    PROPAGATOR.set(Box::new(propagator)).map_err(|_| PropagatorSetError)
}

pub(super) fn propagator() -> Option<&'static dyn Propagator> {
    PROPAGATOR.get().map(|propagator| &**propagator)
}

/// A propagator was set before, and stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PropagatorSetError;

impl fmt::Display for PropagatorSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a propagator of trace contexts was set before: set it once, where the program begins")
    }
}

impl std::error::Error for PropagatorSetError {}
