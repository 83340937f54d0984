//! Following addresses: asking the hub for them, and for what was missed.

use std::time::Duration;

use compact_str::CompactString;

use super::interest::{Asked, Flow, Known, Relation};
use super::{SpokeOutput, SpokeProtocol};
use crate::websocket::wire::{Command, GapReason, Since, Subscribe, Subscribed, Unsubscribe};
use crate::{Address, Rejection};

/// How many addresses one `__subscribe` names, where they can be apart.
const BATCH: usize = 64;

/// How many it names at most: as many as a hub grants by default, which fit in the smallest message by default.
const MAX_BATCH: usize = 128;

impl SpokeProtocol {
    /// Follows an address from now on, over all connections. Nothing, if that was asked for before. `request` is any number
    /// of the caller's, which stands in the answer: so one that comes late answers nothing newer.
    pub fn subscribe(&mut self, address: &Address, request: u64) {
        let topic = self.topics.entry(address.topic().into()).or_default();
        let flow = match address.id() {
            None => topic.whole.get_or_insert_default(),
            Some(id) => topic.ids.entry(id.into()).or_default(),
        };
        if !flow.wanted {
            flow.wanted = true;
            flow.request = request;
            flow.announced = false;
            self.reconcile(address);
        }
    }

    /// Follows it no longer. Nothing of it is delivered from now on, unless another address has it too.
    pub fn unsubscribe(&mut self, address: &Address) {
        let Some(flow) = self.flow(address) else { return };
        flow.wanted = false;
        flow.announced = false;
        self.reconcile(address);
    }

    pub(super) fn flow(&mut self, address: &Address) -> Option<&mut Flow> {
        self.topics.get_mut(address.topic())?.flow(address.id())
    }

    /// Asks the hub for what is wanted, if it does not have it and was not asked.
    pub(super) fn reconcile(&mut self, address: &Address) {
        let (open, correlation) = (self.is_open(), self.correlation + 1);
        let Some(flow) = self.flow(address) else { return };
        let command = match (flow.wanted, flow.live, flow.asked) {
            (false, false, None) => return self.remove(address),
            (true, false, None) if open => {
                flow.asked = Some(Asked::Subscribe(correlation));
                flow.position = None;
                Command::Subscribe(vec![self.subscribe_to(address)])
            }
            (false, true, None) if open => {
                flow.asked = Some(Asked::Unsubscribe(correlation));
                Command::Unsubscribe(Unsubscribe { topic: address.to_string() })
            }
            _ => return,
        };
        self.correlation = correlation;
        self.send(&correlation.to_string(), &command);
    }

    pub(super) fn remove(&mut self, address: &Address) {
        let Some(topic) = self.topics.get_mut(address.topic()) else { return };
        match address.id() {
            None => {
                topic.stand_alone();
                topic.whole = None;
            }
            Some(id) => drop(topic.ids.remove(id)),
        }
        if topic.whole.is_none() && topic.ids.is_empty() {
            self.topics.remove(address.topic());
        }
    }

    /// Asks for everything on a new connection, after the positions that are known.
    pub(super) fn follow_all(&mut self) {
        self.ask_again = None;
        self.follow_those(|_| true);
    }

    fn follow_those(&mut self, which: impl Fn(&Flow) -> bool) {
        let mut batch = Vec::new();
        let names: Vec<CompactString> = self.topics.keys().cloned().collect();
        for name in names {
            let Some(topic) = self.topics.get_mut(&name) else { continue };
            // What is asked for together is answered together: a type and its ids must not be apart.
            let mut together = topic.in_order(&name);
            together.retain(|address| topic.flow(address.id()).is_some_and(|flow| which(flow)));
            if together.is_empty() {
                continue;
            }
            if !batch.is_empty() && batch.len() + together.len() > BATCH {
                self.ask(std::mem::take(&mut batch));
            }
            batch.extend(together);
            while batch.len() > MAX_BATCH {
                let rest = batch.split_off(MAX_BATCH);
                self.ask(std::mem::replace(&mut batch, rest));
            }
        }
        self.ask(batch);
    }

    /// What was followed before, and is refused for now, is asked for again. Whether the refusal is such a one.
    pub(super) fn refused_for_now(
        &mut self,
        now: Duration,
        address: &Address,
        rejection: &Rejection,
    ) -> bool {
        let Some(flow) = self.flow(address).filter(|flow| flow.announced && flow.wanted) else {
            return false;
        };
        if !rejection.is_retryable() {
            return false;
        }
        flow.asked = None;
        let delay = rejection.retry_after().unwrap_or(self.config.resubscribe_after);
        let at = now.saturating_add(delay.min(self.config.retry_after_max));
        self.ask_again = Some(self.ask_again.map_or(at, |set| set.max(at)));
        true
    }

    pub(super) fn ask_again_if_due(&mut self, now: Duration) {
        if self.is_open() && self.ask_again.take_if(|at| *at <= now).is_some() {
            self.follow_those(|flow| flow.wanted && !flow.live && flow.asked.is_none());
        }
    }

    fn ask(&mut self, addresses: Vec<Address>) {
        if addresses.is_empty() {
            return;
        }
        self.correlation += 1;
        let correlation = self.correlation;
        let mut all = Vec::with_capacity(addresses.len());
        for address in addresses {
            let Some(flow) = self.flow(&address) else { continue };
            flow.asked = Some(Asked::Subscribe(correlation));
            all.push(self.subscribe_to(&address));
        }
        self.send(&correlation.to_string(), &Command::Subscribe(all));
    }

    /// What the hub is asked for: from where this address is on.
    fn subscribe_to(&mut self, address: &Address) -> Subscribe {
        let (window, unacknowledged) = self.window_of(address.topic());
        let mut subscribe = Subscribe { window, ..Subscribe::new(address.to_string()) };
        let Some(flow) = self.flow(address) else { return subscribe };
        let known = flow.position.as_ref();
        subscribe.unacknowledged = unacknowledged.filter(|_| known.is_some());
        subscribe.since = known.map(|known| Since { epoch: known.epoch.to_string(), offset: known.offset });
        flow.window = window;
        let all_is_handled = subscribe.unacknowledged.is_none();
        flow.acknowledged = all_is_handled.then(|| known.map_or(0, |known| known.offset));
        subscribe
    }

    /// Events are missing here: asks for them, on the same connection.
    pub(super) fn recover(&mut self, address: &Address) {
        let (first, second) = (self.correlation + 1, self.correlation + 2);
        let Some(flow) = self.flow(address).filter(|flow| flow.asked.is_none()) else { return };
        flow.asked = Some(Asked::Subscribe(second));
        flow.live = false;
        flow.recovering_from = flow.position.as_ref().map(|known| known.offset);
        let topic = address.to_string();
        let subscribe = self.subscribe_to(address);
        self.correlation = second;
        self.send(&first.to_string(), &Command::Unsubscribe(Unsubscribe { topic }));
        self.send(&second.to_string(), &Command::Subscribe(vec![subscribe]));
    }

    pub(super) fn subscribed(&mut self, address: &Address, correlation: u64, reply: &Subscribed) {
        let Some(topic) = self.topics.get_mut(address.topic()) else { return };
        let whole_is_live = topic.whole_is_live();
        let wider_may_bring_some = address.id().is_some()
            && topic.whole.as_ref().is_some_and(|whole| whole.asked.is_some() && whole.position.is_some());
        let Some(flow) = topic.flow(address.id()) else { return };
        if flow.asked != Some(Asked::Subscribe(correlation)) {
            return;
        }
        flow.asked = None;
        flow.live = true;
        let had = flow.position.is_some();
        // Where nothing is replayed, the hub's place is known too; unless a wider address has yet to come there.
        let under_wider = address.id().is_some() && whole_is_live;
        if !(reply.recovered && had) || reply.replay == 0 && !under_wider {
            flow.position = Some(Known { epoch: reply.epoch.as_str().into(), offset: reply.offset });
            flow.acknowledged = flow.acknowledged.map(|_| reply.offset);
        }
        flow.relation = match address.id() {
            Some(_) if under_wider => Relation::Absorbed,
            _ => Relation::Own,
        };
        if address.id().is_none() {
            for narrow in
                topic.ids.values_mut().filter(|narrow| narrow.live && narrow.relation == Relation::Own)
            {
                narrow.relation = Relation::Behind;
            }
        }
        if had && !reply.recovered {
            // A hub that does not say why has lost what it should have known.
            let reason = reply.gap.clone().unwrap_or(GapReason::Epoch);
            self.gap(address, &reason, reply.missed.filter(|_| !wider_may_bring_some));
        }
        self.announce(address);
        self.reconcile(address);
        self.tell_hub(address.topic());
    }

    fn announce(&mut self, address: &Address) {
        let Some(flow) = self.flow(address) else { return };
        let Some(known) = flow.position.clone().filter(|_| flow.wanted && !flow.announced) else { return };
        flow.announced = true;
        let request = flow.request;
        self.outputs.push_back(SpokeOutput::Subscribed {
            address: address.clone(),
            request,
            epoch: known.epoch.into(),
            offset: known.offset,
        });
    }

    /// Says that events are lost, for every address that the subscription delivered for.
    pub(super) fn gap(&mut self, address: &Address, reason: &GapReason, missed: Option<u64>) {
        let Some(topic) = self.topics.get_mut(address.topic()) else { return };
        let Some(known) = topic.flow(address.id()).and_then(|flow| flow.position.clone()) else { return };
        let mut concerned = Vec::new();
        if topic.flow(address.id()).is_some_and(|flow| flow.announced) {
            concerned.push((address.clone(), missed));
        }
        if address.id().is_none() {
            for (id, narrow) in &mut topic.ids {
                if !narrow.is_absorbed() || !narrow.announced {
                    continue;
                }
                // It may have begun after what is lost, or the hub may have told it by itself.
                let begins = narrow.position.as_ref().filter(|own| own.epoch == known.epoch);
                if begins.is_none_or(|own| own.offset < known.offset) {
                    narrow.position = Some(known.clone());
                    concerned.extend(Address::new(address.topic(), id).ok().map(|narrow| (narrow, None)));
                }
            }
        }
        for (address, missed) in concerned {
            self.outputs.push_back(SpokeOutput::Gap {
                address,
                reason: reason.clone(),
                missed,
                epoch: known.epoch.to_string(),
                offset: known.offset,
            });
        }
    }

    pub(super) fn unsubscribed(&mut self, address: &Address, correlation: u64) {
        let Some(topic) = self.topics.get_mut(address.topic()) else { return };
        let Some(flow) = topic.flow(address.id()) else { return };
        if flow.asked != Some(Asked::Unsubscribe(correlation)) {
            return;
        }
        flow.asked = None;
        flow.live = false;
        if address.id().is_none() {
            topic.stand_alone();
        }
        self.reconcile(address);
        self.tell_hub(address.topic());
    }

    /// The hub does not give it.
    pub(super) fn refused(&mut self, address: &Address, rejection: Rejection) {
        let Some(flow) = self.flow(address) else { return };
        let request = flow.wanted.then_some(flow.request);
        self.remove(address);
        if let Some(request) = request {
            self.outputs.push_back(SpokeOutput::Refused { address: address.clone(), request, rejection });
        }
        // What it delivered for delivers for itself now.
        self.tell_hub(address.topic());
    }
}
