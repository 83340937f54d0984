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
use super::epoch::{self, Top};
use super::keys::Keys;
use super::replay::{Advance, Passing, Replay};
use super::session::Session;
use super::stream::Stream;
use crate::codec::Codec;
use crate::redis::interest::Interest;
use crate::redis::publisher::silent;
use crate::redis::refusal;
use crate::redis::resp::{self, Entry, EntryId, Item};
use crate::redis::retry::Retry;
use crate::redis::subscriber::{Closing, Health, News};
use crate::redis::wire::{Alarm, Dialer};
use crate::{Address, ConnectError, ConnectionState, DecodeError, Gap, Inlet, Rejection, Undecodable};

pub(in crate::redis) struct Reader {
    inlet: Arc<dyn Inlet>,
    codec: Arc<dyn Codec>,
    keys: Arc<Keys>,
    dialer: Arc<Dialer>,
    news: UnboundedReceiver<News>,
    interest: Interest,
    streams: HashMap<CompactString, Stream>,
    /// Asked for, and not answered.
    asked: Vec<(Address, u64)>,
    replays: Vec<Replay>,
    retry: Retry,
    health: Health,
    closing: Closing,
    /// Requests that are answered, and were not told yet.
    complete: Vec<u64>,
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
/// Parts of replays that are fetched at once.
const FETCHES: usize = 16;
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
        let retry = Retry::new(&dialer.limits);
        Self {
            inlet,
            codec,
            keys,
            dialer,
            news,
            interest: Interest::default(),
            streams: HashMap::new(),
            asked: Vec::new(),
            replays: Vec::new(),
            retry,
            health: Health::default(),
            closing: Closing::default(),
            complete: Vec::new(),
            look_at: Instant::now(),
        }
    }

    /// Until it is closed.
    pub(in crate::redis) async fn run(mut self, mut session: Session) {
        self.inlet.state(ConnectionState::Connected);
        loop {
            let Err(error) = self.serve(&mut session).await else {
                let deadline = self.goodbye();
                tokio::join!(session.wire.shut(deadline), session.asker.shut(deadline));
                break;
            };
            match self.reconnect(error).await {
                Some(new) => session = new,
                None => break,
            }
        }
        self.inlet.state(ConnectionState::Closed { error: None });
        self.news.close();
        while let Ok(news) = self.news.try_recv() {
            self.hear(news);
        }
        let Closing { asked, given_up, .. } = std::mem::take(&mut self.closing);
        // The inlet is gone when closing is over.
        drop(self);
        for asked in asked {
            let _ = asked.send(given_up.unwrap_or(0));
        }
    }

    /// Until when a connection may take to end.
    fn goodbye(&self) -> Instant {
        let least = Instant::now() + self.dialer.limits.close_timeout / 10;
        self.closing.deadline.map_or(least, |deadline| deadline.max(least))
    }

    /// Reads what is followed, on one session, until it is lost or closed.
    async fn serve(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        self.restore(session).await?;
        let mut reading = Reading::default();
        let mut over_at = None;
        loop {
            reading.is_stale |= self.find(session).await?;
            self.answer();
            if self.closing.given_up.is_some() {
                let deadline = match over_at {
                    Some(deadline) => deadline,
                    None => {
                        // What is there now are our own last events.
                        self.look(session, |_| true).await?;
                        reading.is_stale = true;
                        *over_at.insert(self.goodbye())
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
            while let Ok(news) = self.news.try_recv() {
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
            if let Poll::Ready(Some(news)) = self.news.poll_recv(cx) {
                return Poll::Ready(Ok(Event::News(news)));
            }
            if reading.look_at.is_some() && look.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(Event::Look));
            }
            let mut number = 0;
            while let Some(replay) = self.replays.get_mut(number) {
                match replay.advance(&*self.inlet, &self.streams, cx) {
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
        let limits = &self.dialer.limits;
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
        let wait = self.closing.given_up.is_none().then_some(wait);
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

    /// A read is over that did not bring what was there before it was asked.
    fn tell_what_is_gone(&mut self, session: &Session) {
        for (topic, stream) in &mut self.streams {
            let Some(gap) = stream.read(&session.run) else { continue };
            tell_gap(&*self.inlet, topic, stream, gap);
            if let Some(cursor) = &stream.cursor {
                self.inlet.position(topic, cursor.position());
            }
        }
    }

    /// Nothing comes either from a stream that was deleted, or made anew by somebody with lesser ids. Others that are busy
    /// say nothing of it.
    async fn look_at_the_quiet(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        let now = Instant::now();
        if now < self.look_at {
            return Ok(());
        }
        let wait = self.wait(session);
        // By the server's clock a wait may be over a little earlier than by ours.
        let is_quiet =
            |stream: &Stream| stream.known_at().is_none_or(|known_at| known_at + wait <= now + LOOK_AGAIN);
        self.look(session, is_quiet).await?;
        let known = self.streams.values().filter_map(Stream::known_at).min();
        self.look_at = known.unwrap_or(now) + wait - LOOK_AGAIN.min(wait);
        Ok(())
    }

    fn entry(&mut self, topic: &str, entry: &Entry) {
        let Some(stream) = self.streams.get_mut(topic) else { return };
        let Some(cursor) = &mut stream.cursor else { return };
        let marker = entry::marker(entry);
        let Step::New(gap) = cursor.step(entry.id, marker) else { return };
        if let Some(gap) = gap {
            tell_gap(&*self.inlet, topic, stream, gap);
        }
        let Some(cursor) = &stream.cursor else { return };
        let mut event = None;
        if marker.is_some() {
            self.inlet.position(topic, cursor.position());
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
            Some(Ok(frame)) => self.inlet.deliver(frame),
            Some(Err(undecodable)) => self.inlet.undecodable(undecodable),
            None => {}
        }
    }

    fn too_large(&mut self, topic: &str, id: EntryId, size: usize) {
        let Some(stream) = self.streams.get_mut(topic) else { return };
        let Some(cursor) = &mut stream.cursor else { return };
        let Step::New(gap) = cursor.step(id, None) else { return };
        if let Some(gap) = gap {
            tell_gap(&*self.inlet, topic, stream, gap);
        }
        let undecodable = too_large(topic, size, self.dialer.limits.inbound_bytes);
        let event = Err(undecodable.clone());
        let passing = Passing { topic, id, marker: None, event: Some(&event) };
        self.replays.iter_mut().for_each(|replay| replay.passes(&passing));
        self.inlet.undecodable(undecodable);
    }

    /// Asks where the streams end that nobody has asked about, and answers who follows them. Whether there were some.
    async fn find(&mut self, session: &mut Session) -> Result<bool, ConnectError> {
        let is_new = |stream: &Stream| stream.cursor.is_none();
        let has_new = self.streams.values().any(is_new);
        if has_new {
            self.look(session, is_new).await?;
        }
        for (address, request) in std::mem::take(&mut self.asked) {
            let stream = self.streams.get(address.topic());
            if let Some(cursor) = stream.and_then(|stream| stream.cursor.as_ref()) {
                self.inlet.position(address.topic(), cursor.position());
            }
            self.complete.extend(self.interest.acknowledged(&address, request));
        }
        self.begin_replays(session).await?;
        Ok(has_new)
    }

    /// Asks how the streams stand of which a replay is to begin.
    async fn begin_replays(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        let parts = self.replays.iter().flat_map(|replay| &replay.parts).filter(|part| part.is_asked());
        let topics: Vec<CompactString> = parts.map(|part| part.topic.clone()).collect();
        for (topic, top) in self.tops(session, topics).await? {
            self.replays_stand(&topic, top, &session.run, true);
        }
        Ok(())
    }

    fn replays_stand(&mut self, topic: &CompactString, top: Top, run: &Arc<str>, only_new: bool) {
        let live = self.streams.get(topic).and_then(|stream| stream.cursor.as_ref());
        let Some(live) = live else { return };
        for replay in &mut self.replays {
            let id = replay.id;
            for part in &mut replay.parts {
                if part.topic == *topic
                    && (part.is_asked() || !only_new)
                    && let Some(position) = part.connected(live, top, run)
                {
                    self.inlet.replay_begins(id, topic, position);
                }
            }
        }
    }

    /// How these streams stand; without those of which we may not know, which those who follow them are told.
    async fn tops(
        &mut self,
        session: &mut Session,
        topics: Vec<CompactString>,
    ) -> Result<Vec<(CompactString, Top)>, ConnectError> {
        let streams = &self.streams;
        let is_read = |topic: &CompactString, end| {
            let cursor = streams.get(topic).and_then(|stream| stream.cursor.as_ref());
            cursor.is_none_or(|cursor| cursor.id() == end)
        };
        let tops = epoch::begin(&mut session.asker, &self.keys, &session.run, &topics, is_read).await?;
        let mut known = Vec::with_capacity(topics.len());
        for (topic, top) in topics.into_iter().zip(tops) {
            match top {
                Ok(top) => known.push((topic, top)),
                Err(rejection) => self.refuse(&topic, &rejection),
            }
        }
        Ok(known)
    }

    /// Looks at some streams, and tells what was lost where they are not what they were.
    async fn look(
        &mut self,
        session: &mut Session,
        which: impl Fn(&Stream) -> bool,
    ) -> Result<(), ConnectError> {
        let topics = self.streams.iter().filter(|(_, stream)| which(stream));
        let topics: Vec<CompactString> = topics.map(|(topic, _)| topic.clone()).collect();
        let tops = self.tops(session, topics).await?;
        self.stand(tops, session);
        Ok(())
    }

    fn stand(&mut self, tops: Vec<(CompactString, Top)>, session: &Session) {
        let now = Instant::now();
        for (topic, top) in tops {
            let Some(stream) = self.streams.get_mut(&topic) else { continue };
            if let Some(gap) = stream.stands(top, &session.run, now) {
                tell_gap(&*self.inlet, &topic, stream, gap);
            }
            self.replays_stand(&topic, top, &session.run, false);
        }
    }

    /// On a new session: what is followed goes on, and what was lost is told.
    async fn restore(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        // All of it before anything is told: the state comes before the gaps.
        let topics = self.streams.keys().cloned().collect();
        let tops = self.tops(session, topics).await?;
        self.retry.connected();
        if self.health.subscriber.take().is_some() {
            // The other connection is opened at this moment, if it was lost too. It will say so if it is not.
            self.health.publisher = None;
            self.health.tell(&*self.inlet);
        }
        self.stand(tops, session);
        Ok(())
    }

    /// More entries for the replays that have room.
    async fn fetch(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        let mut short = Vec::new();
        for (number, replay) in self.replays.iter().enumerate() {
            let parts = replay.parts.iter().enumerate().filter(|(_, part)| part.is_short());
            for (part, it) in parts.take(FETCHES - short.len()) {
                let known = [(&it.topic, it.fetched())];
                read(&mut session.asker.out, &self.keys, it.count(), None, &known);
                short.push((number, part));
            }
        }
        let answers = session.asker.items(short.len()).await?;
        for ((replay, part), items) in short.iter().zip(answers) {
            self.fetched(*replay, *part, items)?;
        }
        // Others come first next time.
        if let Some((last, _)) = short.last() {
            let count = self.replays.len();
            self.replays.rotate_left((last + 1) % count);
        }
        Ok(())
    }

    fn fetched(&mut self, replay: usize, part: usize, items: Vec<Item>) -> Result<(), ConnectError> {
        let limit = self.dialer.limits.inbound_bytes;
        let Some(part) = self.replays.get_mut(replay).and_then(|replay| replay.parts.get_mut(part)) else {
            return Ok(());
        };
        let topic = part.topic.clone();
        let (mut entries, mut bytes) = (0, 0);
        for item in items {
            match item {
                Item::Entry(entry) => {
                    (entries, bytes) = (entries + 1, bytes + entry.size());
                    let marker = entry::marker(&entry);
                    part.take(entry.id, marker, |cursor| {
                        let frame = || entry::frame(&*self.codec, &topic, &entry, cursor.position());
                        marker.is_none().then(frame)
                    });
                }
                Item::TooLarge { id, size } => {
                    (entries, bytes) = (entries + 1, bytes + limit);
                    part.take(id, None, |_| Some(Err(too_large(&topic, size, limit))));
                }
                Item::Error(error) => {
                    let rejection = refusal::rejection(&error);
                    if !refusal::is_lasting(&rejection) {
                        return Err(ConnectError::Refused(rejection));
                    }
                    self.refuse(&topic, &rejection);
                    return Ok(());
                }
                Item::Stream(_) | Item::End => {}
            }
        }
        if entries > 0 {
            part.came(entries, bytes, limit);
        } else if let Some(live) = self.streams.get(&topic).and_then(|stream| stream.cursor.as_ref()) {
            part.came_to_the_end(live);
        }
        Ok(())
    }

    /// Nobody follows this type any more: the server does not let us.
    fn refuse(&mut self, topic: &CompactString, rejection: &Rejection) {
        let Some(stream) = self.streams.remove(topic) else { return };
        self.asked.retain(|(address, _)| address.topic() != topic);
        for (address, request) in stream.addresses(topic) {
            self.complete.extend(self.interest.leave(&address));
            self.inlet.refused(request, address, rejection.clone());
        }
    }

    fn answer(&mut self) {
        self.complete.drain(..).for_each(|request| self.inlet.subscribed(request));
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Subscribe(request, addresses) => {
                self.interest.follow(request, &addresses);
                for address in addresses {
                    self.streams.entry(address.topic().into()).or_default().follow(&address, request);
                    self.asked.push((address, request));
                }
            }
            News::Unsubscribe(addresses) => {
                for address in addresses {
                    self.complete.extend(self.interest.leave(&address));
                    self.asked.retain(|(asked, _)| *asked != address);
                    if let Some(stream) = self.streams.get_mut(address.topic()) {
                        stream.leave(&address);
                        if stream.is_left() {
                            self.streams.remove(address.topic());
                        }
                    }
                }
            }
            News::Replay(id, addresses) => self.replays.push(Replay::new(id, addresses)),
            News::Close(asked) => self.closing.begin(asked, self.dialer.limits.close_timeout),
            News::NotSent { header, error } => self.inlet.not_sent(*header, error),
            News::PublisherLost { attempt, error } => {
                self.health.publisher_lost(attempt, error, &*self.inlet);
            }
            News::PublisherConnected => self.health.publisher_connected(&*self.inlet),
            News::PublisherClosed(given_up) => self.closing.given_up = Some(given_up),
        }
    }

    /// A new session; `None` when it is closed instead.
    async fn reconnect(&mut self, mut error: ConnectError) -> Option<Session> {
        let mut attempt = 0;
        loop {
            self.health.subscriber = Some((attempt, error));
            self.health.tell(&*self.inlet);
            let at = self.retry.next();
            let dialer = Arc::clone(&self.dialer);
            self.meanwhile(dialer.wait_until(at)).await?;
            attempt = self.retry.begin();
            match self.meanwhile(Session::open(&dialer)).await? {
                Ok(session) => return Some(session),
                Err(new) => error = new,
            }
        }
    }

    /// What a future gives, while the others are heard; `None` when it is closed instead.
    async fn meanwhile<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            while let Poll::Ready(Some(news)) = self.news.poll_recv(cx) {
                self.hear(news);
            }
            self.answer();
            if self.closing.given_up.is_some() {
                return Poll::Ready(None);
            }
            future.as_mut().poll(cx).map(Some)
        })
        .await
    }
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
