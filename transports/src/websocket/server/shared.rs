//! The protocol and those who serve it: one lock, and nothing is woken or called under it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::behind::{Awaited, Upstream};
use super::events::EventSource;
use super::guard::{Answer, Guard};
use super::member::Members;
use super::notices::{Batch, Notice, Notices};
use super::origins::Origins;
use crate::websocket::hub::not_placed;
use crate::websocket::socket::{HandshakeLimits, Limits};
use crate::websocket::{CloseCode, Codecs, ConnectionId, HubOutput, HubProtocol, Question};
use crate::{ConnectionState, SendError};

/// What a hub waits for, beyond what its protocol does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) close: Duration,
    pub(super) shutdown_window: Duration,
}

/// Who is let in.
#[derive(Clone, Default)]
pub(super) struct Door {
    pub(super) guard: Guard,
    pub(super) origins: Origins,
    /// In which cookie a token may be.
    #[cfg_attr(not(feature = "axum"), allow(dead_code))]
    pub(super) cookie: Option<String>,
    #[cfg(feature = "websocket-tls")]
    pub(super) tls: Option<tokio_rustls::TlsAcceptor>,
}

pub(super) struct Shared {
    core: Mutex<Core>,
    begin: Instant,
    pub(super) codecs: Codecs,
    pub(super) limits: Limits,
    pub(super) handshake: HandshakeLimits,
    pub(super) times: Times,
    pub(super) door: Door,
    pub(super) events: EventSource,
    /// There is a timer before the one that is waited for.
    pub(super) timer: Notify,
    /// What the hub is behind, if it is one of several.
    pub(super) upstream: OnceLock<Upstream>,
    /// How it stands with that.
    pub(super) behind: watch::Sender<Option<ConnectionState>>,
    /// Nobody is let in any more.
    pub(super) deaf: watch::Sender<bool>,
    tasks: AtomicUsize,
    /// A task has ended.
    fewer: Notify,
}

/// What the lock is around.
pub(super) struct Core {
    pub(super) protocol: HubProtocol,
    pub(super) members: Members,
    /// By the place of the connection.
    seats: Vec<Seat>,
    by_key: BTreeMap<u64, ConnectionId>,
    last_key: u64,
    notices: Notices,
    pub(super) awaited: Awaited,
    /// What the timer task waits for.
    pub(super) armed: Option<Duration>,
    pub(super) stopped: bool,
}

/// The task of a connection, as others see it.
#[derive(Default)]
struct Seat {
    key: u64,
    waker: Option<Waker>,
    /// It waits for its socket, and has no use for more to write.
    blocked: bool,
    closing: Option<CloseCode>,
    /// What the protocol waits for an answer to.
    question: Option<Question>,
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    Stays,
    /// The hub ends it, with this code.
    Closing(CloseCode),
    /// The hub is no more.
    Stopped,
}

thread_local! {
    static WAKERS: Cell<Vec<Waker>> = const { Cell::new(Vec::new()) };
}

impl Shared {
    pub(super) fn new(
        protocol: HubProtocol,
        codecs: Codecs,
        limits: Limits,
        handshake: HandshakeLimits,
        times: Times,
        door: Door,
    ) -> Arc<Self> {
        let core = Core {
            protocol,
            members: Members::default(),
            seats: Vec::new(),
            by_key: BTreeMap::new(),
            last_key: 0,
            notices: Notices::default(),
            awaited: Awaited::default(),
            armed: None,
            stopped: false,
        };
        Arc::new(Self {
            core: Mutex::new(core),
            begin: Instant::now(),
            codecs,
            limits,
            handshake,
            times,
            door,
            events: EventSource::default(),
            timer: Notify::new(),
            upstream: OnceLock::new(),
            behind: watch::Sender::new(None),
            deaf: watch::Sender::new(false),
            tasks: AtomicUsize::new(0),
            fewer: Notify::new(),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    pub(super) fn instant(&self, at: Duration) -> Instant {
        self.begin + at
    }

    /// Does something with the protocol, then all that follows from it.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut Core, Duration) -> T) -> T {
        let mut wakers = WAKERS.take();
        let mut core = self.lock();
        // Taken under the lock: time never goes back for the protocol.
        let now = self.now();
        let result = act(&mut core, now);
        core.settle(&mut wakers);
        let earlier = core.is_timer_earlier();
        let hand_on = core.notices.take_turn();
        drop(core);
        wakers.drain(..).for_each(Waker::wake);
        WAKERS.set(wakers);
        if earlier {
            self.timer.notify_one();
        }
        if hand_on {
            self.hand_on();
        }
        result
    }

    /// One at a time, so that what is said has an order.
    fn hand_on(&self) {
        let mut batch = Batch::default();
        loop {
            self.lock().notices.take(&mut batch);
            if batch.is_empty() {
                return;
            }
            batch.say(&self.events, self.upstream.get());
        }
    }

    /// A task is there until what this gives is dropped.
    pub(super) fn task(self: &Arc<Self>) -> Task {
        self.tasks.fetch_add(1, Ordering::Relaxed);
        Task(Arc::clone(self))
    }

    /// Ready when there are no more tasks than so many.
    pub(super) async fn tasks_left(&self, tasks: usize) {
        loop {
            let mut fewer = std::pin::pin!(self.fewer.notified());
            fewer.as_mut().enable();
            if self.tasks.load(Ordering::Acquire) <= tasks {
                return;
            }
            fewer.await;
        }
    }

    /// Ends every task, at once.
    pub(super) fn stop(&self) {
        self.deaf.send_replace(true);
        self.act(|core, _| {
            core.stopped = true;
            core.close_members();
        });
        let wakers: Vec<Waker> = self.lock().seats.iter_mut().filter_map(|seat| seat.waker.take()).collect();
        wakers.into_iter().for_each(Waker::wake);
        self.timer.notify_one();
        self.events.end();
        drop(self.upstream.get().and_then(Upstream::take_link));
    }
}

/// That a task is there.
pub(super) struct Task(Arc<Shared>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.tasks.fetch_sub(1, Ordering::AcqRel);
        self.0.fewer.notify_waiters();
    }
}

impl Core {
    fn settle(&mut self, wakers: &mut Vec<Waker>) {
        while let Some(output) = self.protocol.poll_output() {
            match output {
                HubOutput::Wake(id) => {
                    if let Some(seat) = self.seats.get_mut(id.index()).filter(|seat| !seat.blocked) {
                        wakers.extend(seat.waker.take());
                    }
                }
                HubOutput::Closing(id, code) => {
                    if let Some(seat) = self.seats.get_mut(id.index()) {
                        seat.closing = Some(code);
                        wakers.extend(seat.waker.take());
                    }
                }
                HubOutput::Ask(id, question) => {
                    if let Some(seat) = self.seats.get_mut(id.index()) {
                        seat.question = Some(question);
                    }
                }
                HubOutput::Place(id, frame) => {
                    if let Some(frame) = self.notices.place(id, frame) {
                        let error = not_placed(&SendError::Full);
                        self.protocol.placed(id, frame.header.event_id(), Err(error));
                    }
                }
                HubOutput::Follow(topic) => {
                    let request = self.awaited.next();
                    self.notices.push(Notice::Follow(request, topic));
                }
                HubOutput::Unfollow(topic) => {
                    self.left(&topic);
                    self.notices.push(Notice::Unfollow(topic));
                }
                HubOutput::Recall(topic, after) => {
                    let notice = self.recall(topic, after);
                    self.notices.push(notice);
                }
                HubOutput::Lost(topic, gap) => self.members.lost(&topic, gap, &mut self.notices),
                HubOutput::Deliver(frame) => self.members.deliver(&frame, &mut self.notices),
                #[cfg(feature = "tracing")]
                HubOutput::Relayed(relayed) => self.notices.push(Notice::Relayed(relayed)),
            }
        }
    }

    fn is_timer_earlier(&self) -> bool {
        match (self.protocol.next_timer(), self.armed) {
            (Some(next), Some(armed)) => next < armed,
            (next, armed) => next.is_some() && armed.is_none(),
        }
    }

    pub(super) fn notify(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    fn close_members(&mut self) {
        for inlet in self.members.close() {
            self.notify(Notice::Closed(inlet));
        }
    }

    /// Gives a connection its seat, and a number that no other one has.
    pub(super) fn seat(&mut self, id: ConnectionId) -> u64 {
        self.last_key += 1;
        let key = self.last_key;
        if self.seats.len() <= id.index() {
            self.seats.resize_with(id.index() + 1, Seat::default);
        }
        self.seats[id.index()] = Seat { key, ..Seat::default() };
        self.by_key.insert(key, id);
        key
    }

    /// The connection is over.
    pub(super) fn leave(&mut self, key: u64) {
        let Some(id) = self.by_key.remove(&key) else { return };
        self.protocol.closed(id);
        if let Some(seat) = self.seats.get_mut(id.index()).filter(|seat| seat.key == key) {
            *seat = Seat::default();
        }
    }

    pub(super) fn id(&self, key: u64) -> Option<ConnectionId> {
        self.by_key.get(&key).copied()
    }

    pub(super) fn keys(&self) -> Vec<u64> {
        self.by_key.keys().copied().collect()
    }

    /// What becomes of a connection.
    pub(super) fn fate(&self, key: u64, id: ConnectionId) -> Fate {
        if self.stopped {
            return Fate::Stopped;
        }
        let seat = self.seats.get(id.index()).filter(|seat| seat.key == key);
        seat.and_then(|seat| seat.closing).map_or(Fate::Stays, Fate::Closing)
    }

    /// What is to be answered about a connection, if that was not taken yet.
    pub(super) fn take_question(&mut self, key: u64, id: ConnectionId) -> Option<Question> {
        self.seats.get_mut(id.index()).filter(|seat| seat.key == key)?.question.take()
    }

    /// Hands an answer to the protocol. Whether there is a question still, or again.
    pub(super) fn answer(&mut self, now: Duration, id: ConnectionId, answer: Answer) -> bool {
        match answer {
            Answer::Identity(result) => self.protocol.authenticated(now, id, result),
            Answer::Permissions(results) => self.protocol.authorized(now, id, results),
            Answer::Fetched(refused) => self.protocol.fetched(now, id, refused),
        }
        self.protocol.is_asking(id)
    }

    /// The task of a connection is at work, and looks for itself what there is to do before it [waits](Self::wait).
    pub(super) fn work(&mut self, key: u64, id: ConnectionId) {
        if let Some(seat) = self.seats.get_mut(id.index()).filter(|seat| seat.key == key) {
            seat.waker = None;
        }
    }

    /// The task of a connection waits: for more to write, or for its socket.
    pub(super) fn wait(&mut self, key: u64, id: ConnectionId, waker: &Waker, blocked: bool) {
        let Some(seat) = self.seats.get_mut(id.index()).filter(|seat| seat.key == key) else { return };
        seat.blocked = blocked;
        match &mut seat.waker {
            Some(own) if own.will_wake(waker) => {}
            own => *own = Some(waker.clone()),
        }
    }
}
