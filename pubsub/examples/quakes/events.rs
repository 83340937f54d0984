//! What can happen: the event map, and what its events carry.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use pubsub::prelude::*;

use crate::calendar::{Date, Timestamp};

/// Every topic of this program.
#[derive(EventMap)]
#[event_map(rename_all = "dot.case", id = Network)]
pub(crate) enum QuakeEvent {
    /// A seismic network reported an event.
    QuakeReported(Quake),
    /// People reported that they felt it.
    QuakeFelt(FeltReport),
    /// A network flagged an event as large and in an oceanic region.
    TsunamiFlagged(TsunamiFlag),
    /// All events of a day have been published; the id is the time zone of the day.
    #[event(id = str)]
    DayEnded(Date),
}

/// What a subscription to [`QuakeEvent::QUAKE_REPORTED`] yields.
pub(crate) type Report = Event<Quake, Network>;

/// One seismic event; most are earthquakes.
#[derive(Debug, Clone)]
pub(crate) struct Quake {
    pub(crate) id: QuakeId,
    pub(crate) time: Timestamp,
    pub(crate) magnitude: f64,
    pub(crate) place: String,
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    pub(crate) depth_km: f64,
    /// `earthquake`, `quarry blast`, `explosion`, ...
    pub(crate) kind: String,
}

/// What tells a quake from all others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct QuakeId(pub(crate) String);

/// How many people felt a quake.
#[derive(Debug, Clone)]
pub(crate) struct FeltReport {
    pub(crate) quake: QuakeId,
    pub(crate) reports: u32,
    pub(crate) magnitude: f64,
    pub(crate) place: String,
}

/// A quake that could have raised the sea; the flag does not say that it did.
#[derive(Debug, Clone)]
pub(crate) struct TsunamiFlag {
    pub(crate) time: Timestamp,
    pub(crate) magnitude: f64,
    pub(crate) place: String,
}

/// A seismic network, by its code: the id of most topics. `ci` is Southern California.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Network(Cow<'static, str>);

impl Network {
    pub(crate) const SOUTHERN_CALIFORNIA: Self = Self(Cow::Borrowed("ci"));
    pub(crate) const NORTHERN_CALIFORNIA: Self = Self(Cow::Borrowed("nc"));

    /// The region or institution, as far as this program knows it; else the code again.
    pub(crate) fn name(&self) -> &str {
        match &*self.0 {
            "ak" => "Alaska",
            "ci" => "Southern California",
            "hv" => "Hawaii",
            "mb" => "Montana",
            "nc" => "Northern California",
            "nm" => "New Madrid",
            "nn" => "Nevada",
            "pr" => "Puerto Rico",
            "se" => "Southeastern U.S.",
            "us" => "USGS, worldwide",
            "uu" => "Utah",
            "uw" => "Pacific Northwest",
            code => code,
        }
    }
}

/// An id is its text: these two are all that a type needs to be the id of a topic.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(code: &str) -> Result<Self, NotANetwork> {
        let letters = code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match code.len() {
            1..=8 if letters => Ok(Self(Cow::Owned(code.to_owned()))),
            _ => Err(NotANetwork),
        }
    }
}

/// The text is no code of a network: 1 to 8 letters or digits.
#[derive(Debug)]
pub(crate) struct NotANetwork;
