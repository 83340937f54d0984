//! The task of the connection that subscribes, which is also the one that speaks to the bus.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_channel::oneshot;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::incoming;
use super::interest::Interest;
use super::names::{self, Names};
use super::publisher::silent;
use super::refusal;
use super::resp::{Malformed, Parts, Reply};
use super::retry::Retry;
use super::session::{Answer, Session};
use super::wire::{Alarm, Dialer, Wire, protocol};
use crate::codec::Codec;
use crate::{Address, ConnectError, ConnectionState, Gap, GapReason, Header, Inlet, SendError, Start};

/// What the bus asks for, and what the other task has to say to it.
pub(super) enum News {
    Subscribe(u64, Vec<Address>),
    Unsubscribe(Vec<Address>),
    Replay(u64, Vec<(Address, Start)>),
    /// With whom to tell how many frames were given up.
    Close(Option<oneshot::Sender<u64>>),
    NotSent {
        header: Box<Header>,
        error: SendError,
    },
    PublisherLost {
        attempt: u32,
        error: ConnectError,
    },
    PublisherConnected,
    /// It is gone, and has given up so many frames.
    PublisherClosed(u64),
}

pub(super) struct Subscriber {
    inlet: Arc<dyn Inlet>,
    codec: Arc<dyn Codec>,
    names: Arc<Names>,
    dialer: Arc<Dialer>,
    news: UnboundedReceiver<News>,
    interest: Interest,
    retry: Retry,
    /// Whether channels are those of slots.
    is_sharded: bool,
    /// Whether events were lost that the bus was not told of.
    lost: bool,
    health: Health,
    closing: Closing,
    /// Requests that are answered, and were not told yet.
    complete: Vec<u64>,
}

/// Why each of the two connections is down, if it is.
#[derive(Default)]
pub(super) struct Health {
    pub(super) publisher: Option<(u32, ConnectError)>,
    pub(super) subscriber: Option<(u32, ConnectError)>,
}

#[derive(Default)]
pub(super) struct Closing {
    pub(super) deadline: Option<Instant>,
    pub(super) asked: Vec<oneshot::Sender<u64>>,
    /// How many frames the publisher has given up; it is gone then.
    pub(super) given_up: Option<u64>,
}

impl Closing {
    /// The first who asks sets the time; whoever asks is told.
    pub(super) fn begin(&mut self, asked: impl IntoIterator<Item = oneshot::Sender<u64>>, timeout: Duration) {
        self.deadline.get_or_insert_with(|| Instant::now() + timeout);
        self.asked.extend(asked);
    }
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
        let retry = Retry::new(&dialer.limits);
        let (interest, lost, health, closing) =
            (Interest::default(), false, Health::default(), Closing::default());
        Self {
            inlet,
            codec,
            names,
            dialer,
            news,
            interest,
            retry,
            is_sharded: false,
            lost,
            health,
            closing,
            complete: Vec::new(),
        }
    }

    /// One that follows channels of slots.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn sharded(self) -> Self {
        Self { is_sharded: true, ..self }
    }

    /// Until it is closed, of a server that has yet to be connected to.
    #[cfg(feature = "redis-cluster")]
    pub(super) async fn begin(mut self) {
        match self.reconnect(ConnectError::TimedOut { during: "opening a connection" }).await {
            Some(wire) => self.run(wire).await,
            None => self.end(),
        }
    }

    /// Until it is closed.
    pub(super) async fn run(mut self, mut wire: Wire) {
        self.inlet.state(ConnectionState::Connected);
        loop {
            let Err(error) = self.serve(&mut wire).await else {
                wire.shut(self.goodbye()).await;
                break;
            };
            self.lost |= self.interest.was_live();
            match self.reconnect(error).await {
                Some(new) => wire = new,
                None => break,
            }
        }
        self.end();
    }

    fn end(mut self) {
        self.inlet.state(ConnectionState::Closed { error: None });
        self.news.close();
        while let Ok(news) = self.news.try_recv() {
            self.hear(news, None);
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

    /// Follows what is followed, on one connection, until it is lost or closed.
    async fn serve(&mut self, wire: &mut Wire) -> Result<(), ConnectError> {
        let mut session = Session::restore(&self.interest, self.is_sharded);
        let mut held = Held::default();
        let mut restored = false;
        let mut last_ping = None;
        loop {
            if self.closing.given_up.is_some() && last_ping.is_none() {
                // What the server sent before its answer are our own last events.
                session.ping(&mut wire.out);
                wire.asked();
                last_ping = Some(self.goodbye());
            }
            if let Some(deadline) = last_ping {
                wire.wake_before(deadline);
            }
            let was_owed = session.is_owed();
            session.write(&self.interest, &self.names, &mut wire.out);
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
                if let Poll::Ready(Some(news)) = self.news.poll_recv(cx) {
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
                                self.complete.extend(self.interest.acknowledged(&address, request));
                            }
                            Answer::Refused { address, request, rejection } => {
                                if self.interest.has(&address, request) {
                                    self.complete.extend(self.interest.leave(&address));
                                    self.inlet.refused(request, address, rejection);
                                }
                            }
                            Answer::Moved { address } => {
                                if let Some(request) = self.interest.request_of(&address) {
                                    self.complete.extend(self.interest.leave(&address));
                                    self.inlet.refused(request, address, refusal::moved());
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
                Event::News(news) => self.hear(news, Some(&mut session)),
                Event::Over => return Ok(()),
            }
            // Messages that keep coming hold up no one who asks for something.
            while let Ok(news) = self.news.try_recv() {
                self.hear(news, Some(&mut session));
            }
            if restored {
                self.answer();
            }
        }
    }

    /// As soon as all that is followed is live, the bus is told what it missed, then what came meanwhile.
    fn resume(&mut self, session: &Session, held: &mut Held, restored: &mut bool) {
        if *restored || !session.is_restored() {
            return;
        }
        *restored = true;
        self.retry.connected();
        if self.health.subscriber.take().is_some() {
            // The other connection is opened at this moment, if it was lost too. It will say so if it is not.
            self.health.publisher = None;
            self.health.tell(&*self.inlet);
        }
        if std::mem::take(&mut self.lost) {
            self.inlet.gap(None, Gap::new(GapReason::Disconnected, None));
        }
        self.answer();
        for parts in held.messages.drain(..) {
            self.deliver(&parts);
        }
    }

    fn answer(&mut self) {
        self.complete.drain(..).for_each(|request| self.inlet.subscribed(request));
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
                    let limit = self.dialer.limits.inbound_bytes;
                    self.inlet.undecodable(incoming::too_large(&self.names, channel, size, limit));
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
        while held.bytes > self.dialer.limits.inbound_bytes {
            let Some(oldest) = held.messages.pop_front() else { break };
            held.bytes -= oldest.size();
        }
    }

    fn deliver(&self, parts: &Parts) {
        let (slices, count) = parts.as_slices();
        let [channel, message] = [slices[count - 2], slices[count - 1]];
        match incoming::frame(&*self.codec, &self.names, parts, channel, message) {
            Ok(frame) => self.inlet.deliver(frame),
            Err(undecodable) => self.inlet.undecodable(undecodable),
        }
    }

    fn hear(&mut self, news: News, session: Option<&mut Session>) {
        match news {
            News::Subscribe(request, addresses) => {
                self.interest.follow(request, &addresses);
                if let Some(session) = session {
                    session.follow(request, addresses);
                }
            }
            News::Unsubscribe(addresses) => {
                self.complete.extend(addresses.iter().filter_map(|address| self.interest.leave(address)));
                if let Some(session) = session {
                    session.leave(addresses);
                }
            }
            // Nothing is kept.
            News::Replay(..) => {}
            News::Close(asked) => self.closing.begin(asked, self.dialer.limits.close_timeout),
            News::NotSent { header, error } => self.inlet.not_sent(*header, error),
            News::PublisherLost { attempt, error } => {
                self.health.publisher_lost(attempt, error, &*self.inlet);
            }
            News::PublisherConnected => self.health.publisher_connected(&*self.inlet),
            News::PublisherClosed(given_up) => self.closing.given_up = Some(given_up),
        }
    }

    /// A new connection; `None` when it is closed instead.
    async fn reconnect(&mut self, mut error: ConnectError) -> Option<Wire> {
        let mut attempt = 0;
        loop {
            self.health.subscriber = Some((attempt, error));
            self.health.tell(&*self.inlet);
            let at = self.retry.next();
            let dialer = Arc::clone(&self.dialer);
            self.meanwhile(dialer.wait_until(at)).await?;
            attempt = self.retry.begin();
            match self.meanwhile(dialer.open()).await? {
                Ok(wire) => return Some(wire),
                Err(new) => error = new,
            }
        }
    }

    /// What a future gives, while the others are heard; `None` when it is closed instead.
    async fn meanwhile<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            while let Poll::Ready(Some(news)) = self.news.poll_recv(cx) {
                self.hear(news, None);
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

impl Health {
    pub(super) fn publisher_lost(&mut self, attempt: u32, error: ConnectError, inlet: &dyn Inlet) {
        self.publisher = Some((attempt, error));
        self.tell(inlet);
    }

    pub(super) fn publisher_connected(&mut self, inlet: &dyn Inlet) {
        if self.publisher.take().is_some() {
            self.tell(inlet);
        }
    }

    /// The connection that brings events comes first: without it the other is of less use.
    pub(super) fn tell(&self, inlet: &dyn Inlet) {
        inlet.state(match (&self.subscriber, &self.publisher) {
            (Some((attempt, error)), _) => {
                ConnectionState::Reconnecting { attempt: *attempt, error: error.clone() }
            }
            (None, Some((attempt, error))) => {
                ConnectionState::ReceiveOnly { attempt: *attempt, error: error.clone() }
            }
            (None, None) => ConnectionState::Connected,
        });
    }
}
