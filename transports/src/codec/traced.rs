//! The trace context in the envelopes of each codec.
//!
//! JSON and MessagePack have the members `traceparent` and `tracestate`, as CloudEvents does. Postcard, which has no names,
//! writes another mark where it says whether there is an epoch, and the context after that.

#[cfg(any(feature = "json", feature = "messagepack"))]
use super::envelope::Member;
#[cfg(feature = "postcard")]
use super::{DecodeError, EncodeError, Postcard, envelope::name, postcard};
use crate::carried::Carried;
use crate::trace::TraceContext;

#[cfg(any(feature = "json", feature = "messagepack"))]
const PARENT: &str = "traceparent";
#[cfg(any(feature = "json", feature = "messagepack"))]
const STATE: &str = "tracestate";

#[cfg(any(feature = "json", feature = "messagepack"))]
pub(super) const NAMES: [&str; 2] = [PARENT, STATE];

/// Whatever is no context is none.
#[cfg(any(feature = "json", feature = "messagepack"))]
pub(super) fn read<'m, V: Member<'m>>([parent, state]: [Option<V>; 2]) -> Carried {
    let Some(parent) = parent.and_then(V::text) else { return Carried::default() };
    let state = state.and_then(V::text);
    TraceContext::parse(&parent, state.as_deref()).into()
}

#[cfg(feature = "json")]
pub(super) fn write_json(carried: &Carried, out: &mut Vec<u8>) {
    let Some(context) = carried.context() else { return };
    super::json::text(r#","traceparent":"#, &context.traceparent(), out);
    if let Some(state) = context.tracestate() {
        super::json::text(r#","tracestate":"#, state, out);
    }
}

#[cfg(feature = "messagepack")]
pub(super) fn members(carried: &Carried) -> u32 {
    carried.context().map_or(0, |context| 1 + u32::from(context.tracestate().is_some()))
}

#[cfg(feature = "messagepack")]
pub(super) fn write_messagepack(carried: &Carried, out: &mut Vec<u8>) {
    let Some(context) = carried.context() else { return };
    super::messagepack::text(PARENT, &context.traceparent(), out);
    if let Some(state) = context.tracestate() {
        super::messagepack::text(STATE, state, out);
    }
}

/// In the place of the mark of the epoch: a context follows, after an epoch or after none.
#[cfg(feature = "postcard")]
const WITHOUT_EPOCH: u8 = 2;
#[cfg(feature = "postcard")]
const WITH_EPOCH: u8 = 3;

#[cfg(feature = "postcard")]
pub(super) fn write_epoch(
    codec: &Postcard,
    topic: &str,
    epoch: Option<&str>,
    carried: &Carried,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let Some(context) = carried.context().filter(|_| codec.is_traced()) else {
        return postcard::write(topic, &epoch, out);
    };
    out.push(if epoch.is_some() { WITH_EPOCH } else { WITHOUT_EPOCH });
    if let Some(epoch) = epoch {
        postcard::write(topic, epoch, out)?;
    }
    let ids = (context.trace_id(), context.span_id(), u8::from(context.is_sampled()));
    postcard::write(topic, &(ids, context.tracestate().unwrap_or_default()), out)
}

#[cfg(feature = "postcard")]
pub(super) fn take_epoch<'m>(rest: &mut &'m [u8]) -> Result<(Option<&'m str>, Carried), DecodeError> {
    let Some(mark) = rest.first().copied().filter(|mark| matches!(*mark, WITHOUT_EPOCH | WITH_EPOCH)) else {
        return Ok((postcard::take(rest, name::EPOCH)?, Carried::default()));
    };
    *rest = &rest[1..];
    let epoch = if mark == WITH_EPOCH { Some(postcard::take(rest, name::EPOCH)?) } else { None };
    let (trace_id, span_id, flags, state): ([u8; 16], [u8; 8], u8, &[u8]) =
        postcard::take(rest, "traceparent")?;
    let context = TraceContext::new(trace_id, span_id, flags & 1 == 1);
    let state = str::from_utf8(state).unwrap_or_default();
    Ok((epoch, context.map(|context| context.with_state(state)).into()))
}
