//! The nodes that are known, and who of them is to be connected to.

use std::sync::{Mutex, PoisonError};

use crate::ConnectError;
use crate::redis::refusal;
use crate::redis::resp::{self, Value};
use crate::redis::server::Place;
use crate::redis::wire::{Dialer, Wire, protocol};

/// The most nodes that are known: more than a cluster is advised to have.
const MAX_NODES: usize = 1_000;

#[derive(Debug)]
pub(in crate::redis) struct Nodes {
    /// Whose node it has to be; `None`: any.
    slot: Option<u16>,
    /// The one that was good last comes first.
    known: Mutex<Vec<Place>>,
    /// What was said last.
    ranges: Mutex<Vec<Range>>,
}

/// Nodes that serve a range of slots, the master first.
type Range = (u16, u16, Vec<Place>);

impl Nodes {
    pub(in crate::redis) fn new(known: Vec<Place>, slot: Option<u16>) -> Self {
        Self { slot, known: Mutex::new(known), ranges: Mutex::default() }
    }

    /// The master of each range of slots, as the last node said that was connected to.
    pub(in crate::redis) fn masters(&self) -> Vec<(u16, u16, Place)> {
        let ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        ranges
            .iter()
            .filter_map(|(first, last, places)| Some((*first, *last, places.first()?.clone())))
            .collect()
    }

    fn known(&self) -> Vec<Place> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the nodes of the cluster as it is now; if it names none, those that were known.
    fn learn(&self, good: &Place, ranges: Vec<Range>) {
        let mut known = vec![good.clone()];
        self.ranges.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&ranges);
        for place in ranges.into_iter().flat_map(|(_, _, places)| places) {
            if !known.contains(&place) && known.len() < MAX_NODES {
                known.push(place);
            }
        }
        if known.len() > 1 {
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        }
    }

    /// A connection to the node that is asked for, by what the first node says that answers.
    ///
    /// # Errors
    /// Those of the last node, if none is of use.
    pub(in crate::redis) async fn open(&self, dialer: &Dialer) -> Result<Wire, ConnectError> {
        let mut last = ConnectError::Url { reason: "a cluster of no nodes".to_owned() };
        for place in self.known() {
            match self.open_by(dialer, &place).await {
                Ok(wire) => return Ok(wire),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn open_by(&self, dialer: &Dialer, place: &Place) -> Result<Wire, ConnectError> {
        let mut wire = dialer.open_at(place).await?;
        resp::command(&mut wire.out, &[b"CLUSTER", b"SLOTS"]);
        let ranges = match &wire.call(1).await?[..] {
            [Value::Error(error)] => return Err(ConnectError::Refused(refusal::rejection(error))),
            [slots] => ranges(slots, place)
                .ok_or_else(|| protocol("an answer to CLUSTER SLOTS that has no slots"))?,
            _ => return Err(protocol("no answer to CLUSTER SLOTS")),
        };
        let master = self.slot.map(|slot| {
            let serves = ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&slot));
            serves.and_then(|(_, _, places)| places.first()).cloned()
        });
        match master {
            Some(None) => Err(protocol("the slot of the streams is nobody's")),
            Some(Some(master)) if master != *place => {
                let wire = dialer.open_at(&master).await?;
                self.learn(&master, ranges);
                Ok(wire)
            }
            _ => {
                self.learn(place, ranges);
                Ok(wire)
            }
        }
    }
}

/// What CLUSTER SLOTS says to somebody who asked `asked`.
fn ranges(slots: &Value, asked: &Place) -> Option<Vec<Range>> {
    let Place::Tcp { host: own, tls, .. } = asked else { return None };
    let node = |node: &Value| {
        let [host, Value::Integer(port), ..] = node.array()? else { return None };
        // A node that does not know what it is called is where it was asked.
        let host = host.text().filter(|host| !host.is_empty() && *host != "?").unwrap_or(own).to_owned();
        Some(Place::Tcp { host, port: u16::try_from(*port).ok()?, tls: *tls })
    };
    let range = |range: &Value| {
        let [Value::Integer(first), Value::Integer(last), nodes @ ..] = range.array()? else { return None };
        let nodes = nodes.iter().map(node).collect::<Option<Vec<_>>>()?;
        Some((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?, nodes))
    };
    slots.array()?.iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::resp::Reader;

    fn place(host: &str, port: u16) -> Place {
        Place::Tcp { host: host.to_owned(), port, tls: true }
    }

    fn read(text: &str) -> Option<Vec<Range>> {
        let mut reader = Reader::new(1_000);
        reader.buffer.extend_from_slice(text.as_bytes());
        let value = reader.next_value().expect("a value").expect("all of it");
        ranges(&value, &place("asked", 1))
    }

    #[test]
    fn nodes_are_where_the_cluster_says_or_where_it_was_asked() {
        let slots = "*2\r\n*4\r\n:0\r\n:10\r\n*3\r\n$1\r\na\r\n:7\r\n$2\r\nid\r\n*3\r\n$0\r\n\r\n:8\r\n$2\r\nid\r\n\
                     *3\r\n:11\r\n:16383\r\n*3\r\n$-1\r\n:9\r\n$2\r\nid\r\n";
        let expected =
            vec![(0, 10, vec![place("a", 7), place("asked", 8)]), (11, 16_383, vec![place("asked", 9)])];
        assert_eq!(read(slots), Some(expected));
        for garbage in [
            "+OK\r\n",
            "*1\r\n:1\r\n",
            "*1\r\n*2\r\n:0\r\n:99999\r\n",
            "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n:1\r\n",
        ] {
            assert_eq!(read(garbage), None, "{garbage}");
        }
    }
}
