//! The nodes that are known, and who of them is to be connected to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::time::{Instant, sleep};

use crate::redis::refusal;
use crate::redis::resp::{self, Value};
use crate::redis::server::Place;
use crate::redis::wire::{Dialer, Wire, protocol};
use crate::{ConnectError, ErrorCode, Rejection};

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
    /// The newest state of the cluster that a node has told of which serves.
    newest: AtomicU64,
}

/// Nodes that serve a range of slots, the master first.
type Range = (u16, u16, Vec<Place>);

/// How the cluster is, as one node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct View {
    /// Whether it is in touch with enough of the others.
    serves: bool,
    /// It grows with every change of who has which slots.
    epoch: u64,
}

impl Nodes {
    pub(in crate::redis) fn new(known: Vec<Place>, slot: Option<u16>) -> Self {
        Self { slot, known: Mutex::new(known), ranges: Mutex::default(), newest: AtomicU64::new(0) }
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

    /// Whether a node is cut off, or others know more. One that may not be asked is believed.
    fn is_behind(&self, view: Option<View>) -> bool {
        let Some(view) = view else { return false };
        if view.serves {
            self.newest.fetch_max(view.epoch, Ordering::Relaxed);
        }
        !view.serves || view.epoch < self.newest.load(Ordering::Relaxed)
    }

    /// A connection to the node that is asked for, by what the first node says that answers and is not behind others.
    ///
    /// # Errors
    /// Those of the last node, if none is of use.
    pub(in crate::redis) async fn open(&self, dialer: &Dialer) -> Result<Wire, ConnectError> {
        if dialer.is_of_one {
            return self.open_one(dialer).await;
        }
        let mut last = ConnectError::Url { reason: "a cluster of no nodes".to_owned() };
        let mut behind = None;
        for place in self.known() {
            match self.ask(dialer, &place).await {
                Ok((_, view, _)) if self.is_behind(view) => _ = behind.get_or_insert((place, view)),
                Ok((wire, _, ranges)) => match self.settle(dialer, wire, ranges).await {
                    Ok(wire) => return Ok(wire),
                    Err(error) => last = error,
                },
                Err(error) => last = error,
            }
        }
        // Nobody is there who knows more: then this is how the cluster is.
        let Some((place, view)) = behind else { return Err(last) };
        self.newest.store(view.map_or(0, |view| view.epoch), Ordering::Relaxed);
        let (wire, _, ranges) = self.ask(dialer, &place).await?;
        self.settle(dialer, wire, ranges).await
    }

    async fn open_one(&self, dialer: &Dialer) -> Result<Wire, ConnectError> {
        let mut wire = dialer.open_at(&dialer.server.place).await?;
        let view = view(&mut wire).await?;
        if view.is_some_and(|view| view.epoch < self.newest.load(Ordering::Relaxed)) {
            return Err(overtaken());
        }
        Ok(wire)
    }

    async fn ask(
        &self,
        dialer: &Dialer,
        place: &Place,
    ) -> Result<(Wire, Option<View>, Vec<Range>), ConnectError> {
        let mut wire = dialer.open_at(place).await?;
        let view = view(&mut wire).await?;
        resp::command(&mut wire.out, &[b"CLUSTER", b"SLOTS"]);
        let ranges = match &wire.call(1).await?[..] {
            [Value::Error(error)] => return Err(ConnectError::Refused(refusal::rejection(error))),
            [slots] => ranges(slots, place)
                .ok_or_else(|| protocol("an answer to CLUSTER SLOTS that has no slots"))?,
            _ => return Err(protocol("no answer to CLUSTER SLOTS")),
        };
        Ok((wire, view, ranges))
    }

    /// The connection, or one to the node that has the slot.
    async fn settle(&self, dialer: &Dialer, wire: Wire, ranges: Vec<Range>) -> Result<Wire, ConnectError> {
        let master = self.slot.map(|slot| {
            let serves = ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&slot));
            serves.and_then(|(_, _, places)| places.first()).cloned()
        });
        let wire = match master {
            Some(None) => return Err(protocol("the slot of the streams is nobody's")),
            Some(Some(master)) if master != wire.place => dialer.open_at(&master).await?,
            _ => wire,
        };
        self.learn(&wire.place, ranges);
        Ok(wire)
    }

    /// Ready when the node at this place has been behind another for as long as a server may be silent: news of the cluster takes
    /// a moment.
    pub(in crate::redis) async fn overtaken(&self, dialer: &Dialer, own: &Place) {
        let mut suspected = None;
        loop {
            sleep(dialer.limits.ping_interval).await;
            let others: Vec<Place> = self.known().into_iter().filter(|place| place != own).collect();
            let Some(other) = fastrand::choice(&others) else { continue };
            let seen = async {
                let other = view(&mut dialer.open_at(other).await?).await?;
                Ok::<_, ConnectError>((other, view(&mut dialer.open_at(own).await?).await?))
            };
            let Ok((Some(other), Some(own))) = seen.await else { continue };
            if !other.serves {
                continue;
            }
            self.newest.fetch_max(other.epoch, Ordering::Relaxed);
            // The one node of a slot is asked for, whatever it thinks of the others.
            let is_cut_off = !own.serves && !dialer.is_of_one;
            if own.epoch >= other.epoch && !is_cut_off {
                suspected = None;
                continue;
            }
            let (since, epoch) = *suspected.get_or_insert((Instant::now(), other.epoch));
            if since.elapsed() >= dialer.limits.answer_timeout && (own.epoch < epoch || is_cut_off) {
                return;
            }
        }
    }
}

/// Why a connection to a node is of no use that works.
pub(in crate::redis) fn overtaken() -> ConnectError {
    let message = "the node is cut off from its cluster, which has changed since";
    ConnectError::Refused(Rejection::new(ErrorCode::Internal, message))
}

/// What CLUSTER INFO says; `None` if we may not ask.
async fn view(wire: &mut Wire) -> Result<Option<View>, ConnectError> {
    resp::command(&mut wire.out, &[b"CLUSTER", b"INFO"]);
    let answers = wire.call(1).await?;
    let Some(info) = answers.first().and_then(Value::text) else { return Ok(None) };
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let epoch = field("cluster_current_epoch").and_then(|epoch| epoch.parse().ok());
    Ok(epoch.map(|epoch| View { serves: field("cluster_state") == Some("ok"), epoch }))
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
