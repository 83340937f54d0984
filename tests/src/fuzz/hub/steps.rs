//! What a hub is like and what happens to it, as an input says it.

use arbitrary::Arbitrary;
use bytes::Bytes;
use pubsub_transports::{Address, EventId, Header};

#[derive(Debug, Arbitrary)]
pub(super) struct Setup {
    pub(super) anonymous: bool,
    pub(super) authenticates: bool,
    pub(super) authorizes: bool,
    pub(super) behind: bool,
    pub(super) is_slow: bool,
    pub(super) overflow: Option<bool>,
}

#[derive(Debug, Arbitrary)]
pub(super) enum Step<'a> {
    Open(u8, Option<bool>),
    Closed(u8),
    Present(u8),
    Say(u8, bool, &'a [u8]),
    Command(u8, Spoken),
    Pull(u8, u16),
    Pong(u8),
    Wait(u16),
    Publish(Place, Option<u8>, u8),
    Send(u8, Place),
    Forget(u8),
    Withdraw(u8, Place),
    Disconnect(u8, u16),
    ShutDown(u8),
    Follow(Place),
    Unfollow(Place),
    Authenticated(u8, Option<bool>, Option<u16>),
    Authorized(u8, u8, u8),
    Placed(u8, Option<u8>, Option<u64>),
    Followed(u8, u8, u64),
    Unfollowed(u8),
    Interrupted(u8, bool),
    Arrived(Place, u8, u64, &'a [u8]),
    Recalled(u8, u8, u64, u8),
    Fetched(u8, bool),
}

/// What a well-made client says.
#[derive(Debug, Arbitrary)]
pub(super) enum Spoken {
    Connect(bool, Option<u8>),
    Subscribe(Vec<Wanted>),
    Unsubscribe(Place),
    Ack(Place, u8, Option<u8>),
    Ping,
    Event(Place, Option<u8>, u8),
}

#[derive(Debug, Arbitrary)]
pub(super) struct Wanted {
    pub(super) place: Place,
    pub(super) since: Option<(bool, u64)>,
    pub(super) rejects: bool,
    pub(super) window: Option<u8>,
    pub(super) unacknowledged: Option<u8>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
pub(super) struct Place(u8);

const TOPICS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const IDS: [Option<&str>; 5] = [None, Some("1"), Some("2"), Some("@self"), Some("ada")];
pub(super) const NAMES: [&str; 2] = ["ada", "bob"];

pub(super) fn topic(number: u8) -> &'static str {
    TOPICS[usize::from(number) % TOPICS.len()]
}

impl Place {
    pub(super) fn topic(self) -> &'static str {
        topic(self.0)
    }

    pub(super) fn id(self) -> Option<&'static str> {
        IDS[usize::from(self.0 / 6) % IDS.len()]
    }

    pub(super) fn address(self) -> Address {
        let address = match self.id() {
            Some(id) => Address::new(self.topic(), id),
            None => Address::whole(self.topic()),
        };
        address.expect("both are ones of an address")
    }

    pub(super) fn header(self, event_id: Option<u8>) -> Header {
        let header = Header::new(self.topic(), self.id().unwrap_or_default());
        match event_id {
            Some(event_id) => header.with_event_id(EventId::from_u128(event_id.into())),
            None => header,
        }
    }
}

pub(super) fn body(size: u8) -> Bytes {
    // A number in JSON, of any length.
    vec![b'1'; usize::from(size) * 4 + 1].into()
}
