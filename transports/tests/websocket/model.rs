//! The reference: a list of what the hub accepted, and for each address that a spoke follows a place in that list.
//!
//! What is delivered must be what comes next in the list, or a gap must have said exactly what was left out.

use std::collections::{BTreeMap, HashMap, HashSet};

use pubsub_transports::websocket::wire::GapReason;
use pubsub_transports::{Address, Body, EventId, Frame, SendError};

/// An event as the hub accepted it.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) id: String,
    pub(crate) event_id: Option<EventId>,
    pub(crate) number: u64,
}

/// Everything that was accepted, per type and epoch: the event at place `n` has the offset `n + 1`.
#[derive(Debug, Default)]
pub(crate) struct Log {
    events: HashMap<(String, String), Vec<Accepted>>,
    /// The epochs of each type, in their order.
    epochs: HashMap<String, Vec<String>>,
    order: Vec<(String, Accepted)>,
}

impl Log {
    pub(crate) fn begin(&mut self, topic: &str, epoch: &str) {
        let epochs = self.epochs.entry(topic.to_owned()).or_default();
        if epochs.last().is_none_or(|last| last != epoch) {
            epochs.push(epoch.to_owned());
        }
    }

    pub(crate) fn accept(&mut self, frame: &Frame) {
        let position = frame.header.position().expect("the hub knows its positions");
        let (topic, epoch) = (frame.header.topic(), position.epoch().expect("and epochs"));
        self.begin(topic, epoch);
        let events = self.events.entry((topic.to_owned(), epoch.to_owned())).or_default();
        let accepted = Accepted {
            id: frame.header.id().to_owned(),
            event_id: frame.header.event_id(),
            number: number(frame),
        };
        events.push(accepted.clone());
        assert_eq!(position.offset(), events.len() as u64, "offsets rise by one");
        assert_eq!(position.after(), Some(position.offset() - 1), "nothing is left out of a whole type");
        self.order.push((topic.to_owned(), accepted));
    }

    fn get(&self, topic: &str, epoch: &str, offset: u64) -> &Accepted {
        let events = self.events.get(&(topic.to_owned(), epoch.to_owned())).expect("this epoch had events");
        &events[usize::try_from(offset - 1).unwrap()]
    }

    /// How many events of an address there are after one offset and up to another.
    fn between(&self, address: &Address, epoch: &str, after: u64, until: u64) -> u64 {
        let Some(events) = self.events.get(&(address.topic().to_owned(), epoch.to_owned())) else { return 0 };
        let offsets = (1..).zip(events).filter(|(offset, _)| (after + 1..=until).contains(offset));
        offsets.filter(|(_, event)| address.matches(address.topic(), &event.id)).count() as u64
    }

    fn is_later(&self, topic: &str, before: &str, after: &str) -> bool {
        let epochs = &self.epochs[topic];
        let place = |epoch| epochs.iter().position(|known| known == epoch);
        place(before) < place(after) && place(after).is_some()
    }

    fn current(&self, topic: &str) -> Option<&String> {
        self.epochs.get(topic)?.last()
    }

    fn times(&self, event_id: EventId) -> usize {
        self.order.iter().filter(|(_, event)| event.event_id == Some(event_id)).count()
    }
}

pub(crate) fn number(frame: &Frame) -> u64 {
    let Body::Bytes(body) = &frame.body else { panic!("a wire carries bytes") };
    std::str::from_utf8(body).unwrap().parse().expect("payloads are numbers here")
}

/// One address that a spoke follows.
#[derive(Debug)]
struct Follow {
    epoch: String,
    /// Everything up to here was delivered, or was said to be lost.
    offset: u64,
    /// Where it began, in the epoch of then.
    start: (String, u64),
    early: HashSet<u64>,
}

/// What a spoke told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Event(u64),
    Gap(Address, GapReason, Option<u64>),
}

/// What a spoke may deliver.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    wanted: BTreeMap<Address, Option<Follow>>,
    /// The types that were ever followed as a whole: a connection may still have them that way.
    wholes: HashSet<String>,
    published: HashMap<EventId, Option<Result<u64, SendError>>>,
    pub(crate) story: Vec<Told>,
}

impl Expected {
    pub(crate) fn want(&mut self, address: &Address) {
        self.wanted.entry(address.clone()).or_insert(None);
        if address.id().is_none() {
            self.wholes.insert(address.topic().to_owned());
        }
    }

    pub(crate) fn unwant(&mut self, address: &Address) {
        self.wanted.remove(address);
    }

    pub(crate) fn subscribed(&mut self, address: &Address, epoch: &str, offset: u64) {
        let follow = self.wanted.get_mut(address).expect("only what is wanted is subscribed to");
        assert!(follow.is_none(), "{address} was subscribed to before");
        let start = (epoch.to_owned(), offset);
        *follow = Some(Follow { epoch: epoch.to_owned(), offset, start, early: HashSet::new() });
    }

    pub(crate) fn deliver(&mut self, by: &Address, frame: &Frame, log: &Log) {
        let header = &frame.header;
        let position = header.position().expect("the hub knows positions");
        let (epoch, offset) = (position.epoch().expect("and epochs"), position.offset());
        let accepted = log.get(header.topic(), epoch, offset);
        assert_eq!(accepted.number, number(frame), "the payload is that of the event");
        assert_eq!(accepted.id, header.id());
        assert_eq!(accepted.event_id, header.event_id());

        let mut followed = false;
        for (address, follow) in &mut self.wanted {
            let matches = address == by || by.id().is_none() && address.matches(header.topic(), header.id());
            let Some(follow) = follow.as_mut().filter(|_| matches) else {
                continue;
            };
            followed = true;
            assert_eq!(follow.epoch, epoch, "{address}: another epoch without a gap");
            if offset <= follow.offset {
                // What comes by a wider address may be from before this one began.
                assert!(
                    by != address
                        && follow.start.0 == epoch
                        && offset <= follow.start.1
                        && follow.early.insert(offset),
                    "{address}: {offset} came after {}",
                    follow.offset
                );
                continue;
            }
            let lost = log.between(address, epoch, follow.offset, offset - 1);
            assert_eq!(
                lost, 0,
                "{address}: {lost} events are missing between {} and {offset}",
                follow.offset
            );
            follow.offset = offset;
        }
        assert!(followed, "{}:{} came to nobody", header.topic(), header.id());
        self.story.push(Told::Event(number(frame)));
    }

    pub(crate) fn gap(
        &mut self,
        address: &Address,
        reason: &GapReason,
        missed: Option<u64>,
        epoch: &str,
        offset: u64,
        log: &Log,
    ) {
        let under_whole = address.id().is_some() && self.wholes.contains(address.topic());
        let follow =
            self.wanted.get_mut(address).and_then(Option::as_mut).expect("a gap is in what is followed");
        if follow.epoch == epoch {
            assert_ne!(*reason, GapReason::Epoch, "{address}: it is the same epoch");
            assert!(offset >= follow.offset, "{address}: a gap that ends before it begins");
            let lost = log.between(address, epoch, follow.offset, offset);
            match missed {
                Some(missed) => assert_eq!(lost, missed, "{address}: the gap counts wrong"),
                // What a wider address lost need not have been of this one.
                None => assert!(lost > 0 || under_whole, "{address}: a gap where nothing is missing"),
            }
        } else {
            assert_eq!(*reason, GapReason::Epoch, "{address}: the epoch is another");
            assert!(
                log.is_later(address.topic(), &follow.epoch, epoch),
                "{address}: an epoch that was not there"
            );
        }
        follow.epoch = epoch.to_owned();
        follow.offset = offset;
        // The wider address may still bring some of what was not counted.
        if missed.is_none() && under_whole {
            follow.start = (epoch.to_owned(), offset);
            follow.early.clear();
        }
        self.story.push(Told::Gap(address.clone(), reason.clone(), missed));
    }

    pub(crate) fn publish(&mut self, event_id: EventId) {
        self.published.insert(event_id, None);
    }

    pub(crate) fn published(&mut self, event_id: EventId, result: Result<u64, SendError>) {
        let outcome = self.published.get_mut(&event_id).expect("it was published");
        assert_eq!(*outcome, None, "one event has one outcome");
        *outcome = Some(result);
    }

    pub(crate) fn outcome(&self, event_id: EventId) -> Option<&Result<u64, SendError>> {
        self.published[&event_id].as_ref()
    }

    /// Whether everything has an answer.
    pub(crate) fn is_done(&self) -> bool {
        self.wanted.values().all(Option::is_some) && self.published.values().all(Option::is_some)
    }

    /// Everything has come to rest: what was accepted is delivered, and every event has its outcome.
    pub(crate) fn settled(&self, log: &Log) {
        for (address, follow) in &self.wanted {
            let follow = follow.as_ref().unwrap_or_else(|| panic!("{address} was never subscribed to"));
            let Some(epoch) = log.current(address.topic()) else { continue };
            assert_eq!(follow.epoch, *epoch, "{address}: the last epoch never came");
            let lost = log.between(address, epoch, follow.offset, u64::MAX - 1);
            assert_eq!(lost, 0, "{address}: {lost} events after {} never came", follow.offset);
        }
        for (event_id, outcome) in &self.published {
            let times = log.times(*event_id);
            match outcome.as_ref().expect("every event has an outcome") {
                Ok(_) => assert_eq!(times, 1, "published"),
                Err(SendError::Ambiguous) => assert!(times <= 1, "ambiguous, and {times} times accepted"),
                Err(error) => assert_eq!(times, 0, "{error}, and accepted all the same"),
            }
        }
        let mut last: HashMap<(&str, &str, u64), u64> = HashMap::new();
        for (topic, event) in &log.order {
            // A thousand numbers for each publisher.
            let publisher = event.number / 1000;
            let before = last.insert((topic, &event.id, publisher), event.number);
            assert!(before < Some(event.number), "events of one publisher changed places");
        }
    }
}
