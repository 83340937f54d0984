//! Reading an envelope that is as [`Json`](super::Json) writes it: known members alone, in their order, and before the payload no
//! escapes and no white space. Nearly all are, and this takes a fraction of the time. What is not read here is no error: the
//! general reader reads it, or says what is wrong.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::read::Value;
use crate::Header;
use crate::codec::envelope::{Optional, name};
use crate::codec::trace;

pub(super) fn split(message: &str) -> Option<(Header, &[u8])> {
    let mut members = Members { rest: message.strip_prefix('{')?, before: "" };
    let topic = members.text(name::TYPE)??;
    let id = members.text(name::ID)??;
    let event_id = match members.text(name::EVENT_ID)? {
        Some(event_id) => Some(event_id.parse().ok()?),
        None => None,
    };
    let optional = Optional {
        event_id,
        offset: members.number(name::OFFSET)?,
        after: members.number(name::AFTER)?,
        epoch: members.text(name::EPOCH)?,
    };
    let mut traced = trace::NAMES.map(|_| None);
    for (value, name) in traced.iter_mut().zip(trace::NAMES) {
        *value = members.text(name)?.map(|text| Value::Text(Cow::Borrowed(text)));
    }
    members.strip(name::PAYLOAD)?;
    let payload: &RawValue = serde_json::from_str(members.rest.strip_suffix('}')?).ok()?;
    let header = optional.header(topic, id).ok()?.with_carried(trace::read(traced));
    Some((header, payload.get().as_bytes()))
}

/// What is left of an envelope, from the end of one member on.
struct Members<'m> {
    rest: &'m str,
    /// What there is between the one and the next.
    before: &'static str,
}

impl<'m> Members<'m> {
    /// Goes on to the value of the next member, if it has this name.
    #[inline(always)]
    fn strip(&mut self, name: &str) -> Option<()> {
        let next = self.rest.strip_prefix(self.before)?.strip_prefix('"')?;
        self.rest = next.strip_prefix(name)?.strip_prefix("\":")?;
        self.before = ",";
        Some(())
    }

    /// The text that a member is, if it is the next; `None` where it is something else.
    #[inline(always)]
    fn text(&mut self, name: &str) -> Option<Option<&'m str>> {
        if self.strip(name).is_none() {
            return Some(None);
        }
        let rest = self.rest.strip_prefix('"')?;
        let end = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
        let (text, rest) = rest.split_at(end);
        self.rest = rest.strip_prefix('"')?;
        Some(Some(text))
    }

    /// The same of a number.
    #[inline(always)]
    fn number(&mut self, name: &str) -> Option<Option<u64>> {
        if self.strip(name).is_none() {
            return Some(None);
        }
        let end = self.rest.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = self.rest.split_at(end);
        // JSON has no zeros in front. What follows is a member, so the number is over.
        if digits.len() > 1 && digits.starts_with('0') || !rest.starts_with(',') {
            return None;
        }
        self.rest = rest;
        digits.parse().ok().map(Some)
    }
}
