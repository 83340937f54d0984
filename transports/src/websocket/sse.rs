//! Server-sent events: what a hub sends to one connection, as the text of an event stream.
//!
//! [The format](https://html.spec.whatwg.org/multipage/server-sent-events.html) is that of the HTML standard. Each message of the
//! hub is one event of it: `event:` is the envelope's type, `data:` the envelope, and `id:` says how far every topic of
//! the request has come, so that a browser that comes back by itself says it as `Last-Event-ID`.

mod positions;
#[cfg(feature = "test-util")]
pub(crate) mod seen;
mod text;

pub(crate) use self::positions::Positions;
pub(crate) use self::text::{KEEP_ALIVE, retry};
use super::wire::{Reply, Speaks};

/// What goes out on one event stream.
pub(crate) struct EventStreamText {
    positions: Positions,
}

impl EventStreamText {
    pub(crate) fn new(positions: Positions) -> Self {
        Self { positions }
    }

    /// Appends a message of the hub, which is one of `codec`.
    pub(crate) fn write(&mut self, codec: &dyn Speaks, message: &[u8], out: &mut Vec<u8>) {
        let Ok((header, payload)) = codec.split(message) else { return };
        if !header.is_control() {
            self.positions.event(&header);
        } else if let Ok(reply) = codec.reply(&header, payload) {
            match reply {
                Reply::Subscribed(reply) => self.positions.subscribed(&reply),
                Reply::Gap(gap) => self.positions.gap(&gap),
                Reply::Disconnect(goodbye) => retry(goodbye.retry_after_ms, out),
                _ => {}
            }
        }
        text::event(header.topic(), &self.positions, message, out);
    }
}

#[cfg(test)]
mod tests;
