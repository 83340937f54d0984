//! The task that reads the streams, which is also the one that speaks to the bus.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use compact_str::CompactString;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use super::cursor::Step;
use super::entry;
use super::keys::Keys;
use super::replay::{Advance, Passing, Replay};
use super::session::Session;
use super::stream::Stream;
use crate::codec::Codec;
use crate::redis::bus::{self, Bus, Follower, News};
use crate::redis::publisher::silent;
use crate::redis::refusal;
use crate::redis::resp::{self, Entry, EntryId, Item};
use crate::redis::wire::{Alarm, Dialer};
use crate::{Address, ConnectError, ConnectionState, DecodeError, Gap, Inlet, Undecodable};

mod look;
mod past;

pub(in crate::redis) struct Reader {
    bus: Bus,
    codec: Arc<dyn Codec>,
    keys: Arc<Keys>,
    streams: HashMap<CompactString, Stream>,
    /// Asked for, and not answered.
    asked: Vec<(Address, u64)>,
    replays: Vec<Replay>,
    /// When some stream may have been quiet for so long that the server has to be asked about it.
    look_at: Instant,
}

/// The read that waits at the server.
#[derive(Default)]
struct Reading {
    is_asked: bool,
    /// It does not ask for all that is followed.
    is_stale: bool,
    /// When it is looked again whether it can be ended.
    look_at: Option<Instant>,
    /// The stream whose entries come.
    topic: CompactString,
}

enum Event {
    Received,
    News(News),
    /// A read that was not there yet may be by now.
    Look,
    /// Nothing was asked or said for a while.
    Silent,
    /// Replays have to be fetched.
    Fetch,
    /// Closing has taken too long.
    Over,
}

/// Entries of one stream that one read brings at most.
const READ_COUNT: u64 = 512;
/// How long is waited until a read that was just written waits at the server.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// How long a read waits that cannot be ended from outside.
const SHORT_WAIT: Duration = Duration::from_millis(100);

impl Reader {
    pub(in crate::redis) fn new(
        inlet: Arc<dyn Inlet>,
        codec: Arc<dyn Codec>,
        keys: Arc<Keys>,
        dialer: Arc<Dialer>,
        news: UnboundedReceiver<News>,
    ) -> Self {
        Self {
            bus: Bus::new(inlet, dialer, news),
            codec,
            keys,
            streams: HashMap::new(),
            asked: Vec::new(),
            replays: Vec::new(),
            look_at: Instant::now(),
        }
    }

    /// Until it is closed.
    pub(in crate::redis) async fn run(mut self, mut session: Session) {
        self.bus.inlet.state(ConnectionState::Connected);
        loop {
            let Err(error) = self.serve(&mut session).await else {
                let deadline = self.bus.goodbye();
                tokio::join!(session.wire.shut(deadline), session.asker.shut(deadline));
                break;
            };
            match bus::reconnect(&mut self, error, open).await {
                Some(new) => session = new,
                None => break,
            }
        }
        bus::end(self);
    }

    /// Reads what is followed, on one session, until it is lost or closed.
    async fn serve(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        self.restore(session).await?;
        let mut reading = Reading::default();
        let mut over_at = None;
        loop {
            reading.is_stale |= self.find(session).await?;
            self.bus.answer();
            if self.bus.is_over() {
                let deadline = match over_at {
                    Some(deadline) => deadline,
                    None => {
                        // What is there now are our own last events.
                        self.look(session, |_| true).await?;
                        reading.is_stale = true;
                        *over_at.insert(self.bus.goodbye())
                    }
                };
                if Instant::now() >= deadline || !self.streams.values().any(Stream::has_more) {
                    return Ok(());
                }
                session.wire.wake_before(deadline);
            }
            self.ask(session, &mut reading).await?;
            match self.next_event(session, &reading, over_at).await? {
                Event::Received => {
                    while let Some(item) = session.wire.next_item()? {
                        self.item(item, &mut reading, session).await?;
                    }
                }
                Event::News(news) => self.hear(news),
                Event::Fetch => self.fetch(session).await?,
                // Without a read nobody sees whether the server is there, so it is asked.
                Event::Silent => session.ping().await?,
                Event::Look => {}
                Event::Over => return Ok(()),
            }
            // Entries that keep coming hold up no one who asks for something.
            while let Some(news) = self.bus.try_news() {
                self.hear(news);
            }
        }
    }

    async fn next_event(
        &mut self,
        session: &mut Session,
        reading: &Reading,
        over_at: Option<Instant>,
    ) -> Result<Event, ConnectError> {
        let wire = &mut session.wire;
        let mut look = pin!(sleep_until(reading.look_at.unwrap_or_else(Instant::now)));
        poll_fn(|cx| {
            if let Poll::Ready(Err(error)) = wire.poll_send(cx) {
                return Poll::Ready(Err(error));
            }
            if let Poll::Ready(received) = wire.poll_receive(cx) {
                return Poll::Ready(received.map(|()| Event::Received));
            }
            if let Poll::Ready(Some(news)) = self.bus.poll_news(cx) {
                return Poll::Ready(Ok(Event::News(news)));
            }
            if reading.look_at.is_some() && look.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(Event::Look));
            }
            let mut number = 0;
            while let Some(replay) = self.replays.get_mut(number) {
                match replay.advance(&*self.bus.inlet, &self.streams, cx) {
                    Advance::Waits => number += 1,
                    Advance::Fetch => return Poll::Ready(Ok(Event::Fetch)),
                    Advance::Over => drop(self.replays.remove(number)),
                }
            }
            // A read answers before that; where there is none, the server owes nothing.
            let alarm = wire.poll_alarm(cx, reading.is_asked);
            if over_at.is_some_and(|deadline| Instant::now() >= deadline) {
                return Poll::Ready(Ok(Event::Over));
            }
            match alarm {
                Poll::Ready(Alarm::Dead) => Poll::Ready(Err(silent())),
                #[cfg(feature = "redis-cluster")]
                Poll::Ready(Alarm::Overtaken) => Poll::Ready(Err(crate::redis::cluster::overtaken())),
                Poll::Ready(Alarm::Silent) => Poll::Ready(Ok(Event::Silent)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// How long a read waits for entries.
    fn wait(&self, session: &Session) -> Duration {
        let limits = &self.bus.dialer.limits;
        let longest = limits.ping_interval.min(limits.answer_timeout / 2).max(Duration::from_millis(1));
        if session.may_unblock { longest } else { longest.min(SHORT_WAIT) }
    }

    /// Writes a read, if there is none; ends one that does not ask for all that is followed.
    async fn ask(&mut self, session: &mut Session, reading: &mut Reading) -> Result<(), ConnectError> {
        if reading.is_asked {
            let is_due = reading.look_at.is_none_or(|at| Instant::now() >= at);
            if reading.is_stale && is_due {
                reading.look_at = None;
                if session.unblock().await? {
                    reading.is_stale = false;
                } else if session.may_unblock {
                    reading.look_at = Some(Instant::now() + LOOK_AGAIN);
                } else {
                    reading.is_stale = false;
                }
            }
            return Ok(());
        }
        let wait = u64::try_from(self.wait(session).as_millis()).unwrap_or(u64::MAX);
        // What is there at the end is read, and nothing is waited for any more.
        let wait = (!self.bus.is_over()).then_some(wait);
        self.streams.values_mut().for_each(Stream::asked);
        let known =
            self.streams.iter().filter_map(|(topic, stream)| Some((topic, stream.cursor.as_ref()?.id())));
        let known: Vec<_> = known.collect();
        if !known.is_empty() {
            read(&mut session.wire.out, &self.keys, READ_COUNT, wait, &known);
            session.wire.asked();
            *reading = Reading { is_asked: true, ..Reading::default() };
        }
        Ok(())
    }

    async fn item(
        &mut self,
        item: Item,
        reading: &mut Reading,
        session: &mut Session,
    ) -> Result<(), ConnectError> {
        match item {
            Item::Stream(name) => {
                reading.topic = self.keys.topic(&name).unwrap_or_default().into();
                if let Some(stream) = self.streams.get_mut(&reading.topic) {
                    stream.came(Instant::now());
                }
            }
            Item::Entry(entry) => self.entry(&reading.topic, &entry),
            Item::TooLarge { id, size } => self.too_large(&reading.topic, id, size),
            Item::End => {
                *reading = Reading::default();
                self.tell_what_is_gone(session);
                self.look_at_the_quiet(session).await?;
            }
            Item::Error(error) => {
                *reading = Reading::default();
                let rejection = refusal::rejection(&error);
                if !refusal::is_lasting(&rejection) {
                    return Err(ConnectError::Refused(rejection));
                }
                // One of the streams is none, or not allowed any more: looking at each shows which.
                let before = self.streams.len();
                self.look(session, |_| true).await?;
                if self.streams.len() == before {
                    let topics: Vec<_> = self.streams.keys().cloned().collect();
                    topics.iter().for_each(|topic| self.refuse(topic, &rejection));
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, topic: &str, entry: &Entry) {
        let Some(stream) = self.streams.get_mut(topic) else { return };
        let Some(cursor) = &mut stream.cursor else { return };
        let marker = entry::marker(entry);
        let Step::New(gap) = cursor.step(entry.id, marker) else { return };
        if let Some(gap) = gap {
            tell_gap(&*self.bus.inlet, topic, stream, gap);
        }
        let Some(cursor) = &stream.cursor else { return };
        let mut event = None;
        if marker.is_some() {
            self.bus.inlet.position(topic, cursor.position());
        } else {
            let id = entry.get(entry::ID).and_then(|id| std::str::from_utf8(id).ok());
            if id.is_none_or(|id| stream.follows(id)) {
                let frame = entry::frame(&*self.codec, topic, entry, cursor.position());
                event = Some(frame).filter(|frame| match frame {
                    Ok(frame) => stream.follows(frame.header.id()),
                    Err(_) => true,
                });
            }
        }
        if !self.replays.is_empty() {
            let passing = Passing { topic, id: entry.id, marker, event: event.as_ref() };
            self.replays.iter_mut().for_each(|replay| replay.passes(&passing));
        }
        match event {
            Some(Ok(frame)) => self.bus.inlet.deliver(frame),
            Some(Err(undecodable)) => self.bus.inlet.undecodable(undecodable),
            None => {}
        }
    }

    fn too_large(&mut self, topic: &str, id: EntryId, size: usize) {
        let Some(stream) = self.streams.get_mut(topic) else { return };
        let Some(cursor) = &mut stream.cursor else { return };
        let Step::New(gap) = cursor.step(id, None) else { return };
        if let Some(gap) = gap {
            tell_gap(&*self.bus.inlet, topic, stream, gap);
        }
        let undecodable = too_large(topic, size, self.bus.dialer.limits.inbound_bytes);
        let event = Err(undecodable.clone());
        let passing = Passing { topic, id, marker: None, event: Some(&event) };
        self.replays.iter_mut().for_each(|replay| replay.passes(&passing));
        self.bus.inlet.undecodable(undecodable);
    }
}

impl Follower for Reader {
    fn bus(&mut self) -> &mut Bus {
        &mut self.bus
    }

    fn hear(&mut self, news: News) {
        match self.bus.hear(news) {
            Some(News::Subscribe(request, addresses)) => {
                self.bus.interest.follow(request, &addresses);
                for address in addresses {
                    self.streams.entry(address.topic().into()).or_default().follow(&address, request);
                    self.asked.push((address, request));
                }
            }
            Some(News::Unsubscribe(addresses)) => {
                for address in addresses {
                    self.bus.leave(&address);
                    self.asked.retain(|(asked, _)| *asked != address);
                    if let Some(stream) = self.streams.get_mut(address.topic()) {
                        stream.leave(&address);
                        if stream.is_left() {
                            self.streams.remove(address.topic());
                        }
                    }
                }
            }
            Some(News::Replay(id, addresses)) => self.replays.push(Replay::new(id, addresses)),
            _ => {}
        }
    }
}

async fn open(dialer: Arc<Dialer>) -> Result<Session, ConnectError> {
    Session::open(&dialer).await
}

fn too_large(topic: &str, size: usize, limit: usize) -> Undecodable {
    Undecodable::new(Address::whole(topic).ok(), DecodeError::TooLarge { size, limit })
}

/// How many of the events of a type were to which id, nobody knows.
fn tell_gap(inlet: &dyn Inlet, topic: &str, stream: &Stream, gap: Gap) {
    for (address, _) in stream.addresses(topic) {
        let missed = gap.missed.filter(|_| address.id().is_none());
        inlet.gap(Some(address), Gap::new(gap.reason, missed));
    }
}

/// Writes an XREAD of these streams after these entries.
fn read(
    out: &mut Vec<u8>,
    keys: &Keys,
    count: u64,
    wait: Option<u64>,
    streams: &[(&CompactString, EntryId)],
) {
    let words = 4 + if wait.is_some() { 2 } else { 0 } + 2 * streams.len();
    resp::header(out, b'*', words);
    resp::bulk(out, &[b"XREAD"]);
    resp::bulk(out, &[b"COUNT"]);
    resp::number(out, count);
    if let Some(wait) = wait {
        resp::bulk(out, &[b"BLOCK"]);
        resp::number(out, wait);
    }
    resp::bulk(out, &[b"STREAMS"]);
    for (topic, _) in streams {
        resp::bulk(out, &keys.stream(topic));
    }
    for (_, id) in streams {
        resp::bulk(out, &[id.to_string().as_bytes()]);
    }
}
