//! A history that is lost: everyone who followed it is told.

use super::HubProtocol;
use super::connection::State;
use super::outbox::Then;
use crate::websocket::codecs;
use crate::websocket::wire::{self, Reply};
use crate::{Gap, GapReason};

impl HubProtocol {
    /// The history of an event type was lost: a new one begins, of another epoch. The ids of published events are
    /// remembered all the same: a client may be about to send one again, trusting the hub to know it.
    pub fn forget_history(&mut self, topic: &str) {
        let epoch = codecs::epoch(&mut self.random);
        self.begin_anew(topic, &epoch, 0, Gap::new(GapReason::Epoch, None));
    }

    /// The history goes on after this offset of this epoch, and what was before is not kept: everyone who follows it has
    /// missed as much as `gap` says.
    pub(super) fn begin_anew(&mut self, topic: &str, epoch: &str, head: u64, gap: Gap) {
        let Some(found) = self.topics.get_mut(topic) else { return };
        let is_new = found.history.epoch() != epoch;
        found.history.begin_anew(epoch.into(), head);
        found.local.ids.values_mut().for_each(|last| *last = head);
        for route in found.ids.values_mut() {
            route.last = head;
        }
        for member in found.members() {
            let Some(connection) = self.connections.at(member.connection) else { continue };
            let id = connection.id;
            let subscription = connection.subscriptions.get_mut(member.slot);
            subscription.start = head;
            let absorbed = matches!(subscription.state, State::Behind { until: Some(_), .. });
            // What it had yet to read is missing too.
            let was_live = subscription.state == State::Live && subscription.address.id().is_none();
            subscription.state = subscription.caught_up(head);
            if let Some(window) = subscription.window.as_mut().filter(|_| is_new) {
                window.begin_anew();
            }
            let gap = Reply::Gap(wire::Gap {
                topic: subscription.asked.to_string(),
                missed: gap.missed.filter(|_| was_live),
                reason: gap.reason.into(),
                offset: Some(head),
                epoch: is_new.then(|| epoch.to_owned()),
            });
            if absorbed {
                self.absorb(id, member.slot);
            }
            self.answer_in_order(id, "", &gap, Then::Anew(member.slot));
        }
    }
}
