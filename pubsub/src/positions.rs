//! How far a subscriber is.

use std::collections::BTreeMap;
use std::fmt;

use pubsub_transports::{Address, Start};

use crate::{Event, Position, TopicId};

/// How far a subscriber is in the history of each topic: what [`Subscription::positions`](crate::Subscription::positions)
/// gives, and [`Subscribe::since`](crate::Subscribe::since) takes.
///
/// With the feature `serde` it can be stored: a map of names of topics to positions, which are texts.
///
/// ```
/// use pubsub::{Position, Positions};
///
/// let mut positions = Positions::new();
/// positions.insert("order.placed", Position::new(41).with_epoch("1764091597185990"));
/// # #[cfg(feature = "json")] {
/// let text = serde_json::to_string(&positions)?;
/// assert_eq!(text, r#"{"order.placed":"1764091597185990-41"}"#);
/// assert_eq!(serde_json::from_str::<Positions>(&text)?, positions);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Positions {
    topics: BTreeMap<Box<str>, Position>,
}

impl Positions {
    /// Of no topic.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything of the topic up to `position` is known, and nothing if that is 0 without an epoch. Gives what was said before.
    pub fn insert(&mut self, topic: &str, position: Position) -> Option<Position> {
        let known = Position::new(position.offset());
        let known = match position.epoch() {
            Some(epoch) => known.with_epoch(epoch),
            None => known,
        };
        self.topics.insert(topic.into(), known)
    }

    /// Everything up to this event is known. Nothing, if it came over a transport without a history.
    pub fn note<P, I: TopicId + ?Sized>(&mut self, event: &Event<P, I>) {
        if let Some(position) = event.position() {
            self.insert(event.topic, position.clone());
        }
    }

    /// How far the topic of this name is known.
    #[must_use]
    pub fn get(&self, topic: &str) -> Option<&Position> {
        self.topics.get(topic)
    }

    /// All of them, by the names of their topics.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Position)> {
        self.topics.iter().map(|(topic, position)| (&**topic, position))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }
}

/// The one of its topic, if it has one.
impl<P, I: TopicId + ?Sized> From<&Event<P, I>> for Positions {
    fn from(event: &Event<P, I>) -> Self {
        let mut positions = Self::new();
        positions.note(event);
        positions
    }
}

impl From<&Self> for Positions {
    fn from(positions: &Self) -> Self {
        positions.clone()
    }
}

/// Where a subscription begins: what [`Subscribe::since`](crate::Subscribe::since) takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Since {
    /// With the oldest event that is kept of each topic. That there were others before it is no gap.
    Beginning,
    /// After what is known. What is kept no more is a gap; a topic that is not in it begins with what comes.
    Known(Positions),
}

impl Since {
    pub(crate) fn start(&self, topic: &str) -> Start {
        match self {
            Self::Beginning => Start::Beginning,
            Self::Known(positions) => match positions.get(topic) {
                None => Start::Now,
                Some(position) if *position == before_everything() => Start::Beginning,
                Some(position) => Start::After(position.clone()),
            },
        }
    }

    /// What is known of each topic when it begins like this; `live` of those that begin now.
    pub(crate) fn begins<'a>(
        starts: &'a [(Address, Start)],
        live: Vec<(Box<str>, Position)>,
    ) -> impl Iterator<Item = (Box<str>, Position)> + use<'a> {
        let known = starts.iter().filter_map(|(address, start)| match start {
            Start::Beginning => Some((address.topic().into(), before_everything())),
            Start::After(position) => Some((address.topic().into(), position.clone())),
            _ => None,
        });
        known.chain(live)
    }
}

/// What somebody knows who knows nothing of a topic, and wants all.
pub(crate) fn before_everything() -> Position {
    Position::new(0)
}

impl<T: Into<Positions>> From<T> for Since {
    fn from(positions: T) -> Self {
        Self::Known(positions.into())
    }
}

impl fmt::Debug for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let positions = self.iter().map(|(topic, position)| (topic, position.to_string()));
        f.debug_map().entries(positions).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Positions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Positions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { topics: BTreeMap::deserialize(deserializer)? })
    }
}
