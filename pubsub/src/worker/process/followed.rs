//! What a process follows, for the one that is started in its place.

use std::collections::BTreeSet;

use pubsub_transports::Address;

/// What runs followed at some time: one that panics gives up all of it on its way.
#[derive(Default)]
pub(super) struct Followed {
    addresses: BTreeSet<Address>,
    /// There were more than are kept.
    is_all: bool,
}

impl Followed {
    /// How many are kept. Beyond it all count as followed.
    const KEPT: usize = 4096;

    pub(super) fn add(&mut self, addresses: &[Address]) {
        self.is_all |= self.addresses.len() + addresses.len() > Self::KEPT;
        if !self.is_all {
            self.addresses.extend(addresses.iter().cloned());
        }
    }

    /// And what another followed.
    pub(super) fn merge(&mut self, other: Self) {
        self.is_all |= other.is_all || self.addresses.len() + other.addresses.len() > Self::KEPT;
        self.addresses.extend(other.addresses.into_iter().filter(|_| !self.is_all));
    }

    /// Whether it was, asked for the first time.
    pub(super) fn take(&mut self, address: &Address) -> bool {
        self.is_all || self.addresses.remove(address)
    }
}
