//! Acknowledged delivery: which events who has not handled yet, and up to where all is handled by all.

use std::collections::{BTreeMap, VecDeque};

use super::Driver;
use super::inbound::Inbound;
use crate::Position;
use crate::interest::Interest;

/// What acknowledging subscriptions hold, by topic.
#[derive(Default)]
pub(super) struct Acknowledged {
    members: BTreeMap<u64, Member>,
    topics: BTreeMap<usize, VecDeque<Held>>,
}

struct Member {
    interest: Interest,
    window: u32,
}

/// One event that was delivered.
struct Held {
    position: Position,
    /// Those who have not handled it.
    by: Vec<u64>,
}

impl Acknowledged {
    /// An event is about to be delivered, to those who follow this id.
    fn came(&mut self, topic: usize, id: Option<&str>, position: &Position) -> Option<Position> {
        let follows = |member: &Member| id.is_some_and(|id| member.interest.matches(topic, id));
        let matching = self.members.iter().filter(|(_, member)| follows(member));
        let by = matching.map(|(key, _)| *key).collect();
        self.topics.get_mut(&topic)?.push_back(Held { position: position.clone(), by });
        self.settle(topic)
    }

    /// This member has handled everything of the topic up to this position.
    fn handled(&mut self, key: u64, topic: usize, position: &Position) -> Option<Position> {
        let held = self.topics.get_mut(&topic)?;
        let at = held.iter().position(|held| held.position == *position)?;
        held.iter_mut().take(at + 1).for_each(|held| held.by.retain(|by| *by != key));
        self.settle(topic)
    }

    /// Forgets what all have handled; gives the last of it.
    fn settle(&mut self, topic: usize) -> Option<Position> {
        let held = self.topics.get_mut(&topic)?;
        let by_all = held.iter().take_while(|held| held.by.is_empty()).count();
        held.drain(..by_all).next_back().map(|last| last.position)
    }

    /// How many events of a topic may be under way: as many as suits all.
    fn window(&self, topic: usize) -> Option<u32> {
        let followers = self.members.values().filter(|member| member.interest.includes(topic));
        followers.map(|member| member.window).min()
    }
}

impl Inbound {
    /// An event of this id is about to be delivered; without one it comes to nobody.
    #[inline]
    pub(super) fn under_way(&self, topic: usize, id: Option<&str>, position: Option<&Position>) {
        let Some(position) = position else { return };
        let handled = self.acknowledged().came(topic, id, position);
        self.tell_handled(topic, handled);
    }

    fn tell_handled(&self, topic: usize, handled: Option<Position>) {
        if let (Some(position), Some(link)) = (handled, self.link()) {
            link.acknowledge(self.topic_name(topic), &position);
        }
    }

    fn acknowledging(&self, interest: &Interest) -> Vec<usize> {
        (0..self.topic_count()).filter(|topic| interest.includes(*topic)).collect()
    }
}

impl Driver {
    /// From now on this subscription says what it has handled, and so many events may be under way to each of its addresses.
    pub(super) fn acknowledge(&self, key: u64, interest: Interest, window: u32) {
        let topics = self.inbound.acknowledging(&interest);
        // Held while the link is told: what is told last is how it is.
        let mut acknowledged = self.inbound.acknowledged();
        acknowledged.members.insert(key, Member { interest, window });
        self.inbound.acknowledges(true);
        for topic in topics {
            acknowledged.topics.entry(topic).or_default();
            self.link.set_window(self.inbound.topic_name(topic), acknowledged.window(topic));
        }
    }

    /// It has handled this, and what came before.
    pub(super) fn handled(&self, key: u64, topic: usize, position: &Position) {
        let handled = self.inbound.acknowledged().handled(key, topic, position);
        self.inbound.tell_handled(topic, handled);
    }

    /// It is no more; what it held is nobody's affair.
    pub(super) fn acknowledge_no_more(&self, key: u64) {
        let mut acknowledged = self.inbound.acknowledged();
        let Some(member) = acknowledged.members.remove(&key) else { return };
        for topic in self.inbound.acknowledging(&member.interest) {
            for held in acknowledged.topics.get_mut(&topic).into_iter().flatten() {
                held.by.retain(|by| *by != key);
            }
            let (handled, window) = (acknowledged.settle(topic), acknowledged.window(topic));
            if window.is_none() {
                acknowledged.topics.remove(&topic);
            }
            self.inbound.tell_handled(topic, handled);
            self.link.set_window(self.inbound.topic_name(topic), window);
        }
        self.inbound.acknowledges(!acknowledged.members.is_empty());
    }
}
