//! The cluster as one node sees it.

use std::collections::HashMap;

use compact_str::CompactString;

use super::nodes::{Member, Range};
use super::slot::SLOTS;
use crate::ConnectError;
use crate::redis::refusal;
use crate::redis::resp::{self, Value};
use crate::redis::server::Place;
use crate::redis::wire::{Wire, protocol};

#[derive(Debug)]
pub(super) struct View {
    pub(super) ranges: Vec<Range>,
    /// The id of the node itself; `None` if we may not know.
    pub(super) own: Option<CompactString>,
    /// Whether the node says that its cluster serves; `None` if we may not know.
    serves: Option<bool>,
    /// `None` if we may not know.
    pub(super) health: Option<Health>,
}

/// Whether each node has failed, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health(HashMap<CompactString, bool>);

impl View {
    /// Whether the cluster serves, as far as we may know.
    pub(super) fn serves(&self) -> bool {
        self.serves != Some(false)
    }
}

impl Health {
    /// How many nodes have not failed.
    pub(super) fn serving(&self) -> usize {
        self.0.values().filter(|has_failed| !**has_failed).count()
    }

    pub(super) fn is_cut_off(&self, id: &str) -> bool {
        self.0.get(id).copied().unwrap_or(true)
    }

    /// The answer to CLUSTER NODES: a line for each, which begins with its id, its addresses and its flags.
    fn read(nodes: &str) -> Option<Self> {
        let node = |line: &str| {
            let mut words = line.split(' ');
            let (id, _, flags) = (words.next()?, words.next()?, words.next()?);
            // Without the question mark: not this node alone says so.
            let has_failed = flags.split(',').any(|flag| flag == "fail");
            Some((id.into(), has_failed))
        };
        let nodes: Option<HashMap<_, _>> = nodes.lines().filter(|line| !line.is_empty()).map(node).collect();
        nodes.filter(|nodes| !nodes.is_empty()).map(Self)
    }
}

/// Asks the node at the other end, which is at this place.
///
/// # Errors
/// Those of the connection, and if it does not say who has which slot. What else it does not say is not known.
pub(super) async fn ask(wire: &mut Wire, place: &Place) -> Result<View, ConnectError> {
    for word in [&b"SLOTS"[..], b"MYID", b"INFO", b"NODES"] {
        resp::command(&mut wire.out, &[b"CLUSTER", word]);
    }
    let answers = wire.call(4).await?;
    let [slots, own, info, nodes] = &answers[..] else { return Err(protocol("no answer to CLUSTER SLOTS")) };
    if let Value::Error(error) = slots {
        return Err(ConnectError::Refused(refusal::rejection(error)));
    }
    let ranges = ranges(slots, place);
    let ranges = ranges.ok_or_else(|| protocol("an answer to CLUSTER SLOTS that has no slots"))?;
    let text = |value: &'_ Value| match value {
        Value::Error(_) => None,
        value => value.text().map(str::to_owned),
    };
    let state = text(info);
    let state =
        state.as_ref().and_then(|info| info.lines().find_map(|line| line.strip_prefix("cluster_state:")));
    Ok(View {
        ranges,
        own: text(own).map(Into::into),
        serves: state.map(|state| state.trim_end() == "ok"),
        health: text(nodes).and_then(|nodes| Health::read(&nodes)),
    })
}

/// What CLUSTER SLOTS says to somebody who asked `asked`.
fn ranges(slots: &Value, asked: &Place) -> Option<Vec<Range>> {
    let Place::Tcp { host: own, tls, .. } = asked else { return None };
    let node = |node: &Value| {
        let [host, Value::Integer(port), id, ..] = node.array()? else { return None };
        // A node that does not know what it is called is where it was asked.
        let host = host.text().filter(|host| !host.is_empty() && *host != "?").unwrap_or(own).to_owned();
        let place = Place::Tcp { host, port: u16::try_from(*port).ok()?, tls: *tls };
        Some(Member { place, id: id.text()?.into() })
    };
    let range = |range: &Value| {
        let [Value::Integer(first), Value::Integer(last), nodes @ ..] = range.array()? else { return None };
        let (first, last) = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
        if first > last || last >= SLOTS {
            return None;
        }
        let nodes = nodes.iter().map(node).collect::<Option<Vec<_>>>()?;
        Some((first, last, nodes))
    };
    slots.array()?.iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::resp::Reader;

    fn member(host: &str, port: u16, id: &str) -> Member {
        Member { place: Place::Tcp { host: host.to_owned(), port, tls: true }, id: id.into() }
    }

    fn read(text: &str) -> Option<Vec<Range>> {
        let mut reader = Reader::new(1_000);
        reader.buffer.extend_from_slice(text.as_bytes());
        let value = reader.next_value().expect("a value").expect("all of it");
        ranges(&value, &member("asked", 1, "").place)
    }

    const SAID_OF_SLOTS: &str = "*2\r\n*4\r\n:0\r\n:10\r\n*3\r\n$1\r\na\r\n:7\r\n$2\r\nid\r\n\
        *3\r\n$0\r\n\r\n:8\r\n$2\r\nie\r\n*3\r\n:11\r\n:16383\r\n*3\r\n$-1\r\n:9\r\n$2\r\nif\r\n";

    const SAID_OF_NODES: &str = "one 127.0.0.1:1@2 myself,master - 0 0 1 connected 0-100\n\
        two 127.0.0.1:3@4,name master,fail - 1 1 2 disconnected 101-200\n\
        six 127.0.0.1:5@6 slave,fail? one 1 1 2 connected\n";

    #[test]
    fn nodes_are_where_the_cluster_says_or_where_it_was_asked() {
        let expected = vec![
            (0, 10, vec![member("a", 7, "id"), member("asked", 8, "ie")]),
            (11, 16_383, vec![member("asked", 9, "if")]),
        ];
        assert_eq!(read(SAID_OF_SLOTS), Some(expected));
        for garbage in [
            "+OK\r\n",
            "*1\r\n:1\r\n",
            "*1\r\n*2\r\n:0\r\n:99999\r\n",
            "*1\r\n*2\r\n:0\r\n:16384\r\n",
            "*1\r\n*2\r\n:1\r\n:0\r\n",
            "*1\r\n*2\r\n:-1\r\n:0\r\n",
            "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n:1\r\n",
        ] {
            assert_eq!(read(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn a_node_is_cut_off_where_the_others_say_that_it_failed_or_do_not_know_it() {
        let health = Health::read(SAID_OF_NODES).expect("nodes");
        let cut_off = ["one", "two", "six", "ten"].map(|id| health.is_cut_off(id));
        assert_eq!(cut_off, [false, true, false, true]);
        for garbage in ["", "one", "one two"] {
            assert_eq!(Health::read(garbage), None, "{garbage}");
        }
    }

    /// A good answer, and what is wrong with it now.
    fn mutated(random: &mut fastrand::Rng, good: &str) -> Vec<u8> {
        let mut bytes = good.as_bytes().to_vec();
        for _ in 0..random.usize(1..4) {
            let (at, end) = (random.usize(..bytes.len()), random.usize(1..20));
            let piece = bytes[at..(at + end).min(bytes.len())].to_vec();
            match random.u8(..4) {
                0 => bytes[at] = *random.choice(b"\r\n$*:+-0129 ,a\xff").expect("bytes"),
                1 => bytes.insert(at, random.u8(b'0'..=b'9')),
                2 => drop(bytes.splice(at..at, piece)),
                _ if piece.len() < bytes.len() => drop(bytes.drain(at..at + piece.len())),
                _ => {}
            }
        }
        bytes
    }

    #[test]
    fn whatever_is_said_of_slots_is_of_slots_that_there_are() {
        let mut random = resp::random();
        let asked = member("asked", 1, "").place;
        let (mut read, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let bytes = mutated(&mut random, SAID_OF_SLOTS);
            let mut reader = Reader::new(1_000);
            reader.buffer.extend_from_slice(&bytes);
            // What is no answer, or not all of one, has tests of its own.
            let Ok(Some(value)) = reader.next_value() else { continue };
            let Some(ranges) = ranges(&value, &asked) else {
                refused += 1;
                continue;
            };
            read += 1;
            let text = bytes.escape_ascii();
            assert!(ranges.iter().all(|(first, last, _)| first <= last && *last < SLOTS), "{text}");
            // No more than was said: the least of each that can be read.
            let members = ranges.iter().flat_map(|(_, _, members)| members);
            let least = ranges.len() * "*2\r\n:0\r\n:0\r\n".len() + members.clone().count() * "*3\r\n".len();
            assert!(least <= bytes.len(), "{text}");
            let names = members.map(|Member { place, id }| match place {
                Place::Tcp { host, .. } if host != "asked" => host.len() + id.len(),
                _ => id.len(),
            });
            assert!(names.sum::<usize>() <= bytes.len(), "{text}");
        }
        assert!(read > 500 && refused > 500, "{read} were read, {refused} refused");
    }

    #[test]
    fn whatever_is_said_of_nodes_is_of_no_more_than_are_named() {
        let mut random = resp::random();
        let (mut read, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let bytes = mutated(&mut random, SAID_OF_NODES);
            let text = String::from_utf8_lossy(&bytes);
            let Some(health) = Health::read(&text) else {
                refused += 1;
                continue;
            };
            read += 1;
            assert!((1..=text.lines().count()).contains(&health.0.len()), "{text}");
            assert!(health.0.keys().map(CompactString::len).sum::<usize>() <= text.len(), "{text}");
            assert!(health.0.keys().all(|id| text.contains(id.as_str())), "{text}");
            assert!(health.serving() <= health.0.len() && health.is_cut_off("nobody"), "{text}");
        }
        assert!(read > 1_000 && refused > 100, "{read} were read, {refused} refused");
    }
}
