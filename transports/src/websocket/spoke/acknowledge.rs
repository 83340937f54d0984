//! Acknowledged delivery: the hub sends no more than so many events that were not handled here.
//!
//! It is asked for by type. A type and its ids may be followed side by side, and which of them brings an event is the hub's
//! affair; so what is handled is known of the type, and the hub is told of each address that it delivers by.

use std::collections::VecDeque;

use compact_str::CompactString;

use super::SpokeProtocol;
use super::interest::{Flow, Relation};
use crate::websocket::wire::{Ack, Command};
use crate::{Address, Position};

/// What was delivered of one type, and is not handled yet.
#[derive(Debug)]
pub(super) struct UnderWay {
    window: u32,
    epoch: Option<CompactString>,
    offsets: VecDeque<u64>,
    /// How many were handled since the hub was told last.
    handled: usize,
}

impl UnderWay {
    fn new(window: u32) -> Self {
        Self { window, epoch: None, offsets: VecDeque::new(), handled: 0 }
    }

    fn deliver(&mut self, position: &Position) {
        if position.epoch().is_some_and(|epoch| self.epoch.as_deref() != Some(epoch)) {
            self.epoch = position.epoch().map(Into::into);
            // Those of a history before are under way still, and come before all of this one.
            self.offsets.iter_mut().for_each(|offset| *offset = 0);
        }
        self.offsets.push_back(position.offset());
    }

    fn handle(&mut self, position: &Position) {
        let handled = match position.epoch() {
            Some(epoch) if self.epoch.as_deref() != Some(epoch) => {
                usize::from(self.offsets.front() == Some(&0))
            }
            _ => self.offsets.partition_point(|&offset| offset <= position.offset()),
        };
        self.offsets.drain(..handled);
        self.handled += handled;
    }

    /// The hub need not hear of each: it has room for more while half of the window is free.
    fn is_due(&self) -> bool {
        self.offsets.is_empty() || self.handled * 2 >= self.window as usize
    }

    /// Up to where everything of an address is handled that has come so far.
    fn handled_of(&self, flow: &Flow) -> Option<u64> {
        let position = flow.position.as_ref()?;
        Some(match self.offsets.front() {
            Some(first) if self.epoch.as_ref() == Some(&position.epoch) => {
                position.offset.min(first.saturating_sub(1))
            }
            _ => position.offset,
        })
    }
}

impl SpokeProtocol {
    /// From now on so many events of this type may be under way to each of its addresses that were not
    /// [acknowledged](Self::acknowledge): the hub sends no more before they are. `None`, or none at all: as many as come.
    ///
    /// The hub may allow fewer. Events of a type that is not followed yet are acknowledged from the first on.
    pub fn set_window(&mut self, topic: &str, window: Option<u32>) {
        match window.filter(|window| *window > 0) {
            Some(window) => {
                self.under_way.entry(topic.into()).or_insert_with(|| UnderWay::new(window)).window = window;
            }
            None => drop(self.under_way.remove(topic)),
        }
        self.tell_hub(topic);
    }

    /// Everything of this type up to this position was handled.
    pub fn acknowledge(&mut self, topic: &str, position: &Position) {
        let Some(under_way) = self.under_way.get_mut(topic) else { return };
        under_way.handle(position);
        if under_way.is_due() {
            under_way.handled = 0;
            self.tell_hub(topic);
        }
    }

    pub(super) fn window_of(&self, topic: &str) -> (Option<u32>, Option<u32>) {
        let Some(under_way) = self.under_way.get(topic) else { return (None, None) };
        let unacknowledged = u32::try_from(under_way.offsets.len()).unwrap_or(u32::MAX);
        (Some(under_way.window), (unacknowledged > 0).then_some(unacknowledged))
    }

    /// An event came: it is under way if it was delivered. The hub has sent it in any case.
    pub(super) fn came(&mut self, topic: &str, position: Option<&Position>, is_delivered: bool) {
        let Some(under_way) = self.under_way.get_mut(topic) else { return };
        match position {
            Some(position) if is_delivered => under_way.deliver(position),
            _ if under_way.offsets.is_empty() => self.tell_hub(topic),
            _ => {}
        }
    }

    /// Tells the hub what it does not know, of each address that it delivers by.
    pub(super) fn tell_hub(&mut self, name: &str) {
        if !self.is_open() {
            return;
        }
        let under_way = self.under_way.get(name);
        let window = under_way.map(|under_way| under_way.window);
        let Some(topic) = self.topics.get_mut(name) else { return };
        let whole = topic.whole.iter_mut().map(|flow| (Address::whole(name), flow));
        let ids = topic.ids.iter_mut().map(|(id, flow)| (Address::new(name, id), flow));
        let mut acks = Vec::new();
        for (address, flow) in whole.chain(ids) {
            let Some(address) = address.ok().filter(|_| flow.live && flow.relation != Relation::Absorbed)
            else {
                continue;
            };
            let position = flow.position.as_ref().map_or(0, |known| known.offset);
            let handled = under_way.map_or(Some(position), |it| it.handled_of(flow)).unwrap_or(position);
            let window = (flow.window != window).then_some(window.unwrap_or(0));
            if window.is_none()
                && (under_way.is_none() || flow.acknowledged.is_some_and(|known| known >= handled))
            {
                continue;
            }
            flow.window = under_way.map(|under_way| under_way.window);
            flow.acknowledged = Some(handled);
            acks.push(Command::Ack(Ack { topic: address.to_string(), offset: handled, window }));
        }
        acks.iter().for_each(|ack| self.send("", ack));
    }
}
