//! What the envelopes of all codecs have in common: their members, and when they make a header.

#[cfg(any(feature = "json", feature = "messagepack"))]
pub(super) use self::keyed::{Envelope, Member, Slot};
use super::DecodeError;
use crate::{EventId, Header, Position};

/// The names of the members, in the order in which they are written.
pub(super) mod name {
    pub(in crate::codec) const TYPE: &str = "type";
    pub(in crate::codec) const ID: &str = "id";
    pub(in crate::codec) const EVENT_ID: &str = "eventId";
    pub(in crate::codec) const OFFSET: &str = "offset";
    pub(in crate::codec) const AFTER: &str = "after";
    pub(in crate::codec) const EPOCH: &str = "epoch";
    #[cfg(any(feature = "json", feature = "messagepack"))]
    pub(in crate::codec) const PAYLOAD: &str = "payload";
}

/// The members that may be absent.
pub(super) struct Optional<T> {
    pub(super) event_id: Option<EventId>,
    pub(super) offset: Option<u64>,
    pub(super) after: Option<u64>,
    pub(super) epoch: Option<T>,
}

impl<T: AsRef<str>> Optional<T> {
    pub(super) fn header(self, topic: &str, id: &str) -> Result<Header, DecodeError> {
        let mut header = Header::new(topic, id);
        if let Some(event_id) = self.event_id {
            header = header.with_event_id(event_id);
        }
        let Some(offset) = self.offset else {
            // Either says something about an offset only.
            let alone = self.after.is_some() || self.epoch.is_some();
            return if alone { Err(DecodeError::Missing { member: name::OFFSET }) } else { Ok(header) };
        };
        let mut position = Position::new(offset);
        if let Some(after) = self.after {
            position = position.with_after(after);
        }
        if let Some(epoch) = self.epoch {
            position = position.with_epoch(epoch.as_ref());
        }
        Ok(header.with_position(position))
    }
}

/// Envelopes whose members have names, and any order.
#[cfg(any(feature = "json", feature = "messagepack"))]
mod keyed {
    use std::borrow::Cow;

    use super::{DecodeError, Header, Optional, name};
    use crate::codec::trace;

    const NAMES: [&str; 7] =
        [name::TYPE, name::ID, name::EVENT_ID, name::OFFSET, name::AFTER, name::EPOCH, name::PAYLOAD];

    /// Those that are required and those that are not, then those that are ignored where they are wrong.
    const KNOWN: usize = NAMES.len() + trace::NAMES.len();

    /// The value of a member, of whatever kind: so a wrong one is told apart from wrong syntax.
    pub(in crate::codec) trait Member<'m> {
        fn is_null(&self) -> bool;
        fn text(self) -> Option<Cow<'m, str>>;
        fn number(self) -> Option<u64>;
        fn payload(self) -> Option<&'m [u8]>;
    }

    /// A known member: its place in `NAMES`, or after them in `trace::NAMES`.
    #[derive(Clone, Copy)]
    pub(in crate::codec) struct Slot(usize);

    impl Slot {
        pub(in crate::codec) fn named(name: &str) -> Option<Self> {
            NAMES.iter().chain(&trace::NAMES).position(|known| *known == name).map(Self)
        }

        #[cfg(feature = "json")]
        pub(in crate::codec) fn is_trace(self) -> bool {
            self.0 >= NAMES.len()
        }

        #[cfg(feature = "json")]
        pub(in crate::codec) fn is_payload(self) -> bool {
            self.0 == NAMES.len() - 1
        }
    }

    /// The known members of one message, as they come.
    pub(in crate::codec) struct Envelope<V> {
        values: [Option<V>; KNOWN],
        duplicate: Option<&'static str>,
    }

    impl<V> Default for Envelope<V> {
        fn default() -> Self {
            Self { values: [const { None }; KNOWN], duplicate: None }
        }
    }

    impl<'m, V: Member<'m>> Envelope<V> {
        pub(in crate::codec) fn set(&mut self, Slot(slot): Slot, value: V) {
            if self.values[slot].replace(value).is_some()
                && let Some(name) = NAMES.get(slot)
            {
                self.duplicate = Some(name);
            }
        }

        pub(in crate::codec) fn split(self) -> Result<(Header, &'m [u8]), DecodeError> {
            if let Some(member) = self.duplicate {
                return Err(DecodeError::Duplicate { member });
            }
            let [topic, id, event_id, offset, after, epoch, payload, traced @ ..] = self.values;
            let topic = required(name::TYPE, topic, V::text)?;
            let id = required(name::ID, id, V::text)?;
            let optional = Optional {
                event_id: optional(name::EVENT_ID, event_id, |value| value.text()?.parse().ok())?,
                offset: optional(name::OFFSET, offset, V::number)?,
                after: optional(name::AFTER, after, V::number)?,
                epoch: optional(name::EPOCH, epoch, V::text)?,
            };
            let header = optional.header(&topic, &id)?.with_carried(trace::read(traced));
            Ok((header, required(name::PAYLOAD, payload, V::payload)?))
        }
    }

    fn required<'m, V: Member<'m>, T>(
        member: &'static str,
        value: Option<V>,
        read: impl FnOnce(V) -> Option<T>,
    ) -> Result<T, DecodeError> {
        let value = value.ok_or(DecodeError::Missing { member })?;
        read(value).ok_or(DecodeError::Invalid { member })
    }

    /// A null is an absent member: what JavaScript may make of `undefined`.
    fn optional<'m, V: Member<'m>, T>(
        member: &'static str,
        value: Option<V>,
        read: impl FnOnce(V) -> Option<T>,
    ) -> Result<Option<T>, DecodeError> {
        let value = value.filter(|value| !value.is_null());
        value.map(|value| read(value).ok_or(DecodeError::Invalid { member })).transpose()
    }
}
