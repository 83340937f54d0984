//! The event map of the tests of worker processes, which both ends have.

use pubsub::prelude::*;
use serde::{Deserialize, Serialize};

/// What a host and its processes say to each other.
#[derive(Clone, Debug, PartialEq, EventMap)]
#[event_map(rename_all = "dot.case")]
pub enum App {
    /// To be echoed.
    Job(u64),
    /// The echo.
    Done(u64),
    /// As long as wanted.
    #[event(id = u32)]
    Text(String),
    /// Cannot be encoded when it says so.
    Picky(Picky),
}

/// A payload that refuses to be encoded.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Picky(pub bool);

impl Serialize for Picky {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 {
            return Err(serde::ser::Error::custom("it does not want to"));
        }
        serializer.serialize_newtype_struct("Picky", &self.0)
    }
}
