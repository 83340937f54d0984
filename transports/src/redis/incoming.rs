//! What comes on a channel: an event, or something that is none.

use super::names::{self, Names};
use super::resp::Parts;
use crate::codec::Codec;
use crate::{Body, DecodeError, Frame, Undecodable};

/// The event in a message.
///
/// # Errors
/// If the message is no envelope, or one that belongs on another channel. The payload is not looked at.
pub(super) fn frame(
    codec: &dyn Codec,
    names: &Names,
    parts: &Parts,
    channel: &[u8],
    message: &[u8],
) -> Result<Frame, Undecodable> {
    let channel = names.strip(channel).unwrap_or_default();
    let undecodable = |error| Undecodable::new(names::address(channel), error);
    let (header, payload) = codec.split(message).map_err(undecodable)?;
    names::check(channel, &header).map_err(undecodable)?;
    let payload = parts.share(payload);
    Ok(Frame { header, body: Body::Bytes(payload) })
}

/// A message that was too large to be kept.
pub(super) fn too_large(names: &Names, channel: Option<&[u8]>, size: usize, limit: usize) -> Undecodable {
    let address = channel.and_then(|channel| names::address(names.strip(channel)?));
    Undecodable::new(address, DecodeError::TooLarge { size, limit })
}
