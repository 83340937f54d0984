//! The payloads of control messages, member by member in the order in which they are written.

use std::fmt;
use std::time::Duration;

use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ControlError;
use super::text::{GapReason, OnGap, code};
use crate::websocket::CloseCode;
use crate::{ErrorCode, EventId, Rejection};

/// A member that may be absent is an `Option`.
trait Member {
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> Member for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

macro_rules! always_there {
    ($($type:ty)*) => { $(impl Member for $type {})* };
}

always_there!(String bool u16 u32 u64 Vec<Subscribe> TextId GapReason Code);

/// Structs whose absent members are left out where a person may read the message, and written as absent elsewhere:
/// postcard knows members by their place.
macro_rules! payloads {
    ($($(#[$doc:meta])* $vis:vis struct $name:ident {
        $($(#[$member_doc:meta])* $member:ident as $wire:literal: $type:ty,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        $vis struct $name {
            $($(#[$member_doc])* #[serde(rename = $wire)] pub $member: $type,)*
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let sparse = serializer.is_human_readable();
                #[allow(unused_mut)]
                let mut members = 0;
                $(if !(sparse && self.$member.is_absent()) { members += 1; })*
                #[allow(unused_mut)]
                let mut out = serializer.serialize_struct(stringify!($name), members)?;
                $(if sparse && self.$member.is_absent() {
                    out.skip_field($wire)?;
                } else {
                    out.serialize_field($wire, &self.$member)?;
                })*
                let _ = sparse;
                out.end()
            }
        }
    )*};
}

payloads! {
    /// The payload of `__connect`.
    pub struct Connect {
        /// The [version](super::PROTOCOL) that the client speaks.
        protocol as "protocol": u32,
        /// What proves who the client is.
        token as "token": Option<Token>,
        /// Names of what the client can do beyond the protocol.
        features as "features": Option<Vec<String>>,
        /// A hash of the client's event map.
        map_hash as "mapHash": Option<String>,
    }

    /// The payload of `__connected`.
    pub struct Connected {
        /// The name of this connection.
        session as "session": String,
        /// Who the client is; absent if it is anonymous.
        identity as "identity": Option<String>,
        /// How often the hub pings, in milliseconds.
        ping_ms as "pingMs": u64,
        /// How many bytes a message may have.
        max_frame as "maxFrame": u64,
        /// How many subscriptions a connection may have.
        max_topics as "maxTopics": u64,
        /// Names the memory in which the hub knows the ids of published events. Where it is another than before, an
        /// event that is sent again may be accepted again.
        epoch as "epoch": Option<String>,
        /// For how long the hub believes that the client is who it said, in milliseconds; before that it says `__connect` with
        /// a new token, or is closed with 4005. Absent where that has no end.
        expires_ms as "expiresMs": Option<u64>,
    }

    /// A subscription to be made.
    pub struct Subscribe {
        /// The address, or `type:@self`.
        topic as "topic": String,
        /// The position after which to go on; from now on if absent.
        since as "since": Option<Since>,
        /// What to do where that is not possible; absent is [`OnGap::Deliver`].
        on_gap as "onGap": Option<OnGap>,
        /// Asks for acknowledged delivery: so many events may be under way that were not acknowledged, and the hub sends no
        /// more before they are.
        window as "window": Option<u32>,
        /// How many of those up to `since` the client has not acknowledged yet, of a connection before. They count until it
        /// acknowledges the offset of `since`.
        unacknowledged as "unacknowledged": Option<u32>,
    }

    /// The payload of `__subscribe`: either one or many.
    pub(super) struct SubscribeMany {
        topic as "topic": Option<String>,
        since as "since": Option<Since>,
        on_gap as "onGap": Option<OnGap>,
        window as "window": Option<u32>,
        unacknowledged as "unacknowledged": Option<u32>,
        topics as "topics": Option<Vec<Subscribe>>,
    }

    /// A position to go on after.
    pub struct Since {
        /// The history that the offset belongs to.
        epoch as "epoch": String,
        /// The offset of the last event that was seen, or was not wanted.
        offset as "offset": u64,
    }

    /// The payload of `__subscribed`. `replay` events follow, then live ones.
    pub struct Subscribed {
        /// The address, as it was asked for.
        topic as "topic": String,
        /// The history of the type.
        epoch as "epoch": String,
        /// The offset of the last event of the type, which need not be one of this address; 0 if there was none.
        offset as "offset": u64,
        /// Whether the subscription goes on after the position that was asked for, with nothing missing.
        recovered as "recovered": bool,
        /// How many events are replayed.
        replay as "replay": u64,
        /// Why it was not recovered, where that was asked for: the subscription begins after `offset`.
        gap as "gap": Option<GapReason>,
        /// How many events were missed by that, where the hub knows.
        missed as "missed": Option<u64>,
    }

    /// The payload of `__unsubscribe`.
    pub struct Unsubscribe {
        /// The address, as it was asked for.
        topic as "topic": String,
    }

    /// The payload of `__unsubscribed`.
    pub struct Unsubscribed {
        /// The address, as it was asked for.
        topic as "topic": String,
        /// Why, where nobody asked for it.
        code as "code": Option<Code>,
        /// The same for people.
        reason as "reason": Option<String>,
    }

    /// The payload of `__published`.
    pub struct Published {
        /// The event.
        event_id as "eventId": TextId,
        /// Its offset.
        offset as "offset": u64,
    }

    /// The payload of `__ack`.
    pub struct Ack {
        /// The address.
        topic as "topic": String,
        /// Everything up to here was handled.
        offset as "offset": u64,
        /// From now on so many events may be under way; 0 ends acknowledged delivery. As before if absent.
        window as "window": Option<u32>,
    }

    /// The payload of `__error`.
    pub struct Failure {
        /// What kind of refusal it is.
        code as "code": Code,
        /// The same for people.
        message as "message": String,
        /// Whether the same may be accepted later.
        retryable as "retryable": bool,
        /// How long to wait before, in milliseconds.
        retry_after_ms as "retryAfterMs": Option<u64>,
        /// Which address was refused, where a command named some.
        topic as "topic": Option<String>,
    }

    /// The payload of `__gap`.
    pub struct Gap {
        /// The address of the subscription, as it was asked for.
        topic as "topic": String,
        /// How many events were lost, where the hub knows.
        missed as "missed": Option<u64>,
        /// Why.
        reason as "reason": GapReason,
        /// Everything up to here is lost or was delivered: the position to go on after.
        offset as "offset": Option<u64>,
        /// The history that the offset belongs to, where it is another than before.
        epoch as "epoch": Option<String>,
    }

    /// The payload of `__disconnect`.
    pub struct Disconnect {
        /// The code of the close frame that follows.
        code as "code": u16,
        /// The same for people.
        reason as "reason": String,
        /// Whether to come back.
        retry as "retry": bool,
        /// How long to wait before, in milliseconds.
        retry_after_ms as "retryAfterMs": Option<u64>,
    }

    /// The payload of what says nothing more.
    pub(super) struct Empty {}
}

impl Subscribe {
    /// To this address, from now on, and without acknowledging.
    #[must_use]
    pub fn new(topic: impl Into<String>) -> Self {
        Self { topic: topic.into(), since: None, on_gap: None, window: None, unacknowledged: None }
    }
}

impl SubscribeMany {
    pub(super) fn one(one: &Subscribe) -> Self {
        let Subscribe { topic, since, on_gap, window, unacknowledged } = one.clone();
        Self { topic: Some(topic), since, on_gap, window, unacknowledged, topics: None }
    }

    pub(super) fn many(many: &[Subscribe]) -> Self {
        let topics = Some(many.to_vec());
        Self { topic: None, since: None, on_gap: None, window: None, unacknowledged: None, topics }
    }

    pub(super) fn into_topics(self) -> Result<Vec<Subscribe>, ControlError> {
        let Self { topic, since, on_gap, window, unacknowledged, topics } = self;
        match (topic, topics) {
            (Some(topic), None) => Ok(vec![Subscribe { topic, since, on_gap, window, unacknowledged }]),
            (None, Some(topics)) if !topics.is_empty() => Ok(topics),
            _ => Err(ControlError::Topics),
        }
    }
}

impl Disconnect {
    /// What is said before a connection is closed with this code.
    #[must_use]
    pub fn new(code: CloseCode, retry_after: Option<Duration>) -> Self {
        Self {
            code: code.number(),
            reason: code.reason().to_owned(),
            retry: code.comes_back(),
            retry_after_ms: retry_after.map(millis),
        }
    }
}

impl Failure {
    /// This refusal, of this address.
    #[must_use]
    pub fn new(rejection: &Rejection, topic: Option<&str>) -> Self {
        Self {
            code: Code(rejection.code().clone()),
            message: rejection.message().to_owned(),
            retryable: rejection.is_retryable(),
            retry_after_ms: rejection.retry_after().map(millis),
            topic: topic.map(str::to_owned),
        }
    }

    /// The refusal that it says.
    #[must_use]
    pub fn rejection(&self) -> Rejection {
        let rejection =
            Rejection::new(self.code.0.clone(), self.message.as_str()).with_retryable(self.retryable);
        match self.retry_after_ms {
            Some(delay) => rejection.with_retry_after(Duration::from_millis(delay)),
            None => rejection,
        }
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An error code as its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(#[serde(with = "code")] pub ErrorCode);

/// An event id as its text, whatever the codec: as the envelope has it for who reads without types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextId(pub EventId);

impl Serialize for TextId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TextId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// What proves who a client is. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
