//! Without the feature `tracing` an envelope has no trace context, and one that comes is a member that is not known.

#[cfg(any(feature = "json", feature = "messagepack"))]
use super::envelope::Member;
#[cfg(feature = "postcard")]
use super::{DecodeError, EncodeError, Postcard, envelope::name, postcard};
use crate::carried::Carried;

#[cfg(any(feature = "json", feature = "messagepack"))]
pub(super) const NAMES: [&str; 0] = [];

#[cfg(any(feature = "json", feature = "messagepack"))]
#[inline(always)]
pub(super) fn read<'m, V: Member<'m>>(_: [Option<V>; 0]) -> Carried {
    Carried::default()
}

#[cfg(feature = "json")]
#[inline(always)]
pub(super) fn write_json(_: &Carried, _: &mut Vec<u8>) {}

#[cfg(feature = "messagepack")]
#[inline(always)]
pub(super) fn members(_: &Carried) -> u32 {
    0
}

#[cfg(feature = "messagepack")]
#[inline(always)]
pub(super) fn write_messagepack(_: &Carried, _: &mut Vec<u8>) {}

#[cfg(feature = "postcard")]
#[inline(always)]
pub(super) fn write_epoch(
    _: &Postcard,
    topic: &str,
    epoch: Option<&str>,
    _: &Carried,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    postcard::write(topic, &epoch, out)
}

#[cfg(feature = "postcard")]
#[inline(always)]
pub(super) fn take_epoch<'m>(rest: &mut &'m [u8]) -> Result<(Option<&'m str>, Carried), DecodeError> {
    Ok((postcard::take(rest, name::EPOCH)?, Carried::default()))
}
