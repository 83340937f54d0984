//! What the subscriptions of a bus follow on the other side: each address once, however many follow it here.

use std::collections::{HashMap, VecDeque};
use std::task::Waker;

use pubsub_transports::Address;

/// Counts who follows what, and says what the link has to be asked for.
#[derive(Default)]
pub(super) struct Interests {
    followed: HashMap<Address, Followed, foldhash::fast::RandomState>,
    /// What was asked for and not answered yet.
    asked: HashMap<u64, Vec<Address>, foldhash::fast::RandomState>,
    last_request: u64,
    calls: VecDeque<Call>,
    calling: bool,
}

struct Followed {
    subscriptions: usize,
    request: u64,
    state: State,
    /// Who waits for it to be live, by the key of the subscription.
    waiting: Vec<(u64, Waker)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Asked,
    Live,
    /// The other side does not allow it. The next that joins asks again.
    Refused,
}

/// What the link is to be asked for. Calls are made without the lock, since the link may answer at once, but one after the
/// other, since their order counts.
pub(super) enum Call {
    Subscribe(u64, Vec<Address>),
    Unsubscribe(Vec<Address>),
}

/// Whether all that a subscription follows is live.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Liveness {
    Live,
    NotYet,
    /// Some of it is not followed any more.
    Refused,
}

impl Interests {
    /// One more subscription follows these.
    pub(super) fn join(&mut self, addresses: &[Address]) {
        let request = self.last_request + 1;
        let mut new = Vec::new();
        for address in addresses {
            match self.followed.get_mut(address) {
                Some(followed) => {
                    followed.subscriptions += 1;
                    if followed.state == State::Refused {
                        (followed.state, followed.request) = (State::Asked, request);
                        new.push(address.clone());
                    }
                }
                None => {
                    let state = State::Asked;
                    let followed = Followed { subscriptions: 1, request, state, waiting: Vec::new() };
                    self.followed.insert(address.clone(), followed);
                    new.push(address.clone());
                }
            }
        }
        if !new.is_empty() {
            self.last_request = request;
            self.asked.insert(request, new.clone());
            self.calls.push_back(Call::Subscribe(request, new));
        }
    }

    /// A subscription follows these no more. Gives wakers to drop without the lock.
    pub(super) fn leave(&mut self, key: u64, addresses: &[Address]) -> Vec<Waker> {
        let mut forgotten = Vec::new();
        let mut gone = Vec::new();
        for address in addresses {
            let Some(followed) = self.followed.get_mut(address) else { continue };
            followed.subscriptions -= 1;
            let own = followed.waiting.extract_if(.., |(other, _)| *other == key);
            forgotten.extend(own.map(|(_, waker)| waker));
            if followed.subscriptions > 0 {
                continue;
            }
            let (state, request) = (followed.state, followed.request);
            self.followed.remove(address);
            if state == State::Asked {
                self.forget(request, address);
            }
            if state != State::Refused {
                gone.push(address.clone());
            }
        }
        if !gone.is_empty() {
            self.calls.push_back(Call::Unsubscribe(gone));
        }
        forgotten
    }

    /// Whatever the answer is, it does not matter to this address: one that never comes must not be waited for in memory.
    fn forget(&mut self, request: u64, address: &Address) {
        if let Some(asked) = self.asked.get_mut(&request) {
            asked.retain(|other| other != address);
            if asked.is_empty() {
                self.asked.remove(&request);
            }
        }
    }

    /// The next call, for the one caller that there is at a time; `None` ends its turn.
    pub(super) fn next_call(&mut self, is_caller: bool) -> Option<Call> {
        if self.calling && !is_caller {
            return None;
        }
        let call = self.calls.pop_front();
        self.calling = call.is_some();
        call
    }

    /// The request was answered. Gives who waited for it.
    pub(super) fn subscribed(&mut self, request: u64) -> Vec<Waker> {
        let mut waiting = Vec::new();
        for address in self.asked.remove(&request).unwrap_or_default() {
            // It may have been left and asked for anew by a later request, or refused.
            let asked = |it: &&mut Followed| it.request == request && it.state == State::Asked;
            if let Some(followed) = self.followed.get_mut(&address).filter(asked) {
                followed.state = State::Live;
                waiting.extend(followed.waiting.drain(..).map(|(_, waker)| waker));
            }
        }
        waiting
    }

    /// The address is followed no more. Gives who waited for it.
    pub(super) fn refused(&mut self, address: &Address) -> Vec<Waker> {
        let Some(followed) = self.followed.get_mut(address) else { return Vec::new() };
        followed.state = State::Refused;
        followed.waiting.drain(..).map(|(_, waker)| waker).collect()
    }

    /// Whether some of `addresses` is live: a loss on the way to it is one of theirs.
    pub(super) fn is_any_live(&self, addresses: &[Address]) -> bool {
        let state = |address| self.followed.get(address).map(|followed| followed.state);
        addresses.iter().any(|address| state(address) == Some(State::Live))
    }

    /// Nothing will be answered any more. Gives all who waited.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        let waiting = self.followed.values_mut().flat_map(|followed| followed.waiting.drain(..));
        waiting.map(|(_, waker)| waker).collect()
    }

    /// Whether all of `addresses` is live. If not yet, `waker` is woken when more of it is; the one that it replaces comes
    /// back, to be dropped without the lock.
    pub(super) fn liveness(
        &mut self,
        key: u64,
        addresses: &[Address],
        waker: Waker,
    ) -> (Liveness, Option<Waker>) {
        let mut first_pending = None;
        for address in addresses {
            match self.followed.get(address).map(|followed| followed.state) {
                Some(State::Live) => {}
                Some(State::Asked) => first_pending = first_pending.or(Some(address)),
                Some(State::Refused) | None => return (Liveness::Refused, Some(waker)),
            }
        }
        let Some(followed) = first_pending.and_then(|address| self.followed.get_mut(address)) else {
            return (Liveness::Live, Some(waker));
        };
        let own = followed.waiting.iter_mut().find(|(other, _)| *other == key);
        let before = match own {
            Some((_, own)) => Some(std::mem::replace(own, waker)),
            None => {
                followed.waiting.push((key, waker));
                None
            }
        };
        (Liveness::NotYet, before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().expect("an address")
    }

    fn calls(interests: &mut Interests) -> Vec<String> {
        let mut calls = Vec::new();
        let mut is_caller = false;
        while let Some(call) = interests.next_call(is_caller) {
            is_caller = true;
            calls.push(match call {
                Call::Subscribe(request, addresses) => format!("+{request} {addresses:?}"),
                Call::Unsubscribe(addresses) => format!("- {addresses:?}"),
            });
        }
        calls
    }

    fn liveness(interests: &mut Interests, addresses: &[Address]) -> Liveness {
        interests.liveness(0, addresses, Waker::noop().clone()).0
    }

    #[test]
    fn an_address_is_asked_for_once_and_left_with_the_last() {
        let mut interests = Interests::default();
        let (one, two) = ([address("a:1")], [address("a:1"), address("b")]);
        interests.join(&one);
        interests.join(&two);
        let asked = calls(&mut interests);
        assert_eq!(asked.len(), 2);
        assert!(!asked[1].contains("\"1\""), "{asked:?}");
        interests.leave(0, &one);
        assert!(calls(&mut interests).is_empty());
        interests.leave(0, &two);
        assert_eq!(calls(&mut interests).len(), 1);
        assert!(interests.followed.is_empty());
    }

    #[test]
    fn an_answer_to_an_earlier_request_says_nothing_of_a_later_one() {
        let mut interests = Interests::default();
        let one = [address("a:1")];
        interests.join(&one);
        interests.leave(0, &one);
        interests.join(&one);
        interests.subscribed(1);
        assert_eq!(liveness(&mut interests, &one), Liveness::NotYet);
        interests.subscribed(2);
        assert_eq!(liveness(&mut interests, &one), Liveness::Live);
        assert!(interests.asked.is_empty());
    }

    #[test]
    fn what_is_left_before_an_answer_came_is_not_remembered() {
        let mut interests = Interests::default();
        for number in 0..1_000 {
            let two = [address("a:1"), address(&format!("b:{number}"))];
            interests.join(&two);
            interests.leave(0, &two);
        }
        assert!(interests.asked.is_empty() && interests.followed.is_empty());
    }

    #[test]
    fn what_is_refused_is_asked_for_again_by_the_next() {
        let mut interests = Interests::default();
        let one = [address("a:1")];
        interests.join(&one);
        interests.refused(&one[0]);
        assert_eq!(liveness(&mut interests, &one), Liveness::Refused);
        interests.join(&one);
        assert_eq!(liveness(&mut interests, &one), Liveness::NotYet);
        interests.subscribed(2);
        calls(&mut interests);
        interests.leave(0, &one);
        assert!(calls(&mut interests).is_empty(), "the second still follows");
        interests.leave(1, &one);
        assert_eq!(calls(&mut interests).len(), 1);
    }
}
