//! The context, and its text.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

/// Where in which trace an event was published, as the [W3C](https://www.w3.org/TR/trace-context/) writes it.
///
/// `Debug` prints the `traceparent`, and nothing of the `tracestate`, which is what others wrote.
///
/// ```
/// use pubsub_transports::trace::TraceContext;
///
/// let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let context = TraceContext::parse(parent, Some("vendor=value")).expect("a context");
/// assert!(context.is_sampled());
/// assert_eq!((context.traceparent(), context.tracestate()), (parent.to_owned(), Some("vendor=value")));
/// assert!(TraceContext::parse("garbage", None).is_none());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: NonZeroU128,
    span_id: NonZeroU64,
    is_sampled: bool,
    state: Option<Box<str>>,
}

impl TraceContext {
    /// How many bytes of `tracestate` are carried: 512, as many as the W3C asks to pass on. A longer one is left out.
    pub const MAX_STATE: usize = 512;
    /// How many entries it may have: 32, by the W3C.
    const MAX_ENTRIES: usize = 32;
    /// The bytes of a `traceparent`, and of a later version at least.
    const LEN: usize = 55;

    /// The context of a span; `None` if one of its ids is 0, which stands for none.
    #[must_use]
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8], is_sampled: bool) -> Option<Self> {
        let trace_id = NonZeroU128::new(u128::from_be_bytes(trace_id))?;
        let span_id = NonZeroU64::new(u64::from_be_bytes(span_id))?;
        Some(Self { trace_id, span_id, is_sampled, state: None })
    }

    /// With what tracing systems say of it to each other. Without, if that is no `tracestate` or a longer one than
    /// [`MAX_STATE`](Self::MAX_STATE).
    #[must_use]
    pub fn with_state(self, tracestate: &str) -> Self {
        let state = is_state(tracestate).then(|| tracestate.into());
        Self { state, ..self }
    }

    /// What the two texts say; `None` if the first is no `traceparent`. A later version is read as far as this one knows.
    #[must_use]
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let (known, more) = traceparent.split_at_checked(Self::LEN)?;
        let mut parts = known.split('-');
        let version = hexadecimal(parts.next()?, 2)?;
        let (trace_id, span_id) = (hexadecimal(parts.next()?, 32)?, hexadecimal(parts.next()?, 16)?);
        let flags = hexadecimal(parts.next()?, 2)?;
        let is_longer = version > 0 && more.starts_with('-');
        if parts.next().is_some() || version == 0xff || !(more.is_empty() || is_longer) {
            return None;
        }
        let span_id = u64::try_from(span_id).ok()?;
        let context = Self::new(trace_id.to_be_bytes(), span_id.to_be_bytes(), flags & 1 == 1)?;
        Some(tracestate.map_or(context.clone(), |state| context.with_state(state)))
    }

    /// The first context of a trace of our own.
    pub(super) fn root() -> Self {
        Self {
            trace_id: random(|| NonZeroU128::new(fastrand::u128(..))),
            span_id: random(|| NonZeroU64::new(fastrand::u64(..))),
            is_sampled: true,
            state: None,
        }
    }

    /// The context of a span below this one.
    pub(super) fn child(&self) -> Self {
        Self { span_id: random(|| NonZeroU64::new(fastrand::u64(..))), ..self.clone() }
    }

    /// The trace.
    #[must_use]
    pub fn trace_id(&self) -> [u8; 16] {
        self.trace_id.get().to_be_bytes()
    }

    /// The span in it.
    #[must_use]
    pub fn span_id(&self) -> [u8; 8] {
        self.span_id.get().to_be_bytes()
    }

    /// Whether whoever began the trace records it.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.is_sampled
    }

    /// The text of a header `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let (trace_id, span_id) = (self.trace_id, self.span_id);
        format!("00-{trace_id:032x}-{span_id:016x}-{:02x}", u8::from(self.is_sampled))
    }

    /// The text of a header `tracestate`, if there is one.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

fn random<T>(mut next: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(id) = next() {
            return id;
        }
    }
}

/// A number of so many digits, in lower case: the W3C forbids the other, and `from_str_radix` a `+` does not.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let fits = text.len() == digits && text.bytes().all(is_digit);
    fits.then(|| u128::from_str_radix(text, 16).ok())?
}

/// Whether it is a list of `key=value`. What they mean is for those to say who wrote them.
fn is_state(text: &str) -> bool {
    let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    let is_entry = |entry: &str| matches!(entry.split_once('='), Some((key, _)) if !key.trim().is_empty());
    let mut entries = text.split(',').filter(|entry| !entry.trim().is_empty()).peekable();
    let fits = text.len() <= TraceContext::MAX_STATE && is_printable && entries.peek().is_some();
    fits && text.split(',').count() <= TraceContext::MAX_ENTRIES && entries.all(is_entry)
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceContext({})", self.traceparent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn state(text: &str) -> Option<String> {
        TraceContext::parse(PARENT, Some(text)).unwrap().tracestate().map(str::to_owned)
    }

    #[test]
    fn what_is_written_is_read() {
        for context in [TraceContext::root(), TraceContext::root().child().with_state("a=1,b=2")] {
            let read = TraceContext::parse(&context.traceparent(), context.tracestate());
            assert_eq!(read, Some(context));
        }
    }

    #[test]
    fn a_child_is_another_span_of_the_trace() {
        let root = TraceContext::root().with_state("a=1");
        let child = root.child();
        assert_eq!((child.trace_id(), child.tracestate()), (root.trace_id(), Some("a=1")));
        assert_ne!(child.span_id(), root.span_id());
    }

    /// The cases of the W3C's own test suite for `traceparent`.
    #[test]
    fn garbage_is_no_context() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for garbage in [
            String::new(),
            "-".to_owned(),
            "garbage".to_owned(),
            "🦀".repeat(14),
            format!("ff-{trace}-{span}-01"),
            format!("0-{trace}-{span}-01"),
            format!("0x-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{}-{span}-01", &trace[1..]),
            format!("00-{trace}-{span}-1"),
            format!("00-{trace}-{span}-0+"),
            format!("00-+{}-{span}-01", &trace[1..]),
            format!("00-{trace}-{span}-01-"),
            format!("00-{trace}-{span}-01-more"),
            format!("00-{trace}-{span}-01.more"),
            format!("cc-{trace}-{span}-01.more"),
            format!(" 00-{trace}-{span}-01"),
            format!("00_{trace}_{span}_01"),
        ] {
            assert_eq!(TraceContext::parse(&garbage, None), None, "{garbage}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for later in [PARENT.replacen("00", "cc", 1), format!("{}-more", PARENT.replacen("00", "01", 1))] {
            assert_eq!(TraceContext::parse(&later, None).unwrap().traceparent(), PARENT, "{later}");
        }
        let other_flags = TraceContext::parse(&PARENT.replace("-01", "-fe"), None).unwrap();
        assert!(!other_flags.is_sampled());
    }

    #[test]
    fn a_state_that_is_none_costs_no_parent() {
        assert_eq!(state("a=1, b=2,").as_deref(), Some("a=1, b=2,"));
        for garbage in ["", ",", "a", "=1", "a=1,b", "a=\u{e9}", "a=\n"] {
            assert_eq!(state(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn a_state_is_bounded() {
        let fits = format!("a={}", "x".repeat(TraceContext::MAX_STATE - 2));
        assert_eq!(state(&fits), Some(fits.clone()));
        assert_eq!(state(&format!("{fits}x")), None);
        let entries = |count: usize| vec!["a=1"; count].join(",");
        assert!(state(&entries(32)).is_some());
        assert_eq!(state(&entries(33)), None);
    }
}
