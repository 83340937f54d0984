//! What the bus follows, on whatever connection.

use std::collections::HashMap;

use crate::Address;

#[derive(Default)]
pub(super) struct Interest {
    followed: HashMap<Address, Followed>,
    /// Addresses of a request that are not acknowledged yet.
    requests: HashMap<u64, usize>,
}

struct Followed {
    /// The request that asked for it last.
    request: u64,
    /// Whether the server has acknowledged it, on this connection or an earlier one.
    was_live: bool,
}

impl Interest {
    pub(super) fn follow(&mut self, request: u64, addresses: &[Address]) {
        self.requests.insert(request, addresses.len());
        for address in addresses {
            self.followed.insert(address.clone(), Followed { request, was_live: false });
        }
    }

    /// Follows it no more; the request that this completes.
    pub(super) fn leave(&mut self, address: &Address) -> Option<u64> {
        let followed = self.followed.remove(address)?;
        if followed.was_live { None } else { self.settle(followed.request) }
    }

    /// Whether this request is still what an address is followed for.
    pub(super) fn has(&self, address: &Address, request: u64) -> bool {
        self.followed.get(address).is_some_and(|followed| followed.request == request)
    }

    /// What an address is followed for.
    pub(super) fn request_of(&self, address: &Address) -> Option<u64> {
        self.followed.get(address).map(|followed| followed.request)
    }

    /// The server has acknowledged an address; the request that this completes.
    pub(super) fn acknowledged(&mut self, address: &Address, request: u64) -> Option<u64> {
        let followed = self.followed.get_mut(address)?;
        if followed.request != request || followed.was_live {
            return None;
        }
        followed.was_live = true;
        self.settle(request)
    }

    fn settle(&mut self, request: u64) -> Option<u64> {
        let waiting = self.requests.get_mut(&request)?;
        *waiting -= 1;
        if *waiting > 0 {
            return None;
        }
        self.requests.remove(&request);
        Some(request)
    }

    /// All that is followed, with the request that asked for it.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Address, u64)> {
        self.followed.iter().map(|(address, followed)| (address, followed.request))
    }

    /// Whether a loss of the connection loses events.
    pub(super) fn was_live(&self) -> bool {
        self.followed.values().any(|followed| followed.was_live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_complete_with_its_last_address() {
        let [one, two] = ["a:1", "a:2"].map(|text| text.parse::<Address>().expect("an address"));
        let mut interest = Interest::default();
        interest.follow(7, &[one.clone(), two.clone()]);
        assert_eq!(interest.acknowledged(&one, 7), None);
        assert_eq!(interest.acknowledged(&one, 7), None, "again, after a reconnection");
        assert_eq!(interest.acknowledged(&two, 7), Some(7));
        assert_eq!(interest.acknowledged(&two, 7), None);
        assert!(interest.requests.is_empty());
    }

    #[test]
    fn what_is_left_before_it_was_live_holds_up_no_other() {
        let [one, two] = ["a:1", "a:2"].map(|text| text.parse::<Address>().expect("an address"));
        let mut interest = Interest::default();
        interest.follow(7, &[one.clone(), two.clone()]);
        interest.acknowledged(&one, 7);
        assert_eq!(interest.leave(&two), Some(7));
        assert_eq!(interest.leave(&one), None);
        assert!(interest.requests.is_empty() && interest.followed.is_empty());
    }

    #[test]
    fn an_answer_to_an_earlier_request_says_nothing_of_a_later_one() {
        let one: Address = "a:1".parse().expect("an address");
        let mut interest = Interest::default();
        interest.follow(1, std::slice::from_ref(&one));
        interest.leave(&one);
        interest.follow(2, std::slice::from_ref(&one));
        assert_eq!(interest.acknowledged(&one, 1), None);
        assert!(!interest.was_live());
        assert_eq!(interest.acknowledged(&one, 2), Some(2));
        assert!(interest.was_live());
    }
}
