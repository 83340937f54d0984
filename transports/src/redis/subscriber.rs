//! The connection that subscribes to channels.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tokio::task::coop::consume_budget;
use tokio::time::Instant;

use super::incoming;
use super::names::{self, Names};
use super::publisher::silent;
use super::refusal;
use super::resp::{Malformed, Parts, Reply};
use super::session::{Answer, Session};
use super::task::{Desk, News, Task};
use super::wire::{Alarm, Dialer, Wire, protocol};
use crate::codec::Codec;
use crate::{ConnectError, Gap, GapReason};

pub(super) struct Subscriber {
    desk: Desk,
    codec: Arc<dyn Codec>,
    names: Arc<Names>,
    /// Whether channels are those of slots.
    is_sharded: bool,
    /// Whether events were lost that the bus was not told of.
    lost: bool,
}

/// What one connection holds back until all that is followed is restored.
#[derive(Default)]
struct Held {
    messages: VecDeque<Parts>,
    bytes: usize,
}

enum Event {
    Received,
    News(News),
    Silent,
    /// Closing has taken too long.
    Over,
}

impl Task for Subscriber {
    type Connection = Wire;

    async fn open(dialer: &Dialer) -> Result<Wire, ConnectError> {
        dialer.open().await
    }

    async fn shut(wire: Wire, deadline: Instant) {
        wire.shut(deadline).await;
    }

    fn desk(&mut self) -> &mut Desk {
        &mut self.desk
    }

    async fn serve(&mut self, wire: &mut Wire) -> Result<(), ConnectError> {
        let mut session = Session::restore(&self.desk.interest, self.is_sharded);
        let mut held = Held::default();
        let mut restored = false;
        let mut last_ping = None;
        loop {
            if self.desk.is_closing() && last_ping.is_none() {
                // What the server sent before its answer are our own last events.
                session.ping(&mut wire.out);
                wire.asked();
                last_ping = Some(self.desk.goodbye());
            }
            if let Some(deadline) = last_ping {
                wire.wake_before(deadline);
            }
            let was_owed = session.is_owed();
            session.write(&self.desk.interest, &self.names, &mut wire.out);
            self.resume(&session, &mut held, &mut restored);
            if !was_owed && session.is_owed() {
                wire.asked();
            }
            let event = poll_fn(|cx| {
                if let Poll::Ready(Err(error)) = wire.poll_send(cx) {
                    return Poll::Ready(Err(error));
                }
                if let Poll::Ready(received) = wire.poll_receive(cx) {
                    return Poll::Ready(received.map(|()| Event::Received));
                }
                if let Poll::Ready(Some(news)) = self.desk.news.poll_recv(cx) {
                    return Poll::Ready(Ok(Event::News(news)));
                }
                let alarm = wire.poll_alarm(cx, session.is_owed());
                if last_ping.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Poll::Ready(Ok(Event::Over));
                }
                match alarm {
                    Poll::Ready(Alarm::Dead) => Poll::Ready(Err(silent())),
                    Poll::Ready(Alarm::Silent) => Poll::Ready(Ok(Event::Silent)),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
            match event? {
                Event::Received => {
                    while let Some(reply) = wire.next()? {
                        let answer = self.reply(reply, &mut session, &mut held)?;
                        match answer {
                            Answer::Pong if last_ping.is_some() && !session.is_owed() => return Ok(()),
                            Answer::Unavailable(rejection) => return Err(ConnectError::Refused(rejection)),
                            Answer::Followed { address, request } => {
                                self.desk.complete.extend(self.desk.interest.acknowledged(&address, request));
                            }
                            Answer::Refused { address, request, rejection } => {
                                if self.desk.interest.has(&address, request) {
                                    self.desk.complete.extend(self.desk.interest.leave(&address));
                                    self.desk.inlet.refused(request, address, rejection);
                                }
                            }
                            Answer::Moved { address } => {
                                if let Some(request) = self.desk.interest.request_of(&address) {
                                    self.desk.complete.extend(self.desk.interest.leave(&address));
                                    self.desk.inlet.refused(request, address, refusal::moved());
                                }
                            }
                            Answer::Pong | Answer::Nothing => {}
                        }
                        // What comes after the last answer comes after what was held back.
                        self.resume(&session, &mut held, &mut restored);
                        // Whoever reads what is delivered has a turn before it is outrun.
                        consume_budget().await;
                    }
                }
                Event::Silent => {
                    session.ping(&mut wire.out);
                    wire.asked();
                }
                Event::News(news) => self.hear_on(news, Some(&mut session)),
                Event::Over => return Ok(()),
            }
            // Messages that keep coming hold up no one who asks for something.
            while let Ok(news) = self.desk.news.try_recv() {
                self.hear_on(news, Some(&mut session));
            }
            if restored {
                self.desk.answer();
            }
        }
    }

    fn hear(&mut self, news: News) {
        self.hear_on(news, None);
    }

    fn lost(&mut self) {
        self.lost |= self.desk.interest.was_live();
    }
}

impl Subscriber {
    pub(super) fn new(desk: Desk, codec: Arc<dyn Codec>, names: Arc<Names>) -> Self {
        Self { desk, codec, names, is_sharded: false, lost: false }
    }

    /// One that follows channels of slots.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn sharded(self) -> Self {
        Self { is_sharded: true, ..self }
    }

    /// As soon as all that is followed is live, the bus is told what it missed, then what came meanwhile.
    fn resume(&mut self, session: &Session, held: &mut Held, restored: &mut bool) {
        if *restored || !session.is_restored() {
            return;
        }
        *restored = true;
        self.desk.restored();
        if std::mem::take(&mut self.lost) {
            self.desk.inlet.gap(None, Gap::new(GapReason::Disconnected, None));
        }
        self.desk.answer();
        for parts in held.messages.drain(..) {
            self.deliver(&parts);
        }
    }

    fn reply(&self, reply: Reply, session: &mut Session, held: &mut Held) -> Result<Answer, ConnectError> {
        let malformed = |Malformed(reason)| protocol(reason);
        match reply {
            Reply::Array(parts) => {
                let (slices, count) = parts.as_slices();
                match &slices[..count] {
                    [b"message", channel, _] => {
                        let name = self.names.strip(channel).unwrap_or_default();
                        if !session.comes_by_pattern(names::topic(name)) {
                            self.message(parts, session, held);
                        }
                    }
                    [b"pmessage", _, _, _] | [b"smessage", _, _] => self.message(parts, session, held),
                    [b"pong", _] => return session.pong().map_err(malformed),
                    [kind, name, _] => return session.answer(kind, name, &self.names).map_err(malformed),
                    _ => return Err(protocol("an answer that a subscription does not have")),
                }
            }
            Reply::TooLarge { size, before } => {
                let (slices, count) = before.as_slices();
                let channel = match &slices[..count] {
                    [b"message" | b"smessage", channel] | [b"pmessage", _, channel] => Some(*channel),
                    _ => None,
                };
                let by_pattern = slices[0] == b"message"
                    && channel
                        .and_then(|name| self.names.strip(name))
                        .is_some_and(|name| session.comes_by_pattern(names::topic(name)));
                if !by_pattern {
                    let limit = self.desk.dialer.limits.inbound_bytes;
                    self.desk.inlet.undecodable(incoming::too_large(&self.names, channel, size, limit));
                }
            }
            // Without a subscription it is a status.
            Reply::Status => return session.pong().map_err(malformed),
            Reply::Error(error) => return session.error(&error).map_err(malformed),
            Reply::Integer | Reply::Bulk(_) | Reply::Nothing => {
                return Err(protocol("an answer that a subscription does not have"));
            }
        }
        Ok(Answer::Nothing)
    }

    fn message(&self, parts: Parts, session: &Session, held: &mut Held) {
        if session.is_restored() {
            self.deliver(&parts);
            return;
        }
        // What gives way is part of the gap that is told before the rest.
        held.bytes += parts.size();
        held.messages.push_back(parts);
        while held.bytes > self.desk.dialer.limits.inbound_bytes {
            let Some(oldest) = held.messages.pop_front() else { break };
            held.bytes -= oldest.size();
        }
    }

    fn deliver(&self, parts: &Parts) {
        let (slices, count) = parts.as_slices();
        let [channel, message] = [slices[count - 2], slices[count - 1]];
        match incoming::frame(&*self.codec, &self.names, parts, channel, message) {
            Ok(frame) => self.desk.inlet.deliver(frame),
            Err(undecodable) => self.desk.inlet.undecodable(undecodable),
        }
    }

    fn hear_on(&mut self, news: News, session: Option<&mut Session>) {
        let desk = &mut self.desk;
        match desk.hear(news) {
            Some(News::Subscribe(request, addresses)) => {
                desk.interest.follow(request, &addresses);
                if let Some(session) = session {
                    session.follow(request, addresses);
                }
            }
            Some(News::Unsubscribe(addresses)) => {
                desk.complete.extend(addresses.iter().filter_map(|address| desk.interest.leave(address)));
                if let Some(session) = session {
                    session.leave(addresses);
                }
            }
            // Nothing is kept that could be replayed.
            _ => {}
        }
    }
}
