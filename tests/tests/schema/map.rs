//! A map with payloads of every kind that serde writes.

use std::collections::{BTreeMap, BTreeSet};

use pubsub::EventMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where something is.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    /// In degrees.
    pub(crate) degrees_north: f64,
    #[serde(rename = "east")]
    pub(crate) degrees_east: f32,
    pub(crate) name: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Account {
    pub(crate) number: u64,
    pub(crate) balance: i64,
    pub(crate) initial: char,
    pub(crate) place: Place,
    pub(crate) others: Vec<Place>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) limits: BTreeMap<String, Limits>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nickname: Option<Box<str>>,
    #[serde(flatten)]
    pub(crate) change: Change,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Limits(pub(crate) u8, pub(crate) i16, pub(crate) [bool; 3]);

#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Change {
    pub(crate) by: Role,
    pub(crate) on: Option<u32>,
}

/// Written as text.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub(crate) enum Role {
    PowerUser,
    Guest,
    #[serde(rename = "root")]
    Administrator,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) enum External {
    Unit,
    Newtype(Place),
    Tuple(u8, String),
    Record { inside: Option<Box<Self>>, list: Vec<Self> },
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Internal {
    NothingHappened,
    Moved(Place),
    #[serde(rename_all = "camelCase")]
    Renamed {
        old_name: String,
        new_name: String,
    },
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "t", content = "c")]
pub(crate) enum Adjacent {
    Unit,
    Newtype(Vec<u16>),
    Tuple(i32, Role),
    Record { ratio: f64 },
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Untagged {
    Number(i32),
    Text(String),
    Place(Place),
    Pair(u8, bool),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Token(pub(crate) String);

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<Token>,
}

/// All that a payload can be.
#[derive(EventMap)]
#[event_map(rename_all = "path/case", prefix = "all/")]
pub(crate) enum Everything {
    /// An account was opened.
    ///
    /// It has money.
    Account(Account),
    #[event(id = u64)]
    External(External),
    Internal(Internal),
    Adjacent(Adjacent),
    Untagged(Untagged),
    /// Of places.
    Places(Page<Place>),
    Tokens(Page<Token>),
    /// Many fields are a tuple.
    Pair(u8, Option<Place>),
    ByNumber(BTreeMap<u32, Role>),
    Maybe(Option<Result<u8, String>>),
    Flag(bool),
    Restart,
    /// The old way.
    #[deprecated(since = "0.1.0", note = "use `Account`")]
    Older(Token),
    #[event(topic = "all.maybe", constant = DOTTED)]
    Größe(Place),
}
