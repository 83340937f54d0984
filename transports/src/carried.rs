//! What a header carries for tracing: nothing at all, unless the feature `tracing` is on.

#[cfg(feature = "tracing")]
use crate::Header;
#[cfg(feature = "tracing")]
use crate::trace::TraceContext;

/// A trace context, where there is one; boxed, since most events have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried(#[cfg(feature = "tracing")] Option<Box<TraceContext>>);

#[cfg(feature = "tracing")]
impl Carried {
    /// The context.
    #[must_use]
    pub fn context(&self) -> Option<&TraceContext> {
        self.0.as_deref()
    }
}

#[cfg(feature = "tracing")]
impl From<Option<TraceContext>> for Carried {
    fn from(context: Option<TraceContext>) -> Self {
        Self(context.map(Box::new))
    }
}

impl Carried {
    /// Whether there is something that an event can do without.
    #[inline(always)]
    #[must_use]
    pub fn is_some(&self) -> bool {
        #[cfg(feature = "tracing")]
        return self.0.is_some();
        #[cfg(not(feature = "tracing"))]
        false
    }

    /// More bytes than it takes in any codec.
    #[cfg(feature = "websocket")]
    pub(crate) fn size(&self) -> usize {
        #[cfg(feature = "tracing")]
        if let Some(context) = self.context() {
            // The state is written in JSON, where a quote takes two bytes.
            return 96 + 2 * context.tracestate().map_or(0, str::len);
        }
        0
    }
}

#[cfg(feature = "tracing")]
impl Header {
    /// With the trace context that its event belongs to.
    #[must_use]
    pub fn with_trace_context(self, context: TraceContext) -> Self {
        self.with_carried(Some(context).into())
    }

    /// The trace context that its event belongs to, if it carries one.
    #[must_use]
    pub fn trace_context(&self) -> Option<&TraceContext> {
        self.carried().context()
    }
}
