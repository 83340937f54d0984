//! How the streams stand at the server, which the entries that come do not say alone: whether they are still what they were.

use compact_str::CompactString;
use tokio::time::Instant;

use super::{LOOK_AGAIN, Reader, tell_gap};
use crate::redis::durable::epoch::{self, Top};
use crate::redis::durable::session::Session;
use crate::redis::durable::stream::Stream;
use crate::{ConnectError, Rejection};

impl Reader {
    /// Asks where the streams end that nobody has asked about, and answers who follows them. Whether there were some.
    pub(super) async fn find(&mut self, session: &mut Session) -> Result<bool, ConnectError> {
        let is_new = |stream: &Stream| stream.cursor.is_none();
        let has_new = self.streams.values().any(is_new);
        if has_new {
            self.look(session, is_new).await?;
        }
        for (address, request) in std::mem::take(&mut self.asked) {
            let stream = self.streams.get(address.topic());
            if let Some(cursor) = stream.and_then(|stream| stream.cursor.as_ref()) {
                self.bus.inlet.position(address.topic(), cursor.position());
            }
            self.bus.acknowledged(&address, request);
        }
        self.begin_replays(session).await?;
        Ok(has_new)
    }

    /// How these streams stand; without those of which we may not know, which those who follow them are told.
    pub(super) async fn tops(
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
    pub(super) async fn look(
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
                tell_gap(&*self.bus.inlet, &topic, stream, gap);
            }
            self.replays_stand(&topic, top, &session.run, false);
        }
    }

    /// On a new session: what is followed goes on, and what was lost is told.
    pub(super) async fn restore(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        // All of it before anything is told: the state comes before the gaps.
        let topics = self.streams.keys().cloned().collect();
        let tops = self.tops(session, topics).await?;
        self.bus.restored();
        self.stand(tops, session);
        Ok(())
    }

    /// A read is over that did not bring what was there before it was asked.
    pub(super) fn tell_what_is_gone(&mut self, session: &Session) {
        for (topic, stream) in &mut self.streams {
            let Some(gap) = stream.read(&session.run) else { continue };
            tell_gap(&*self.bus.inlet, topic, stream, gap);
            if let Some(cursor) = &stream.cursor {
                self.bus.inlet.position(topic, cursor.position());
            }
        }
    }

    /// Nothing comes either from a stream that was deleted, or made anew by somebody with lesser ids. Others that are busy
    /// say nothing of it.
    pub(super) async fn look_at_the_quiet(&mut self, session: &mut Session) -> Result<(), ConnectError> {
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

    /// Nobody follows this type any more: the server does not let us.
    pub(super) fn refuse(&mut self, topic: &CompactString, rejection: &Rejection) {
        let Some(stream) = self.streams.remove(topic) else { return };
        self.asked.retain(|(address, _)| address.topic() != topic);
        for (address, request) in stream.addresses(topic) {
            self.bus.refuse(request, address, rejection.clone());
        }
    }
}
