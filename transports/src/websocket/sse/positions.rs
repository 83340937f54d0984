//! How far each topic of a request has come, as one token.

use std::fmt;

use compact_str::CompactString;

use crate::websocket::wire::{Command, Gap, Since, Subscribe, Subscribed, resolve};
use crate::{Address, AddressError, Header};

/// The topics of one request in its order, each with the position that is known of it.
///
/// As text there is a place for each topic, apart by spaces: `epoch.offset`, or `-` where nothing is known. It is what a client
/// says again as `Last-Event-ID`, with the same topics in the same order.
#[derive(Debug)]
pub(crate) struct Positions(Vec<Place>);

#[derive(Debug)]
struct Place {
    /// As it was asked for.
    asked: String,
    address: Option<Address>,
    known: Option<Known>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    epoch: CompactString,
    offset: u64,
}

/// A `Last-Event-ID` that is none of these topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MalformedPosition;

impl Positions {
    /// Of these topics, after what was said before, if anything. `identity` is who asks.
    ///
    /// # Errors
    /// Those of a topic that is no address.
    pub(crate) fn new(topics: &[String], identity: Option<&str>) -> Result<Self, AddressError> {
        let place = |asked: &String| {
            let address = resolve(asked.parse()?, identity);
            Ok(Place { asked: asked.clone(), address, known: None })
        };
        topics.iter().map(place).collect::<Result<_, _>>().map(Self)
    }

    /// Goes on after what a client says that it knows.
    ///
    /// # Errors
    /// If it does not say it of these topics.
    pub(crate) fn go_on_after(&mut self, last_event_id: &str) -> Result<(), MalformedPosition> {
        let mut parts = last_event_id.split(' ');
        for place in &mut self.0 {
            place.known = match parts.next().ok_or(MalformedPosition)? {
                "-" => None,
                part => {
                    let (epoch, offset) = part.rsplit_once('.').ok_or(MalformedPosition)?;
                    let offset = offset.parse().map_err(|_| MalformedPosition)?;
                    Some(Known { epoch: epoch.into(), offset })
                }
            };
        }
        if parts.next().is_some() { Err(MalformedPosition) } else { Ok(()) }
    }

    /// What the hub is asked for.
    pub(crate) fn command(&self) -> Command {
        let since = |known: &Known| Since { epoch: known.epoch.to_string(), offset: known.offset };
        let one = |place: &Place| Subscribe {
            since: place.known.as_ref().map(since),
            ..Subscribe::new(place.asked.as_str())
        };
        Command::Subscribe(self.0.iter().map(one).collect())
    }

    pub(super) fn subscribed(&mut self, reply: &Subscribed) {
        let Some(place) = self.0.iter_mut().find(|place| place.asked == reply.topic) else { return };
        // What is replayed comes yet.
        if !(reply.recovered && place.known.is_some() && reply.replay > 0) {
            place.known = Some(Known { epoch: reply.epoch.as_str().into(), offset: reply.offset });
        }
    }

    pub(super) fn gap(&mut self, gap: &Gap) {
        let Some(place) = self.0.iter_mut().find(|place| place.asked == gap.topic) else { return };
        let (Some(known), Some(offset)) = (&mut place.known, gap.offset) else { return };
        match gap.epoch.as_deref().filter(|epoch| *epoch != known.epoch) {
            Some(epoch) => *known = Known { epoch: epoch.into(), offset },
            None => known.offset = known.offset.max(offset),
        }
    }

    pub(super) fn event(&mut self, header: &Header) {
        let Some(position) = header.position() else { return };
        let matching = |place: &&mut Place| {
            let address = place.address.as_ref().filter(|address| address.topic() == header.topic());
            address.is_some_and(|address| address.id().is_none_or(|id| id == header.id()))
        };
        // One of a single id is never ahead of what comes by the type: that waits for it.
        for place in self.0.iter_mut().filter(matching) {
            let Some(known) = &mut place.known else { continue };
            if position.epoch().is_none_or(|epoch| epoch == known.epoch) {
                known.offset = known.offset.max(position.offset());
            }
        }
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, topic) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            match &topic.known {
                Some(known) => write!(f, "{}.{}", known.epoch, known.offset)?,
                None => f.write_str("-")?,
            }
        }
        Ok(())
    }
}
