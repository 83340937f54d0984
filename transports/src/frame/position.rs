//! A position as text, to be stored and given back.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::Position;

/// Epoch, `-` and offset, as in `1764091597185990-42`; without an epoch it begins with the `-`. What was delivered before is
/// left out: it says nothing to whoever comes back.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch().unwrap_or_default(), self.offset())
    }
}

impl FromStr for Position {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, ParsePositionError> {
        let (epoch, offset) = text.rsplit_once('-').ok_or(ParsePositionError(()))?;
        let position = Self::new(offset.parse().map_err(|_| ParsePositionError(()))?);
        Ok(if epoch.is_empty() { position } else { position.with_epoch(epoch) })
    }
}

/// A text is no [`Position`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsePositionError(());

impl fmt::Display for ParsePositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position is an epoch, `-` and a number")
    }
}

impl Error for ParsePositionError {}

#[cfg(feature = "serde")]
mod serde {
    use ::serde::de::{Error, Unexpected, Visitor};
    use ::serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Position, fmt};

    /// Its text.
    impl Serialize for Position {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for Position {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_str(PositionVisitor)
        }
    }

    struct PositionVisitor;

    impl Visitor<'_> for PositionVisitor {
        type Value = Position;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an epoch, `-` and a number")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Position, E> {
            text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_what_its_text_says() {
        for position in [Position::new(42).with_epoch("1764-x"), Position::new(0)] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        for text in ["", "-", "a", "a-", "a-1x", "a--1x"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
