//! What an address is called at the server: a channel, or a pattern.

use std::borrow::Cow;

use crate::{Address, DecodeError, Header};

/// Channels are prefix and address; the pattern of a whole type is its prefix and `type:*`.
#[derive(Debug)]
pub(super) struct Names {
    prefix: String,
    /// The prefix, as it stands in a pattern.
    escaped: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), escaped: escape(prefix).into_owned() }
    }

    /// The parts of a channel's name.
    pub(super) fn channel<'a>(&'a self, topic: &'a str, id: &'a str) -> [&'a [u8]; 4] {
        [self.prefix.as_bytes(), topic.as_bytes(), b":", id.as_bytes()]
    }

    /// The parts of the name that an address is subscribed by. No character of a type is special in a pattern.
    pub(super) fn of<'a>(&'a self, address: &'a Address) -> [&'a [u8]; 4] {
        match address.id() {
            Some(id) => self.channel(address.topic(), id),
            None => [self.escaped.as_bytes(), address.topic().as_bytes(), b":", b"*"],
        }
    }

    /// Whether `name` is the name of `address`.
    pub(super) fn is_of(&self, address: &Address, mut name: &[u8]) -> bool {
        self.of(address).iter().all(|part| name.strip_prefix(*part).map(|rest| name = rest).is_some())
            && name.is_empty()
    }

    /// The slot of the channel of an address with an id.
    pub(super) fn slot(&self, address: &Address) -> u16 {
        #[cfg(feature = "redis-cluster")]
        return super::cluster::slot(&self.of(address).concat());
        #[cfg(not(feature = "redis-cluster"))]
        {
            let _ = address;
            0
        }
    }

    /// A channel's name without the prefix.
    pub(super) fn strip<'a>(&self, channel: &'a [u8]) -> Option<&'a [u8]> {
        channel.strip_prefix(self.prefix.as_bytes())
    }
}

/// The type in a channel's name without its prefix.
pub(super) fn topic(channel: &[u8]) -> &[u8] {
    channel.split(|byte| *byte == b':').next().unwrap_or_default()
}

/// The address that a channel's name without its prefix is, if it is one.
pub(super) fn address(channel: &[u8]) -> Option<Address> {
    let (topic, id) = std::str::from_utf8(channel).ok()?.split_once(':')?;
    Address::new(topic, id).ok()
}

/// Whether an event belongs on the channel that it came on.
pub(super) fn check(channel: &[u8], header: &Header) -> Result<(), DecodeError> {
    let (topic, id) = (header.topic(), header.id());
    let rest = channel.strip_prefix(topic.as_bytes()).and_then(|rest| rest.strip_prefix(b":"));
    if rest == Some(id.as_bytes()) && channel.len() <= Address::MAX_LEN {
        return Ok(());
    }
    header.address()?;
    Err(DecodeError::Elsewhere { member: if rest.is_some() { "id" } else { "type" } })
}

/// Everything that a pattern takes for more than itself stands behind a `\`.
fn escape(text: &str) -> Cow<'_, str> {
    const SPECIAL: &[char] = &['*', '?', '[', ']', '\\'];
    if !text.contains(SPECIAL) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().flat_map(|c| SPECIAL.contains(&c).then_some('\\').into_iter().chain([c]));
    Cow::Owned(escaped.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(names: &Names, address: &str) -> String {
        let address: Address = address.parse().expect("an address");
        let name = names.of(&address).concat();
        assert!(names.is_of(&address, &name));
        assert!(!names.is_of(&address, &[&name, &b"x"[..]].concat()));
        assert!(!names.is_of(&address, &name[1..]));
        String::from_utf8(name).expect("text")
    }

    #[test]
    fn a_channel_is_prefix_and_address_to_the_letter() {
        let names = Names::new("app*:");
        assert_eq!(name(&names, "chat.message:a:*?[]\\ß"), "app*:chat.message:a:*?[]\\ß");
        assert_eq!(name(&Names::new(""), "a:"), "a:");
    }

    #[test]
    fn a_pattern_has_no_other_special_character_than_its_last() {
        assert_eq!(name(&Names::new("a*b?[c]\\:"), "chat"), "a\\*b\\?\\[c\\]\\\\:chat:*");
        assert_eq!(name(&Names::new(""), "chat"), "chat:*");
    }

    #[test]
    fn an_event_belongs_on_its_own_channel_only() {
        let check = |channel: &str, topic, id| check(channel.as_bytes(), &Header::new(topic, id));
        assert_eq!(check("a:1:2", "a", "1:2"), Ok(()));
        assert_eq!(check("a:", "a", ""), Ok(()));
        assert_eq!(check("a:1", "a", "2"), Err(DecodeError::Elsewhere { member: "id" }));
        assert_eq!(check("a:1", "a", "1:"), Err(DecodeError::Elsewhere { member: "id" }));
        assert_eq!(check("ab:1", "a", "b:1"), Err(DecodeError::Elsewhere { member: "type" }));
        assert_eq!(check("a:1", "b", "1"), Err(DecodeError::Elsewhere { member: "type" }));
        assert_eq!(check("a:1", "__ping", "1"), Err(crate::AddressError::Reserved.into()));
        let long = "x".repeat(300);
        assert!(matches!(check(&format!("a:{long}"), "a", &long), Err(DecodeError::Address(_))));
    }
}
