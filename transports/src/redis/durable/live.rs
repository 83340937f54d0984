//! The read that waits at the server, and what it brings for all.

use std::time::Duration;

use compact_str::CompactString;
use tokio::time::Instant;

use super::cursor::Step;
use super::entry;
use super::reader::{Reader, read, tell_gap, too_large};
use super::replay::Passing;
use super::session::Session;
use crate::redis::refusal;
use crate::redis::resp::{Entry, EntryId, Item};
use crate::{ConnectError, ErrorCode, Rejection};

/// How that read is.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) is_asked: bool,
    /// It does not ask for all that is followed, or for longer than there is time.
    pub(super) is_stale: bool,
    /// When it is looked again whether it can be ended.
    pub(super) look_at: Option<Instant>,
    /// The stream whose entries come.
    topic: CompactString,
}

/// Entries of one stream that one read brings at most.
const COUNT: u64 = 512;
/// How long is waited until a read that was just written waits at the server.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// How long a read waits that cannot be ended from outside, or that is one of the last.
const SHORT_WAIT: Duration = Duration::from_millis(100);

impl Reader {
    /// How long a read waits for entries.
    fn wait(&self, session: &Session) -> Duration {
        let limits = &self.desk.dialer.limits;
        let longest = limits.ping_interval.min(limits.answer_timeout / 2).max(Duration::from_millis(1));
        if session.may_unblock && !self.desk.is_closing() { longest } else { longest.min(SHORT_WAIT) }
    }

    /// Writes a read, if there is none; ends one that does not ask for all that is followed.
    pub(super) async fn ask(
        &mut self,
        session: &mut Session,
        reading: &mut Reading,
    ) -> Result<(), ConnectError> {
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
        let known =
            self.streams.iter().filter_map(|(topic, stream)| Some((topic, stream.cursor.as_ref()?.id())));
        let known: Vec<_> = known.collect();
        if !known.is_empty() {
            read(&mut session.wire.out, &self.keys, COUNT, Some(wait), &known);
            session.wire.asked();
            *reading = Reading { is_asked: true, ..Reading::default() };
        }
        Ok(())
    }

    pub(super) async fn item(
        &mut self,
        item: Item,
        reading: &mut Reading,
        session: &mut Session,
    ) -> Result<(), ConnectError> {
        match item {
            Item::Stream(name) => reading.topic = self.keys.topic(&name).unwrap_or_default().into(),
            Item::Entry(entry) => {
                self.entry(&reading.topic, &entry);
            }
            Item::TooLarge { id, size } => {
                self.too_large(&reading.topic, id, size);
            }
            Item::End => {
                *reading = Reading::default();
                self.look_at_the_quiet(session).await?;
            }
            Item::Error(error) => {
                *reading = Reading::default();
                let rejection = refusal::rejection(&error);
                if rejection.is_retryable() || !is_about_a_stream(&rejection) {
                    return Err(ConnectError::Refused(rejection));
                }
                // One of the streams is none, or not allowed any more: looking at each shows which.
                let all = self.topics(|stream| stream.cursor.is_some());
                let gaps = self.look(session, &all).await?;
                self.tell(gaps);
                if self.streams.len() == all.len() {
                    all.iter().for_each(|topic| self.refuse(topic, &rejection));
                }
            }
        }
        Ok(())
    }

    /// Nothing comes either from a stream that was deleted or trimmed, or made anew by somebody with lesser ids. So the
    /// server is asked about those that bring nothing, however much the others do.
    async fn look_at_the_quiet(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        for (topic, stream) in &mut self.streams {
            let Some(gap) = stream.vanished() else { continue };
            let Some(cursor) = &stream.cursor else { continue };
            self.replays.iter_mut().for_each(|replay| replay.vanished(topic, cursor));
            tell_gap(&*self.desk.inlet, topic, stream, gap);
            self.desk.inlet.position(topic, cursor.position());
        }
        let long_ago = Instant::now().checked_sub(self.wait(session));
        let quiet = self.topics(|stream| stream.is_quiet_since(long_ago));
        let gaps = self.look(session, &quiet).await?;
        self.tell(gaps);
        Ok(())
    }

    fn entry(&mut self, topic: &str, entry: &Entry) {
        let Some(stream) = self.streams.get_mut(topic) else { return };
        stream.brings();
        let Some(cursor) = &mut stream.cursor else { return };
        let marker = entry::marker(entry);
        let Step::New(gap) = cursor.step(entry.id, marker) else { return };
        if let Some(gap) = gap {
            tell_gap(&*self.desk.inlet, topic, stream, gap);
        }
        let Some(cursor) = &stream.cursor else { return };
        let mut event = None;
        if marker.is_some() {
            self.desk.inlet.position(topic, cursor.position());
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
            Some(Ok(frame)) => self.desk.inlet.deliver(frame),
            Some(Err(undecodable)) => {
                let position = cursor.position();
                self.desk.inlet.undecodable(undecodable);
                self.desk.inlet.position(topic, position);
            }
            None => {}
        }
    }

    fn too_large(&mut self, topic: &str, id: EntryId, size: usize) {
        let Some(stream) = self.streams.get_mut(topic) else { return };
        stream.brings();
        let Some(cursor) = &mut stream.cursor else { return };
        let Step::New(gap) = cursor.step(id, None) else { return };
        if let Some(gap) = gap {
            tell_gap(&*self.desk.inlet, topic, stream, gap);
        }
        let undecodable = too_large(topic, size, self.desk.dialer.limits.inbound_bytes);
        let event = Err(undecodable.clone());
        let passing = Passing { topic, id, marker: None, event: Some(&event) };
        self.replays.iter_mut().for_each(|replay| replay.passes(&passing));
        let position = self.streams.get(topic).and_then(|stream| Some(stream.cursor.as_ref()?.position()));
        self.desk.inlet.undecodable(undecodable);
        position.into_iter().for_each(|position| self.desk.inlet.position(topic, position));
    }
}

/// Whether one stream alone may be why all were refused.
fn is_about_a_stream(rejection: &Rejection) -> bool {
    match rejection.code() {
        ErrorCode::Denied | ErrorCode::BadRequest => true,
        ErrorCode::Other(code) => **code == *"WRONGTYPE",
        _ => false,
    }
}
