//! The task of the connection that publishes.
//!
//! It writes whatever is queued, all of it at once, and answers in the order of the replies. Of a connection that is lost,
//! what was written whole and not answered is ambiguous, unless it does nothing when it is done again; the rest cannot have
//! been carried out, and waits for the next connection.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until};

use super::durable::Kept;
use super::outbox::{Asker, Outbox, Phase, Queued};
use super::refusal;
use super::resp::{self, EntryId, Reply};
use super::retry::Retry;
use super::task::News;
use super::wire::{Alarm, Dialer, Wire, protocol};
use crate::{ConnectError, Position, Rejection, SendError};

pub(super) struct Publisher {
    pub(super) outbox: Arc<Outbox>,
    pub(super) dialer: Arc<Dialer>,
    /// The task that speaks to the bus.
    pub(super) teller: UnboundedSender<News>,
    /// When closing is over, if it has begun.
    closing: Option<Instant>,
    retry: Retry,
    /// Where events are kept: the streams.
    kept: Option<Kept>,
    /// Who sees to it that others publish what is another node's; otherwise this looks for the other node.
    elsewhere: Option<Arc<Notify>>,
}

/// Why a connection is served no more for now.
enum Pause {
    Closed,
    /// There are streams to make ready, or to trim.
    Streams,
}

/// What became of an event: the entry that it is, where events are kept.
type Answer = Result<Option<EntryId>, SendError>;

/// What one connection was given to write.
#[derive(Default)]
struct Flights {
    all: VecDeque<Flight>,
    /// Taken from the outbox, on their way into `all`.
    taken: VecDeque<Queued>,
    /// Answered, and not told yet.
    answers: Vec<(Asker, Answer)>,
    /// A stream was not there.
    deleted: bool,
    /// Another node is to be asked, as soon as all is answered that was asked here.
    elsewhere: Option<Rejection>,
}

struct Flight {
    /// How many bytes are written when this is.
    end: u64,
    /// `None` for a PING.
    queued: Option<Queued>,
}

impl Publisher {
    pub(super) fn new(
        outbox: Arc<Outbox>,
        dialer: Arc<Dialer>,
        teller: UnboundedSender<News>,
        kept: Option<Kept>,
    ) -> Self {
        let retry = Retry::new(&dialer.limits);
        Self { outbox, dialer, teller, closing: None, retry, kept, elsewhere: None }
    }

    /// Until it is closed, at a server that has yet to be connected to.
    #[cfg(feature = "redis-cluster")]
    pub(super) async fn begin(mut self, elsewhere: Arc<Notify>) {
        self.elsewhere = Some(elsewhere);
        self.outbox.connected(false, &[], Vec::new());
        match self.reconnect(ConnectError::TimedOut { during: "opening a connection" }).await {
            Some(wire) => self.run(wire).await,
            None => self.end(0),
        }
    }

    /// Until it is closed.
    pub(super) async fn run(mut self, mut wire: Wire) {
        let mut ambiguous = 0;
        loop {
            let mut flights = Flights::default();
            let lost = self.serve(&mut wire, &mut flights).await;
            let unanswered = self.recover(&wire, flights);
            if self.closing.is_some() {
                ambiguous += unanswered;
            }
            let Err(error) = lost else {
                let least = Instant::now() + self.dialer.limits.close_timeout / 10;
                wire.shut(self.closing.map_or(least, |deadline| deadline.max(least))).await;
                break;
            };
            match self.reconnect(error).await {
                Some(new) => wire = new,
                None => break,
            }
        }
        self.end(ambiguous);
    }

    fn end(self, ambiguous: u64) {
        let unsent = self.outbox.give_up();
        let given_up = unsent.len() as u64 + ambiguous;
        unsent.into_iter().for_each(|asker| self.tell(asker, Err(SendError::Closed)));
        let _ = self.teller.send(News::PublisherClosed(given_up));
    }

    /// Until it is closed, or the connection is lost.
    async fn serve(&mut self, wire: &mut Wire, flights: &mut Flights) -> Result<(), ConnectError> {
        if let Some(kept) = &mut self.kept {
            kept.forget();
        }
        loop {
            match poll_fn(|cx| self.poll_serve(wire, flights, cx)).await? {
                Pause::Closed => return Ok(()),
                Pause::Streams => {
                    if let Some(kept) = &mut self.kept {
                        kept.tend(wire, self.outbox.topics()).await?;
                    }
                }
            }
        }
    }

    /// Ready when it is closed, the connection is lost, or streams are waited for.
    fn poll_serve(
        &mut self,
        wire: &mut Wire,
        flights: &mut Flights,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Pause, ConnectError>> {
        loop {
            let mut went_on = false;
            let (has_more, phase) = self.outbox.wait(cx.waker());
            if wire.out.is_empty() && flights.elsewhere.is_none() {
                let is_held_up = match &mut self.kept {
                    Some(kept) if kept.is_due(wire) => true,
                    kept if has_more => {
                        let ready = kept.as_ref().map_or(0, Kept::ready);
                        !flights.take(&self.outbox, wire, ready)
                    }
                    _ => false,
                };
                // Nothing else is asked on a connection on which answers are due.
                if is_held_up && flights.all.is_empty() {
                    return Poll::Ready(Ok(Pause::Streams));
                }
            }
            if let Poll::Ready(Err(error)) = wire.poll_send(cx) {
                return Poll::Ready(Err(error));
            }
            while let Poll::Ready(received) = wire.poll_receive(cx) {
                received?;
                went_on = true;
                let answered = flights.answer(wire, &self.outbox);
                // Those that were answered were, whatever came after them.
                for (asker, answer) in flights.answers.drain(..) {
                    tell(&self.teller, asker, answer);
                }
                answered?;
                if std::mem::take(&mut flights.deleted)
                    && let Some(kept) = &mut self.kept
                {
                    kept.forget();
                }
            }
            if let Some(elsewhere) = self.elsewhere.as_ref().filter(|_| flights.elsewhere.is_some()) {
                flights.elsewhere = None;
                elsewhere.notify_one();
            }
            if flights.all.is_empty()
                && let Some(rejection) = flights.elsewhere.take()
            {
                return Poll::Ready(Err(ConnectError::Refused(rejection)));
            }
            if phase != Phase::Open {
                let deadline =
                    *self.closing.get_or_insert_with(|| Instant::now() + self.dialer.limits.close_timeout);
                // The task is woken by the alarm at the latest.
                let is_over = flights.all.is_empty() && self.outbox.is_empty() || Instant::now() >= deadline;
                if is_over {
                    return Poll::Ready(Ok(Pause::Closed));
                }
                wire.wake_before(deadline);
            }
            match wire.poll_alarm(cx, !flights.all.is_empty()) {
                Poll::Ready(Alarm::Dead) => return Poll::Ready(Err(silent())),
                Poll::Ready(Alarm::Silent) => {
                    flights.ping(wire);
                    went_on = true;
                }
                Poll::Pending => {}
            }
            if !went_on {
                return Poll::Pending;
            }
        }
    }

    /// Answers what is lost, and gives back what is not. How many are ambiguous.
    fn recover(&self, wire: &Wire, flights: Flights) -> u64 {
        let (mut ambiguous, mut again, mut unwritten) = (Vec::new(), Vec::new(), Vec::new());
        let mut bytes = 0;
        for Flight { end, queued } in flights.all {
            let Some(queued) = queued else { continue };
            if let Some(command) = queued.again.as_deref().filter(|_| end <= wire.written()) {
                unwritten.extend_from_slice(command);
                again.push(queued);
            } else if end <= wire.written() {
                bytes += queued.len;
                ambiguous.push(queued.asker);
            } else {
                let end = usize::try_from(end - wire.written_before()).unwrap_or(usize::MAX);
                unwritten.extend_from_slice(&wire.out[end - queued.len..end]);
                again.push(queued);
            }
        }
        self.outbox.connected(false, &unwritten, again);
        self.outbox.answered(ambiguous.len(), bytes);
        let count = ambiguous.len() as u64;
        ambiguous.into_iter().for_each(|asker| self.tell(asker, Err(SendError::Ambiguous)));
        count
    }

    /// A new connection; `None` when it is closed instead.
    async fn reconnect(&mut self, error: ConnectError) -> Option<Wire> {
        let _ = self.teller.send(News::PublisherLost { attempt: 0, error });
        loop {
            let at = self.retry.next();
            let dialer = Arc::clone(&self.dialer);
            self.meanwhile(dialer.wait_until(at)).await?;
            let attempt = self.retry.begin();
            match self.meanwhile(dialer.open()).await? {
                Ok(wire) => {
                    self.retry.connected();
                    self.outbox.connected(true, &[], Vec::new());
                    let _ = self.teller.send(News::PublisherConnected);
                    return Some(wire);
                }
                Err(error) => _ = self.teller.send(News::PublisherLost { attempt, error }),
            }
        }
    }

    /// What a future gives, while frames that wait too long are given back; `None` when it is closed instead.
    async fn meanwhile<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut expiry = pin!(sleep_until(Instant::now()));
        poll_fn(|cx| {
            let (_, phase) = self.outbox.wait(cx.waker());
            if phase != Phase::Open {
                let timeout = self.dialer.limits.close_timeout;
                let deadline = *self.closing.get_or_insert_with(|| Instant::now() + timeout);
                if self.outbox.is_empty() || Instant::now() >= deadline {
                    return Poll::Ready(None);
                }
                if deadline < expiry.deadline() {
                    expiry.as_mut().reset(deadline);
                }
            }
            while expiry.as_mut().poll(cx).is_ready() {
                let (late, next) = self.outbox.expired(Instant::now());
                late.into_iter().for_each(|asker| self.tell(asker, Err(SendError::NotSent)));
                expiry
                    .as_mut()
                    .reset(self.closing.map_or(next, |closing| closing.min(next).max(Instant::now())));
                if self.closing.is_some_and(|closing| closing <= Instant::now()) {
                    return Poll::Ready(None);
                }
            }
            future.as_mut().poll(cx).map(Some)
        })
        .await
    }

    fn tell(&self, asker: Asker, answer: Answer) {
        tell(&self.teller, asker, answer);
    }
}

fn tell(teller: &UnboundedSender<News>, asker: Asker, answer: Answer) {
    match (asker, answer) {
        // Whoever does not listen any more does not want to know.
        (Asker::Publisher(sender), answer) => _ = sender.send(answer.map(drop)),
        (Asker::Placed(placed), answer) => placed(answer.and_then(position)),
        (Asker::Bus(_), Ok(_)) => {}
        (Asker::Bus(header), Err(error)) => _ = teller.send(News::NotSent { header, error }),
    }
}

/// An answer without a name is one of a server that does what we did not ask.
fn position(id: Option<EntryId>) -> Result<Position, SendError> {
    let id = id.ok_or(SendError::Ambiguous)?;
    Ok(Position::new(id.offset).with_epoch(&id.epoch.to_string()))
}

pub(super) fn silent() -> ConnectError {
    ConnectError::TimedOut { during: "a command" }
}

impl Flights {
    /// `false` if streams have to be made ready first.
    fn take(&mut self, outbox: &Outbox, wire: &mut Wire, ready: usize) -> bool {
        if !outbox.take(&mut wire.out, &mut self.taken, ready) {
            return false;
        }
        if self.all.is_empty() && !self.taken.is_empty() {
            wire.asked();
        }
        let mut end = wire.written_before();
        for queued in self.taken.drain(..) {
            end += queued.len as u64;
            self.all.push_back(Flight { end, queued: Some(queued) });
        }
        true
    }

    fn ping(&mut self, wire: &mut Wire) {
        resp::command(&mut wire.out, &[b"PING"]);
        let end = wire.written_before() + wire.out.len() as u64;
        self.all.push_back(Flight { end, queued: None });
        wire.asked();
    }

    /// Matches replies with what was written, and makes room for more.
    fn answer(&mut self, wire: &mut Wire, outbox: &Outbox) -> Result<(), ConnectError> {
        let mut bytes = 0;
        let result = loop {
            let reply = match wire.next() {
                Ok(Some(reply)) => reply,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            let Some(flight) = self.all.pop_front() else {
                // As a server says goodbye.
                break Err(match reply {
                    Reply::Error(error) => refusal::connect_error(&error),
                    _ => protocol("an answer to nothing"),
                });
            };
            let answer = match (reply, &flight.queued) {
                (Reply::Integer, Some(_)) => Ok(None),
                (Reply::Bulk(id), Some(_)) => Ok(id),
                // Nobody has the event: it may be sent again.
                (Reply::Nothing, Some(_)) => {
                    self.deleted = true;
                    Err(SendError::NotSent)
                }
                // It was not taken.
                (Reply::Error(error), Some(_)) if refusal::is_elsewhere(&error) => {
                    self.elsewhere.get_or_insert_with(|| refusal::rejection(&error));
                    Err(SendError::NotSent)
                }
                (Reply::Error(error), Some(_)) => Err(SendError::Rejected(refusal::rejection(&error))),
                (Reply::Status | Reply::Error(_), None) => continue,
                _ => {
                    // Whatever became of it.
                    self.all.push_front(flight);
                    break Err(protocol("an answer that a publish does not have"));
                }
            };
            if let Some(queued) = flight.queued {
                bytes += queued.len;
                self.answers.push((queued.asker, answer));
            }
        };
        outbox.answered(self.answers.len(), bytes);
        result
    }
}
