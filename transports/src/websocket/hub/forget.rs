//! A history that is lost: everyone who followed it is told.

use super::HubProtocol;
use super::connection::State;
use super::outbox::Then;
use crate::websocket::codecs;
use crate::websocket::wire::{Gap, GapReason, Reply};

impl HubProtocol {
    /// The history of an event type was lost: a new one begins, of another epoch. The ids of published events are
    /// remembered all the same: a client may be about to send one again, trusting the hub to know it.
    pub fn forget_history(&mut self, topic: &str) {
        let Some(found) = self.topics.get_mut(topic) else { return };
        let epoch = codecs::epoch(&mut self.random);
        found.history.begin_anew(epoch.clone());
        found.local.ids.values_mut().for_each(|last| *last = 0);
        let mut members = found.whole.clone();
        for route in found.ids.values_mut() {
            route.last = 0;
            members.extend(&route.members);
        }
        // Routes have no order, and what a hub says has one.
        members.sort_unstable();
        for member in members {
            let Some(connection) = self.connections.at(member.connection) else { continue };
            let id = connection.id;
            let subscription = connection.subscriptions.get_mut(member.slot);
            subscription.start = 0;
            let absorbed = matches!(subscription.state, State::Behind { until: Some(_), .. });
            subscription.state = subscription.caught_up(0);
            if let Some(window) = &mut subscription.window {
                window.begin_anew();
            }
            let gap = Reply::Gap(Gap {
                topic: subscription.asked.to_string(),
                missed: None,
                reason: GapReason::Epoch,
                offset: Some(0),
                epoch: Some(epoch.to_string()),
            });
            if absorbed {
                self.absorb(id, member.slot);
            }
            self.answer_in_order(id, "", &gap, Then::Nothing);
        }
    }
}
