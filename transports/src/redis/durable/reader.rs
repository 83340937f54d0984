//! Reading the streams: what is followed of each, and where it stands at the server.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use compact_str::CompactString;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep_until};

use super::cursor::Cursor;
use super::epoch::{self, Top};
use super::keys::Keys;
use super::live::Reading;
use super::replay::{Advance, Replay};
use super::session::{self, Session};
use super::stream::Stream;
use crate::codec::Codec;
use crate::redis::publisher::silent;
use crate::redis::resp::{self, EntryId};
use crate::redis::task::{Desk, News, Task};
use crate::redis::wire::{Alarm, Dialer};
use crate::{Address, ConnectError, DecodeError, Gap, Inlet, Rejection, Undecodable};

pub(in crate::redis) struct Reader {
    pub(super) desk: Desk,
    pub(super) codec: Arc<dyn Codec>,
    pub(super) keys: Arc<Keys>,
    pub(super) streams: HashMap<CompactString, Stream>,
    /// Asked for, and not answered.
    asked: Vec<(Address, u64)>,
    pub(super) replays: Vec<Replay>,
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

impl Task for Reader {
    type Connection = Session;

    async fn open(dialer: &Dialer) -> Result<Session, ConnectError> {
        Session::open(dialer).await
    }

    async fn shut(session: Session, deadline: Instant) {
        tokio::join!(session.wire.shut(deadline), session.asker.shut(deadline));
    }

    fn desk(&mut self) -> &mut Desk {
        &mut self.desk
    }

    async fn serve(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        self.restore(session).await?;
        let mut reading = Reading::default();
        let mut goal = None;
        loop {
            reading.is_stale |= self.find(session).await?;
            self.desk.answer();
            if self.desk.is_closing() {
                let (deadline, ends) = match &goal {
                    Some(goal) => goal,
                    None => {
                        // It may have been asked to wait for longer than there is time.
                        reading.is_stale = true;
                        // What is there before that are our own last events.
                        goal.insert((self.desk.goodbye(), self.ends(session).await?))
                    }
                };
                if Instant::now() >= *deadline || self.has_reached(ends) {
                    return Ok(());
                }
                session.wire.wake_before(*deadline);
            }
            self.ask(session, &mut reading).await?;
            let over_at = goal.as_ref().map(|(deadline, _)| *deadline);
            match self.next_event(session, &reading, over_at).await? {
                Event::Received => {
                    while let Some(item) = session.wire.next_item()? {
                        self.item(item, &mut reading, session).await?;
                        // Whoever reads what is delivered has a turn before it is outrun.
                        consume_budget().await;
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
            while let Ok(news) = self.desk.news.try_recv() {
                self.hear(news);
            }
        }
    }

    fn hear(&mut self, news: News) {
        match self.desk.hear(news) {
            Some(News::Subscribe(request, addresses)) => {
                self.desk.interest.follow(request, &addresses);
                for address in addresses {
                    self.streams.entry(address.topic().into()).or_default().follow(&address, request);
                    self.asked.push((address, request));
                }
            }
            Some(News::Unsubscribe(addresses)) => {
                for address in addresses {
                    self.desk.complete.extend(self.desk.interest.leave(&address));
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

impl Reader {
    pub(in crate::redis) fn new(desk: Desk, codec: Arc<dyn Codec>, keys: Arc<Keys>) -> Self {
        let (streams, asked, replays) = (HashMap::new(), Vec::new(), Vec::new());
        Self { desk, codec, keys, streams, asked, replays }
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
            if let Poll::Ready(Some(news)) = self.desk.news.poll_recv(cx) {
                return Poll::Ready(Ok(Event::News(news)));
            }
            if reading.look_at.is_some() && look.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(Event::Look));
            }
            let mut number = 0;
            while let Some(replay) = self.replays.get_mut(number) {
                match replay.advance(&*self.desk.inlet, &self.streams, cx) {
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
                Poll::Ready(Alarm::Silent) => Poll::Ready(Ok(Event::Silent)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Asks where the streams end that nobody has asked about, and answers who follows them. Whether there were some.
    async fn find(&mut self, session: &mut Session) -> Result<bool, ConnectError> {
        let new = self.topics(|stream| stream.cursor.is_none());
        for (topic, top) in self.tops(session, &new).await? {
            let cursor = Cursor::at(top.id, Some(Arc::clone(&session.run)));
            if let Some(stream) = self.streams.get_mut(&topic) {
                stream.begin(cursor);
            }
        }
        for (address, request) in std::mem::take(&mut self.asked) {
            let stream = self.streams.get(address.topic());
            if let Some(cursor) = stream.and_then(|stream| stream.cursor.as_ref()) {
                self.desk.inlet.position(address.topic(), cursor.position());
            }
            self.desk.complete.extend(self.desk.interest.acknowledged(&address, request));
        }
        self.begin_replays(session).await?;
        Ok(!new.is_empty())
    }

    pub(super) fn topics(&self, which: impl Fn(&Stream) -> bool) -> Vec<CompactString> {
        self.streams.iter().filter(|(_, stream)| which(stream)).map(|(topic, _)| topic.clone()).collect()
    }

    /// How these streams stand, but for those of which we may not know: those who follow them are told.
    pub(super) async fn tops(
        &mut self,
        session: &mut Session,
        topics: &[CompactString],
    ) -> Result<Vec<(CompactString, Top)>, ConnectError> {
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        // It may have changed meanwhile, and all who are connected have to say the same.
        session.run = session::run_id(&mut session.asker).await?;
        let streams = &self.streams;
        let is_read = |topic: &CompactString, end| {
            let cursor = streams.get(topic).and_then(|stream| stream.cursor.as_ref());
            cursor.is_none_or(|cursor| cursor.id() == end)
        };
        let all = epoch::stand(&mut session.asker, &self.keys, &session.run, topics, is_read).await?;
        let mut tops = Vec::with_capacity(topics.len());
        for (topic, top) in topics.iter().zip(all) {
            match top {
                Ok(top) => tops.push((topic.clone(), top)),
                Err(rejection) => self.refuse(topic, &rejection),
            }
        }
        Ok(tops)
    }

    /// Looks at these streams, and gives what was lost where they are not what they were.
    pub(super) async fn look(
        &mut self,
        session: &mut Session,
        topics: &[CompactString],
    ) -> Result<Vec<(CompactString, Gap)>, ConnectError> {
        let mut gaps = Vec::new();
        for (topic, top) in self.tops(session, topics).await? {
            let Some(stream) = self.streams.get_mut(&topic) else { continue };
            gaps.extend(stream.stands(top, &session.run).map(|gap| (topic.clone(), gap)));
            self.replays_stand(&topic, top, &session.run, false);
        }
        Ok(gaps)
    }

    /// On a new session: what is followed goes on, and what was lost is told.
    async fn restore(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        let known = self.topics(|stream| stream.cursor.is_some());
        let gaps = self.look(session, &known).await?;
        self.desk.restored();
        self.tell(gaps);
        Ok(())
    }

    pub(super) fn tell(&self, gaps: Vec<(CompactString, Gap)>) {
        for (topic, gap) in gaps {
            if let Some(stream) = self.streams.get(&topic) {
                tell_gap(&*self.desk.inlet, &topic, stream, gap);
            }
        }
    }

    /// Where the streams end at this moment.
    async fn ends(&mut self, session: &mut Session) -> Result<Vec<(CompactString, EntryId)>, ConnectError> {
        let topics = self.topics(|_| true);
        let tops = self.tops(session, &topics).await?;
        Ok(tops.into_iter().map(|(topic, top)| (topic, top.id)).collect())
    }

    fn has_reached(&self, ends: &[(CompactString, EntryId)]) -> bool {
        ends.iter().all(|(topic, end)| {
            let cursor = self.streams.get(topic).and_then(|stream| stream.cursor.as_ref());
            cursor.is_none_or(|cursor| cursor.id() >= *end)
        })
    }

    /// Nobody follows this type any more: the server does not let us.
    pub(super) fn refuse(&mut self, topic: &CompactString, rejection: &Rejection) {
        let Some(stream) = self.streams.remove(topic) else { return };
        self.asked.retain(|(address, _)| address.topic() != topic);
        for (address, request) in stream.addresses(topic) {
            self.desk.complete.extend(self.desk.interest.leave(&address));
            self.desk.inlet.refused(request, address, rejection.clone());
        }
    }
}

pub(super) fn too_large(topic: &str, size: usize, limit: usize) -> Undecodable {
    Undecodable::new(Address::whole(topic).ok(), DecodeError::TooLarge { size, limit })
}

/// How many of the events of a type were to which id, nobody knows.
pub(super) fn tell_gap(inlet: &dyn Inlet, topic: &str, stream: &Stream, gap: Gap) {
    let lost = stream.addresses(topic).into_iter().map(|(address, _)| {
        let missed = gap.missed.filter(|_| address.id().is_none());
        (address, Gap::new(gap.reason, missed))
    });
    inlet.gaps(lost.collect());
}

/// Writes an XREAD of these streams after these entries.
pub(super) fn read(
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
