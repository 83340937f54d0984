//! The two directions of a transport that misbehaves.

use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{Mischief, Shared, Word};
use crate::{
    Address, Closing, ConnectionState, Frame, Gap, Header, Inlet, Link, Patience, Rejection, SendError,
    Sending, Undecodable,
};

pub(super) struct ChaosLink {
    pub(super) shared: Arc<Shared>,
    pub(super) link: Arc<dyn Link>,
}

/// What becomes of a publish.
enum Fate {
    Sent,
    NotSent,
    Ambiguous { sent: bool },
}

impl Link for ChaosLink {
    fn publish(&self, frame: Frame, patience: Patience) -> Sending {
        let fate = self.shared.change(|plan| {
            if plan.cut.is_none() {
                return Fate::Sent;
            }
            let header = frame.header.clone();
            let fate = match plan.random.u8(..4) {
                0 => Fate::Ambiguous { sent: true },
                1 => Fate::Ambiguous { sent: false },
                _ => Fate::NotSent,
            };
            let error = match fate {
                Fate::Ambiguous { sent } => {
                    plan.did.push(Mischief::Ambiguous { header: header.clone(), sent });
                    SendError::Ambiguous
                }
                _ => {
                    plan.did.push(Mischief::NotSent(header.clone()));
                    SendError::NotSent
                }
            };
            if patience == Patience::Now {
                plan.say(Word::NotSent(header, error));
            }
            plan.pass_time();
            fate
        });
        let answer = |error| Sending::Done(if patience == Patience::Now { Ok(()) } else { Err(error) });
        match fate {
            Fate::Sent => self.link.publish(frame, patience),
            Fate::NotSent => answer(SendError::NotSent),
            Fate::Ambiguous { sent } => {
                if sent {
                    drop(self.link.publish(frame, Patience::Now));
                }
                answer(SendError::Ambiguous)
            }
        }
    }

    fn in_flight(&self) -> u64 {
        self.link.in_flight()
    }

    fn subscribe(&self, request: u64, addresses: Vec<Address>) {
        // Before anything can come to them.
        self.shared.change(|plan| plan.followed.extend(addresses.iter().cloned()));
        self.link.subscribe(request, addresses);
    }

    fn unsubscribe(&self, addresses: Vec<Address>) {
        self.shared.change(|plan| plan.followed.retain(|address| !addresses.contains(address)));
        self.link.unsubscribe(addresses);
    }

    fn close(&self) -> Closing {
        self.link.close()
    }
}

impl Drop for ChaosLink {
    fn drop(&mut self) {
        let _inlet = self.shared.lock().inlet.take();
    }
}

pub(super) struct ChaosInlet {
    pub(super) shared: Arc<Shared>,
    pub(super) inlet: Arc<dyn Inlet>,
}

impl Inlet for ChaosInlet {
    fn poll_ready(&self, waker: &Waker) -> Poll<()> {
        self.inlet.poll_ready(waker)
    }

    fn deliver(&self, frame: Frame) {
        self.shared.change(|plan| plan.arrived(frame));
    }

    fn subscribed(&self, request: u64) {
        self.inlet.subscribed(request);
    }

    fn refused(&self, request: u64, address: Address, rejection: Rejection) {
        self.inlet.refused(request, address, rejection);
    }

    fn gap(&self, address: Option<Address>, gap: Gap) {
        self.inlet.gap(address, gap);
    }

    fn undecodable(&self, undecodable: Undecodable) {
        self.shared.change(|plan| plan.say(Word::Undecodable(undecodable)));
    }

    fn not_sent(&self, header: Header, error: SendError) {
        self.shared.change(|plan| plan.say(Word::NotSent(header, error)));
    }

    /// At the end nothing is held back any more.
    fn state(&self, state: ConnectionState) {
        self.shared.change(|plan| {
            if matches!(state, ConnectionState::Closed { .. }) {
                plan.settle();
            }
            plan.say(Word::State(state));
        });
    }
}
