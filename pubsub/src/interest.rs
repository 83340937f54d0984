//! What a subscription follows, in normal form.

use crate::{EventMap, IdString, Selector, TopicInfo};

/// The id that stands for who the bus is.
pub(crate) const SELF_ID: &str = "@self";

/// A set of addresses. Selectors add to it; then it is brought into normal form, so that an event is in it at most
/// once: every topic, or whole topics and single addresses of others, both sorted and without repetition.
#[doc(hidden)]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    pub(crate) all: bool,
    pub(crate) topics: Vec<usize>,
    pub(crate) addresses: Vec<(usize, IdString)>,
}

impl Interest {
    /// What `selector` selects, in normal form.
    pub(crate) fn of<M: EventMap, S: Selector<M>>(selector: &S) -> Self {
        let mut interest = Self::default();
        selector.__interest(&mut interest);
        interest.normalized()
    }

    /// Whether anything of this topic is followed.
    pub(crate) fn includes(&self, topic: usize) -> bool {
        self.all || self.topics.contains(&topic) || self.addresses.iter().any(|(known, _)| *known == topic)
    }

    /// Whether this event is followed.
    pub(crate) fn matches(&self, topic: usize, id: &str) -> bool {
        let is_address = |(known, known_id): &(usize, IdString)| *known == topic && **known_id == *id;
        self.all || self.topics.contains(&topic) || self.addresses.iter().any(is_address)
    }

    pub(crate) fn add_all(&mut self) {
        self.all = true;
    }

    pub(crate) fn add_topic(&mut self, topic: usize) {
        self.topics.push(topic);
    }

    pub(crate) fn add_address(&mut self, topic: usize, id: IdString) {
        self.addresses.push((topic, id));
    }

    /// With this id in the place of [`SELF_ID`].
    pub(crate) fn for_identity(mut self, identity: impl FnOnce() -> Option<String>) -> Self {
        if self.addresses.iter().all(|(_, id)| *id != SELF_ID) {
            return self;
        }
        let Some(own) = identity() else { return self };
        for (_, id) in self.addresses.iter_mut().filter(|(_, id)| *id == SELF_ID) {
            *id = IdString::from(&*own);
        }
        self.normalized()
    }

    /// What was added, in normal form.
    pub(crate) fn normalized(mut self) -> Self {
        if self.all {
            return Self { all: true, ..Self::default() };
        }
        self.topics.sort_unstable();
        self.topics.dedup();
        self.addresses.retain(|(topic, _)| self.topics.binary_search(topic).is_err());
        self.addresses.sort_unstable();
        self.addresses.dedup();
        self
    }

    /// As addresses: `type` for a whole topic, `type:id` for one id. `topics` are those of the map.
    pub(crate) fn addresses(&self, topics: &[TopicInfo]) -> Vec<String> {
        if self.all {
            return topics.iter().map(|topic| topic.name.to_owned()).collect();
        }
        let whole = self.topics.iter().map(|&topic| topics[topic].name.to_owned());
        whole
            .chain(self.addresses.iter().map(|(topic, id)| format!("{}:{id}", topics[*topic].name)))
            .collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.all && self.topics.is_empty() && self.addresses.is_empty()
    }

    pub(crate) fn contains(&self, topic: usize, id: &str) -> bool {
        self.all
            || self.topics.binary_search(&topic).is_ok()
            || self.addresses.binary_search_by(|(t, i)| (*t, i.as_str()).cmp(&(topic, id))).is_ok()
    }

    /// The topics of which something is in it, out of `count`.
    pub(crate) fn distinct_topics(&self, count: usize) -> impl Iterator<Item = usize> {
        let part = |topic: &usize| {
            self.all
                || self.topics.binary_search(topic).is_ok()
                || self.addresses.binary_search_by_key(topic, |(other, _)| *other).is_ok()
        };
        (0..count).filter(part)
    }

    /// Whether some event could be in both.
    #[cfg(test)]
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let covers = |one: &Self, two: &Self| {
            (one.all && !two.is_empty())
                || two.topics.iter().any(|topic| {
                    one.topics.binary_search(topic).is_ok() || one.addresses.iter().any(|(t, _)| t == topic)
                })
                || two.addresses.iter().any(|(topic, id)| one.contains(*topic, id))
        };
        covers(self, other) || covers(other, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_selector_absorbs_a_narrower_one_in_either_order() {
        let mut one = Interest::default();
        one.add_address(1, "a".into());
        one.add_address(2, "a".into());
        one.add_topic(1);
        one.add_address(1, "b".into());
        one.add_topic(1);
        let normal = one.clone().normalized();
        assert_eq!((normal.topics, normal.addresses), (vec![1], vec![(2, "a".into())]));
        one.add_all();
        one.add_topic(3);
        assert_eq!(one.normalized(), Interest { all: true, ..Interest::default() });
    }

    #[test]
    fn overlap_is_symmetric_and_exact() {
        let topic = |topic| Interest { topics: vec![topic], ..Interest::default() };
        let address =
            |topic, id: &str| Interest { addresses: vec![(topic, id.into())], ..Interest::default() };
        let all = Interest { all: true, ..Interest::default() };
        let cases = [
            (topic(1), topic(1), true),
            (topic(1), topic(2), false),
            (topic(1), address(1, "a"), true),
            (topic(2), address(1, "a"), false),
            (address(1, "a"), address(1, "a"), true),
            (address(1, "a"), address(1, "b"), false),
            (all.clone(), address(9, "z"), true),
            (all.clone(), all.clone(), true),
            (all, Interest::default(), false),
        ];
        for (one, two, expected) in cases {
            assert_eq!(one.overlaps(&two), expected, "{one:?} {two:?}");
            assert_eq!(two.overlaps(&one), expected, "{two:?} {one:?}");
        }
    }
}
