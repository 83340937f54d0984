//! What the subscriptions of a bus follow on the other side: each address once, however many follow it here.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use pubsub_transports::{Address, Rejection, Start};

use super::notices::Notices;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Knows who follows what, and says what the link has to be asked for.
#[derive(Default)]
pub(super) struct Interests {
    subscriptions: Map<u64, Subscribed>,
    last_key: u64,
    followed: Map<Address, Followed>,
    /// What was asked for and not answered yet.
    asked: Map<u64, Vec<Address>>,
    last_request: u64,
    /// While it is lost nothing is live, whatever was.
    is_disconnected: bool,
    calls: VecDeque<Call>,
    is_calling: bool,
}

struct Subscribed {
    addresses: Arc<[Address]>,
    notices: Arc<Notices>,
    /// It reads the past, which says itself what is missing in it.
    is_replaying: bool,
}

struct Followed {
    /// By whom. A subscription that waits for it to be live has left a waker.
    by: BTreeMap<u64, Option<Waker>>,
    /// The last request for it.
    request: u64,
    state: State,
    /// Why it was refused last.
    rejection: Option<Rejection>,
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
    Replay(u64, Vec<(Address, Start)>),
}

/// Whether all that a subscription follows is live.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Liveness {
    Live,
    NotYet,
    /// Some of it is not allowed.
    Refused(Rejection),
    /// The subscription has ended.
    Ended,
}

impl Interests {
    /// One more subscription. Gives its key, and where it is told what happens.
    pub(super) fn join(&mut self, addresses: Arc<[Address]>) -> (u64, Arc<Notices>) {
        self.last_key += 1;
        let (key, request) = (self.last_key, self.last_request + 1);
        let mut new = Vec::new();
        for address in &*addresses {
            let followed = self.followed.entry(address.clone()).or_insert_with(|| Followed {
                by: BTreeMap::new(),
                request: 0,
                state: State::Refused,
                rejection: None,
            });
            followed.by.insert(key, None);
            if followed.state == State::Refused {
                (followed.state, followed.request) = (State::Asked, request);
                new.push(address.clone());
            }
        }
        if !new.is_empty() {
            self.last_request = request;
            self.asked.insert(request, new.clone());
            self.calls.push_back(Call::Subscribe(request, new));
        }
        let notices = Arc::<Notices>::default();
        let subscribed = Subscribed { addresses, notices: Arc::clone(&notices), is_replaying: false };
        self.subscriptions.insert(key, subscribed);
        (key, notices)
    }

    /// The subscription, which has just joined, begins in the past.
    pub(super) fn replay(&mut self, key: u64, from: Vec<(Address, Start)>) {
        if let Some(subscription) = self.subscriptions.get_mut(&key) {
            subscription.is_replaying = true;
            self.calls.push_back(Call::Replay(key, from));
        }
    }

    /// The subscription has all of the past.
    pub(super) fn replayed(&mut self, key: u64) {
        if let Some(subscription) = self.subscriptions.get_mut(&key) {
            subscription.is_replaying = false;
        }
    }

    /// Whether some of this topic is followed and live.
    pub(super) fn is_live(&self, address: &Address) -> bool {
        self.followed.get(address).is_some_and(|it| it.state == State::Live)
    }

    /// A subscription less. Gives wakers to drop without the lock.
    pub(super) fn leave(&mut self, key: u64) -> Vec<Waker> {
        let mut forgotten = Vec::new();
        let mut gone = Vec::new();
        let Some(Subscribed { addresses, .. }) = self.subscriptions.remove(&key) else { return forgotten };
        for address in &*addresses {
            let Some(followed) = self.followed.get_mut(address) else { continue };
            forgotten.extend(followed.by.remove(&key).flatten());
            if !followed.by.is_empty() {
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
        if self.is_calling && !is_caller {
            return None;
        }
        let call = self.calls.pop_front();
        self.is_calling = call.is_some();
        call
    }

    /// The request was answered. Gives who waited for it.
    pub(super) fn subscribed(&mut self, request: u64) -> Vec<Waker> {
        let mut waiting = Vec::new();
        for address in self.asked.remove(&request).unwrap_or_default() {
            // It may have been left and asked for anew by a later request.
            let asked = |it: &&mut Followed| it.request == request && it.state == State::Asked;
            if let Some(followed) = self.followed.get_mut(&address).filter(asked) {
                followed.state = State::Live;
                waiting.extend(followed.take_wakers());
            }
        }
        waiting
    }

    /// The address, for which `request` was the last, is followed no more. Gives who followed it, and who waited; nobody if
    /// it was asked for anew since.
    pub(super) fn refused(
        &mut self,
        request: u64,
        address: &Address,
        rejection: &Rejection,
    ) -> (Vec<Arc<Notices>>, Vec<Waker>) {
        let asked = |it: &&mut Followed| it.request == request && it.state != State::Refused;
        let Some(followed) = self.followed.get_mut(address).filter(asked) else { return Default::default() };
        followed.state = State::Refused;
        followed.rejection = Some(rejection.clone());
        let waiting = followed.take_wakers();
        self.forget(request, address);
        let Some(followed) = self.followed.get(address) else { return Default::default() };
        let keys = followed.by.keys();
        let followers = keys.filter_map(|key| self.subscriptions.get(key)).map(|it| Arc::clone(&it.notices));
        (followers.collect(), waiting)
    }

    /// The connection was lost, or is there again. Gives who waits for that.
    pub(super) fn set_connected(&mut self, connected: bool) -> Vec<Waker> {
        self.is_disconnected = !connected;
        if connected { self.take_wakers() } else { Vec::new() }
    }

    /// All who wait for something to be live, to look again.
    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        self.followed.values_mut().flat_map(Followed::take_wakers).collect()
    }

    /// Whether all that a subscription follows is live. If not yet, `waker` is woken when more of it is; the one that it
    /// replaces comes back, to be dropped without the lock.
    pub(super) fn liveness(&mut self, key: u64, waker: Waker) -> (Liveness, Option<Waker>) {
        let Some(Subscribed { addresses, .. }) = self.subscriptions.get(&key) else {
            return (Liveness::Ended, Some(waker));
        };
        let mut pending = None;
        for address in &**addresses {
            let Some(Followed { state, rejection, .. }) = self.followed.get(address) else { continue };
            match (state, rejection) {
                (State::Live, _) if !self.is_disconnected => {}
                (State::Refused, Some(rejection)) => {
                    return (Liveness::Refused(rejection.clone()), Some(waker));
                }
                _ => pending = pending.or(Some(address)),
            }
        }
        match pending.and_then(|address| self.followed.get_mut(address)) {
            Some(followed) => (Liveness::NotYet, followed.by.insert(key, Some(waker)).flatten()),
            None => (Liveness::Live, Some(waker)),
        }
    }

    /// Those who follow exactly this address, and what comes now.
    pub(super) fn of_address(&self, address: &Address) -> Vec<Arc<Notices>> {
        let keys = self.followed.get(address).into_iter().flat_map(|followed| followed.by.keys());
        let subscriptions = keys.filter_map(|key| self.subscriptions.get(key));
        subscriptions.filter(|it| !it.is_replaying).map(|it| Arc::clone(&it.notices)).collect()
    }

    /// Those who follow something of this topic.
    pub(super) fn of_topic(&self, topic: &str) -> Vec<Arc<Notices>> {
        let follows = |it: &&Subscribed| it.addresses.iter().any(|address| address.topic() == topic);
        self.subscriptions.values().filter(follows).map(|it| Arc::clone(&it.notices)).collect()
    }

    /// Those whom an event of this address would reach now, each once.
    pub(super) fn reached_by(&self, address: &Address) -> Vec<Arc<Notices>> {
        let whole = address.id().and_then(|_| Address::whole(address.topic()).ok());
        let addresses = [Some(address), whole.as_ref()].into_iter().flatten();
        let followed = addresses.filter_map(|address| self.followed.get(address));
        let keys: std::collections::BTreeSet<u64> = followed.flat_map(|it| it.by.keys().copied()).collect();
        let subscriptions = keys.iter().filter_map(|key| self.subscriptions.get(key));
        subscriptions.filter(|it| !it.is_replaying).map(|it| Arc::clone(&it.notices)).collect()
    }

    /// Those of which something is live: to the others nothing can be lost yet.
    pub(super) fn live(&self) -> Vec<Arc<Notices>> {
        let present = self.subscriptions.values().filter(|it| !it.is_replaying);
        let live = present.filter(|it| it.addresses.iter().any(|address| self.is_live(address)));
        live.map(|it| Arc::clone(&it.notices)).collect()
    }
}

impl Followed {
    fn take_wakers(&mut self) -> Vec<Waker> {
        self.by.values_mut().filter_map(Option::take).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn addresses(texts: &[&str]) -> Arc<[Address]> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    fn calls(interests: &mut Interests) -> Vec<String> {
        let mut is_caller = false;
        let calls = std::iter::from_fn(|| {
            let call = interests.next_call(is_caller)?;
            is_caller = true;
            Some(match call {
                Call::Subscribe(request, addresses) => format!("+{request} {}", text(&addresses)),
                Call::Unsubscribe(addresses) => format!("- {}", text(&addresses)),
                Call::Replay(replay, _) => format!("replay {replay}"),
            })
        });
        calls.collect()
    }

    fn text(addresses: &[Address]) -> String {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    fn liveness(interests: &mut Interests, key: u64) -> Liveness {
        interests.liveness(key, Waker::noop().clone()).0
    }

    fn denied() -> Rejection {
        Rejection::new(pubsub_transports::ErrorCode::Denied, "no")
    }

    fn is_empty(interests: &Interests) -> bool {
        interests.subscriptions.is_empty() && interests.followed.is_empty() && interests.asked.is_empty()
    }

    #[test]
    fn an_address_is_asked_for_once_and_left_with_the_last() {
        let mut interests = Interests::default();
        let (one, _) = interests.join(addresses(&["a:1"]));
        let (two, _) = interests.join(addresses(&["a:1", "b"]));
        assert_eq!(calls(&mut interests), ["+1 a:1", "+2 b"]);
        interests.leave(one);
        assert!(calls(&mut interests).is_empty());
        interests.leave(two);
        assert_eq!(calls(&mut interests), ["- a:1 b"]);
        assert!(is_empty(&interests));
    }

    #[test]
    fn an_answer_to_an_earlier_request_says_nothing_of_a_later_one() {
        let mut interests = Interests::default();
        let one = addresses(&["a:1"]);
        let (first, _) = interests.join(one.clone());
        interests.leave(first);
        let (second, notices) = interests.join(one.clone());
        interests.subscribed(1);
        assert_eq!(liveness(&mut interests, second), Liveness::NotYet);
        assert!(interests.refused(1, &one[0], &denied()).0.is_empty());
        assert_eq!(notices.refused(), None);
        interests.subscribed(2);
        assert_eq!(liveness(&mut interests, second), Liveness::Live);
        calls(&mut interests);
        interests.leave(second);
        assert_eq!(calls(&mut interests), ["- a:1"]);
    }

    #[test]
    fn what_is_left_or_refused_is_not_remembered() {
        let mut interests = Interests::default();
        for number in 0..1_000 {
            let two = addresses(&["a:1", &format!("b:{number}")]);
            let (key, _) = interests.join(two.clone());
            if number % 2 == 0 {
                interests.refused(interests.last_request, &two[1], &denied());
                interests.refused(interests.last_request, &two[0], &denied());
            }
            interests.leave(key);
        }
        assert!(is_empty(&interests));
    }

    #[test]
    fn what_is_refused_is_asked_for_again_by_the_next() {
        let mut interests = Interests::default();
        let one = addresses(&["a:1"]);
        let (first, _) = interests.join(one.clone());
        assert_eq!(interests.refused(1, &one[0], &denied()).0.len(), 1);
        assert_eq!(liveness(&mut interests, first), Liveness::Refused(denied()));
        let (second, _) = interests.join(one);
        assert_eq!(liveness(&mut interests, second), Liveness::NotYet);
        interests.subscribed(2);
        calls(&mut interests);
        interests.leave(first);
        assert!(calls(&mut interests).is_empty(), "the second still follows");
        interests.leave(second);
        assert_eq!(calls(&mut interests), ["- a:1"]);
    }

    #[test]
    fn nothing_is_live_while_the_connection_is_lost() {
        let mut interests = Interests::default();
        let (first, _) = interests.join(addresses(&["a:1"]));
        interests.subscribed(1);
        interests.set_connected(false);
        let (second, _) = interests.join(addresses(&["a:1"]));
        assert_eq!(liveness(&mut interests, second), Liveness::NotYet);
        assert_eq!(interests.set_connected(true).len(), 1);
        assert_eq!(liveness(&mut interests, first), Liveness::Live);
        assert_eq!(liveness(&mut interests, second), Liveness::Live);
    }

    #[test]
    fn the_past_is_asked_for_after_what_it_is_of_and_tells_its_own_losses() {
        let mut interests = Interests::default();
        let one = addresses(&["a:1"]);
        let (first, _) = interests.join(one.clone());
        interests.replay(first, vec![(one[0].clone(), Start::Beginning)]);
        assert_eq!(calls(&mut interests), ["+1 a:1", "replay 1"]);
        interests.subscribed(1);
        let told = |interests: &Interests| {
            [interests.live(), interests.of_address(&one[0]), interests.reached_by(&one[0])]
                .map(|it| it.len())
        };
        assert_eq!(told(&interests), [0; 3]);
        interests.replayed(first);
        assert_eq!(told(&interests), [1; 3]);
    }

    /// Random steps against what the other side would know, from the calls alone.
    #[test]
    fn the_other_side_follows_what_is_followed_here() {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        println!("SEED={seed}");
        let mut state: u64 = seed;
        let mut below = |count: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % count
        };
        let texts = ["a:1", "a:2", "a", "b:1", "b"];
        let mut interests = Interests::default();
        let mut here: BTreeMap<u64, Arc<[Address]>> = BTreeMap::new();
        let (mut there, mut open): (BTreeSet<Address>, Vec<(u64, Vec<Address>)>) = Default::default();
        for _ in 0..20_000 {
            match below(5) {
                0 | 1 => {
                    let chosen: Vec<&str> = texts.into_iter().filter(|_| below(3) == 0).collect();
                    let chosen = addresses(&chosen);
                    here.insert(interests.join(chosen.clone()).0, chosen);
                }
                2 | 3 => {
                    let keys: Vec<u64> = here.keys().copied().collect();
                    if let Some(key) = keys.get(below(keys.len().max(1) as u64) as usize) {
                        interests.leave(*key);
                        here.remove(key);
                    }
                }
                _ if open.is_empty() => {}
                _ => {
                    let (request, addresses) = open.remove(0);
                    for address in addresses.into_iter().filter(|_| below(8) == 0) {
                        // What was unsubscribed and asked for anew belongs to the later request.
                        if !open.iter().any(|(_, later)| later.contains(&address)) {
                            there.remove(&address);
                        }
                        interests.refused(request, &address, &denied());
                    }
                    interests.subscribed(request);
                }
            }
            let mut is_caller = false;
            while let Some(call) = interests.next_call(is_caller) {
                is_caller = true;
                match call {
                    Call::Subscribe(request, addresses) => {
                        for address in &addresses {
                            assert!(there.insert(address.clone()), "{address} was followed");
                        }
                        open.push((request, addresses));
                    }
                    Call::Unsubscribe(addresses) => {
                        for address in &addresses {
                            assert!(there.remove(address), "{address} was not followed");
                        }
                    }
                    Call::Replay(..) => unreachable!("nobody asked for the past"),
                }
            }
            let live = |address: &&Address| {
                interests.followed.get(*address).is_some_and(|it| it.state != State::Refused)
            };
            let expected: BTreeSet<Address> =
                here.values().flat_map(|all| all.iter()).filter(live).cloned().collect();
            assert_eq!(there, expected);
        }
        here.into_keys().for_each(|key| drop(interests.leave(key)));
        assert!(is_empty(&interests));
    }
}
