//! Words on the wire: texts with a known set of values, and room for those of tomorrow.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ErrorCode;

/// Why events of a subscription were lost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapReason {
    /// The client did not read fast enough, and its queue was full.
    Overflow,
    /// The hub lost its history, and has another now: nothing is known of what came between.
    Epoch,
    /// The history does not reach back so far any more.
    Evicted,
    /// More events were missed than the hub replays.
    TooMany,
    /// One that this version does not know.
    Other(Box<str>),
}

impl GapReason {
    /// Its text on a wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Overflow => "overflow",
            Self::Epoch => "epoch",
            Self::Evicted => "evicted",
            Self::TooMany => "too_many",
            Self::Other(text) => text,
        }
    }
}

impl From<&str> for GapReason {
    fn from(text: &str) -> Self {
        match text {
            "overflow" => Self::Overflow,
            "epoch" => Self::Epoch,
            "evicted" => Self::Evicted,
            "too_many" => Self::TooMany,
            other => Self::Other(other.into()),
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<crate::GapReason> for GapReason {
    /// What happens to a connection alone is told as a history that is not known any more.
    fn from(reason: crate::GapReason) -> Self {
        use crate::GapReason as Of;
        match reason {
            Of::Overflow => Self::Overflow,
            Of::Evicted => Self::Evicted,
            Of::TooMany => Self::TooMany,
            Of::Epoch | Of::Disconnected | Of::Moved => Self::Epoch,
        }
    }
}

impl From<&GapReason> for crate::GapReason {
    /// One that this version does not know is told as the connection's.
    fn from(reason: &GapReason) -> Self {
        match reason {
            GapReason::Overflow => Self::Overflow,
            GapReason::Epoch => Self::Epoch,
            GapReason::Evicted => Self::Evicted,
            GapReason::TooMany => Self::TooMany,
            GapReason::Other(_) => Self::Disconnected,
        }
    }
}

impl Serialize for GapReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for GapReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer)
    }
}

/// What a client wants where not everything after its position can be replayed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnGap {
    /// A subscription all the same, and to be told of the gap.
    #[default]
    Deliver,
    /// No subscription, and `unrecoverable_position`.
    Reject,
}

/// For `ErrorCode`, which is no matter of the WebSocket alone.
pub(super) mod code {
    use super::{Deserializer, ErrorCode, Serializer, text};

    pub(in crate::websocket::wire) fn deserialize<'de, D>(deserializer: D) -> Result<ErrorCode, D::Error>
    where
        D: Deserializer<'de>,
    {
        text(deserializer)
    }

    pub(in crate::websocket::wire) fn serialize<S: Serializer>(
        code: &ErrorCode,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(code.as_str())
    }
}

fn text<'de, D: Deserializer<'de>, T: for<'t> From<&'t str>>(deserializer: D) -> Result<T, D::Error> {
    Ok(T::from(&CompactString::from(String::deserialize(deserializer)?)))
}
