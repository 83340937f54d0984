//! The task of the connection that subscribes, which is also the one that speaks to the bus.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::bus::{self, Bus, Follower, News};
use super::incoming;
use super::names::{self, Names};
use super::publisher::silent;
use super::refusal;
use super::resp::{Malformed, Parts, Reply};
use super::session::{Answer, Session};
use super::wire::{Alarm, Dialer, Wire, protocol};
use crate::codec::Codec;
use crate::{ConnectError, ConnectionState, Gap, GapReason, Inlet};

pub(super) struct Subscriber {
    bus: Bus,
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

impl Subscriber {
    pub(super) fn new(
        inlet: Arc<dyn Inlet>,
        codec: Arc<dyn Codec>,
        names: Arc<Names>,
        dialer: Arc<Dialer>,
        news: UnboundedReceiver<News>,
    ) -> Self {
        Self { bus: Bus::new(inlet, dialer, news), codec, names, is_sharded: false, lost: false }
    }

    /// One that follows channels of slots.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn sharded(self) -> Self {
        Self { is_sharded: true, ..self }
    }

    /// Until it is closed, of a server that has yet to be connected to.
    #[cfg(feature = "redis-cluster")]
    pub(super) async fn begin(mut self) {
        let error = ConnectError::TimedOut { during: "opening a connection" };
        match bus::reconnect(&mut self, error, open).await {
            Some(wire) => self.run(wire).await,
            None => bus::end(self),
        }
    }

    /// Until it is closed.
    pub(super) async fn run(mut self, mut wire: Wire) {
        self.bus.inlet.state(ConnectionState::Connected);
        loop {
            let Err(error) = self.serve(&mut wire).await else {
                wire.shut(self.bus.goodbye()).await;
                break;
            };
            self.lost |= self.bus.interest.was_live();
            match bus::reconnect(&mut self, error, open).await {
                Some(new) => wire = new,
                None => break,
            }
        }
        bus::end(self);
    }

    /// Follows what is followed, on one connection, until it is lost or closed.
    async fn serve(&mut self, wire: &mut Wire) -> Result<(), ConnectError> {
        let mut session = Session::restore(&self.bus.interest, self.is_sharded);
        let mut held = Held::default();
        let mut restored = false;
        let mut last_ping = None;
        loop {
            if self.bus.is_over() && last_ping.is_none() {
                // What the server sent before its answer are our own last events.
                session.ping(&mut wire.out);
                wire.asked();
                last_ping = Some(self.bus.goodbye());
            }
            if let Some(deadline) = last_ping {
                wire.wake_before(deadline);
            }
            let was_owed = session.is_owed();
            session.write(&self.bus.interest, &self.names, &mut wire.out);
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
                if let Poll::Ready(Some(news)) = self.bus.poll_news(cx) {
                    return Poll::Ready(Ok(Event::News(news)));
                }
                let alarm = wire.poll_alarm(cx, session.is_owed());
                if last_ping.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Poll::Ready(Ok(Event::Over));
                }
                match alarm {
                    Poll::Ready(Alarm::Dead) => Poll::Ready(Err(silent())),
                    #[cfg(feature = "redis-cluster")]
                    Poll::Ready(Alarm::Overtaken) => Poll::Ready(Err(super::cluster::overtaken())),
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
                                self.bus.acknowledged(&address, request);
                            }
                            Answer::Refused { address, request, rejection } => {
                                if self.bus.interest.has(&address, request) {
                                    self.bus.refuse(request, address, rejection);
                                }
                            }
                            Answer::Moved { address } => {
                                if let Some(request) = self.bus.interest.request_of(&address) {
                                    self.bus.refuse(request, address, refusal::moved());
                                }
                            }
                            Answer::Pong | Answer::Nothing => {}
                        }
                        // What comes after the last answer comes after what was held back.
                        self.resume(&session, &mut held, &mut restored);
                    }
                }
                Event::Silent => {
                    session.ping(&mut wire.out);
                    wire.asked();
                }
                Event::News(news) => self.follow(news, Some(&mut session)),
                Event::Over => return Ok(()),
            }
            // Messages that keep coming hold up no one who asks for something.
            while let Some(news) = self.bus.try_news() {
                self.follow(news, Some(&mut session));
            }
            if restored {
                self.bus.answer();
            }
        }
    }

    /// As soon as all that is followed is live, the bus is told what it missed, then what came meanwhile.
    fn resume(&mut self, session: &Session, held: &mut Held, restored: &mut bool) {
        if *restored || !session.is_restored() {
            return;
        }
        *restored = true;
        self.bus.restored();
        if std::mem::take(&mut self.lost) {
            self.bus.inlet.gap(None, Gap::new(GapReason::Disconnected, None));
        }
        self.bus.answer();
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
                    let limit = self.bus.dialer.limits.inbound_bytes;
                    self.bus.inlet.undecodable(incoming::too_large(&self.names, channel, size, limit));
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
        while held.bytes > self.bus.dialer.limits.inbound_bytes {
            let Some(oldest) = held.messages.pop_front() else { break };
            held.bytes -= oldest.size();
        }
    }

    fn deliver(&self, parts: &Parts) {
        let (slices, count) = parts.as_slices();
        let [channel, message] = [slices[count - 2], slices[count - 1]];
        match incoming::frame(&*self.codec, &self.names, parts, channel, message) {
            Ok(frame) => self.bus.inlet.deliver(frame),
            Err(undecodable) => self.bus.inlet.undecodable(undecodable),
        }
    }

    fn follow(&mut self, news: News, session: Option<&mut Session>) {
        match self.bus.hear(news) {
            Some(News::Subscribe(request, addresses)) => {
                self.bus.interest.follow(request, &addresses);
                if let Some(session) = session {
                    session.follow(request, addresses);
                }
            }
            Some(News::Unsubscribe(addresses)) => {
                addresses.iter().for_each(|address| self.bus.leave(address));
                if let Some(session) = session {
                    session.leave(addresses);
                }
            }
            // Nothing is kept that could be replayed.
            _ => {}
        }
    }
}

impl Follower for Subscriber {
    fn bus(&mut self) -> &mut Bus {
        &mut self.bus
    }

    fn hear(&mut self, news: News) {
        self.follow(news, None);
    }
}

async fn open(dialer: Arc<Dialer>) -> Result<Wire, ConnectError> {
    dialer.open().await
}
