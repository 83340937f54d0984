//! What a hub has to say to its own process: noted under its lock, and said without it, one thing after the other.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use compact_str::CompactString;
use tokio::sync::oneshot;

use super::behind::Upstream;
use super::events::{EventSource, HubEvent};
use crate::websocket::ConnectionId;
use crate::{Address, ConnectionState, Frame, Gap, GapReason, Inlet, Position, Rejection};

/// How many may wait while others are said; of what a peer can cause, the rest is lost and told as such.
const BOUND: usize = 16 * 1024;

pub(super) enum Notice {
    Deliver(Arc<dyn Inlet>, Frame),
    Subscribed(Arc<dyn Inlet>, u64),
    Refused(Arc<dyn Inlet>, u64, Address, Rejection),
    Closed(Arc<dyn Inlet>),
    Gaps(Arc<dyn Inlet>, Vec<(Address, Gap)>),
    /// To what the hub is behind.
    Place(ConnectionId, Frame),
    Follow(u64, CompactString),
    Unfollow(CompactString),
    Recall(u64, CompactString, Position),
    /// It is another task that is woken.
    Awaited(oneshot::Sender<Option<Rejection>>, Option<Rejection>),
    /// It is the bus's, whose code runs when it is dropped.
    Leave(Arc<dyn Inlet>),
    Connection(HubEvent),
    /// A subscriber of `tracing` is code of others: it is told without the lock.
    #[cfg(feature = "tracing")]
    Relayed(crate::trace::Relayed),
}

/// What waits to be said.
#[derive(Default)]
pub(super) struct Notices {
    waiting: VecDeque<Notice>,
    lost: BTreeMap<(u64, Address), (Arc<dyn Inlet>, u64)>,
    lost_connections: u64,
    /// Somebody says them.
    is_saying: bool,
}

impl Notices {
    pub(super) fn push(&mut self, notice: Notice) {
        match notice {
            Notice::Connection(_) if self.is_full() => self.lost_connections += 1,
            #[cfg(feature = "tracing")]
            Notice::Relayed(_) if self.is_full() => {}
            notice => self.waiting.push_back(notice),
        }
    }

    /// An event for what the hub is behind; given back if too much waits.
    pub(super) fn place(&mut self, id: ConnectionId, frame: Frame) -> Option<Frame> {
        if self.is_full() {
            return Some(frame);
        }
        self.waiting.push_back(Notice::Place(id, frame));
        None
    }

    /// An event for the member with this key, who follows these addresses of it.
    pub(super) fn deliver(
        &mut self,
        key: u64,
        inlet: &Arc<dyn Inlet>,
        frame: &Frame,
        by: impl Iterator<Item = Address>,
    ) {
        if !self.is_full() {
            return self.waiting.push_back(Notice::Deliver(Arc::clone(inlet), frame.clone()));
        }
        // Nothing fits before all that waits is taken at once: so what is lost is always the last.
        for address in by {
            self.lost.entry((key, address)).or_insert_with(|| (Arc::clone(inlet), 0)).1 += 1;
        }
    }

    fn is_full(&self) -> bool {
        self.waiting.len() >= BOUND
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.lost.is_empty() && self.lost_connections == 0
    }

    /// Whether whoever asks has to say what waits: nobody else does.
    pub(super) fn take_turn(&mut self) -> bool {
        !self.is_empty() && !std::mem::replace(&mut self.is_saying, true)
    }

    /// All that waits, for the one whose turn it is; with nothing, its turn is over.
    pub(super) fn take(&mut self, into: &mut Batch) {
        std::mem::swap(&mut self.waiting, &mut into.notices);
        into.lost = std::mem::take(&mut self.lost);
        into.lost_connections = std::mem::take(&mut self.lost_connections);
        self.is_saying = !into.is_empty();
    }
}

/// What is said at once.
#[derive(Default)]
pub(super) struct Batch {
    notices: VecDeque<Notice>,
    lost: BTreeMap<(u64, Address), (Arc<dyn Inlet>, u64)>,
    lost_connections: u64,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.notices.is_empty() && self.lost.is_empty() && self.lost_connections == 0
    }

    pub(super) fn say(&mut self, events: &EventSource, upstream: Option<&Upstream>) {
        for notice in self.notices.drain(..) {
            guarded(|| notice.say(events, upstream));
        }
        for ((_, address), (inlet, lost)) in std::mem::take(&mut self.lost) {
            guarded(|| inlet.gap(Some(address), Gap::new(GapReason::Overflow, Some(lost))));
        }
        match std::mem::take(&mut self.lost_connections) {
            0 => {}
            lost => events.miss(lost),
        }
    }
}

/// What wakes a task runs code of others: a panic in it, which the hook has told by then, must neither end the connection
/// that it came by nor silence the hub.
fn guarded(say: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(say));
}

impl Notice {
    fn say(self, events: &EventSource, upstream: Option<&Upstream>) {
        match self {
            Self::Deliver(inlet, frame) => inlet.deliver(frame),
            Self::Subscribed(inlet, request) => inlet.subscribed(request),
            Self::Refused(inlet, request, address, rejection) => inlet.refused(request, address, rejection),
            Self::Closed(inlet) => inlet.state(ConnectionState::Closed { error: None }),
            Self::Gaps(inlet, lost) => inlet.gaps(lost),
            Self::Awaited(waiter, refusal) => _ = waiter.send(refusal),
            Self::Place(id, frame) => upstream.into_iter().for_each(|it| it.place(id, frame.clone())),
            Self::Follow(request, topic) => upstream.into_iter().for_each(|it| it.follow(request, &topic)),
            Self::Unfollow(topic) => upstream.into_iter().for_each(|it| it.unfollow(&topic)),
            Self::Recall(replay, topic, after) => {
                upstream.into_iter().for_each(|it| it.recall(replay, &topic, after.clone()));
            }
            Self::Leave(inlet) => drop(inlet),
            Self::Connection(event) => events.tell(&event),
            #[cfg(feature = "tracing")]
            Self::Relayed(relayed) => relayed.tell(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::task::{Poll, Waker};

    use super::*;
    use crate::{Body, Header, SendError, Undecodable};

    /// Keeps what it is told, and panics on an event with the id `panic`.
    #[derive(Default)]
    struct Recorder(Mutex<Vec<String>>);

    impl Recorder {
        fn note(&self, what: String) {
            self.0.lock().unwrap().push(what);
        }
    }

    impl Inlet for Recorder {
        fn poll_ready(&self, _: &Waker) -> Poll<()> {
            Poll::Ready(())
        }

        fn deliver(&self, frame: Frame) {
            assert_ne!(frame.header.id(), "panic");
            self.note(frame.header.id().to_owned());
        }

        fn subscribed(&self, request: u64) {
            self.note(format!("subscribed {request}"));
        }

        fn refused(&self, request: u64, _: Address, _: Rejection) {
            self.note(format!("refused {request}"));
        }

        fn gap(&self, address: Option<Address>, gap: Gap) {
            self.note(format!("{}: {gap}", address.expect("an address")));
        }

        fn undecodable(&self, _: Undecodable) {}

        fn not_sent(&self, _: Header, _: SendError) {}

        fn state(&self, _: ConnectionState) {}
    }

    fn frame(id: &str) -> Frame {
        Frame { header: Header::new("a", id), body: Body::Bytes(bytes::Bytes::new()) }
    }

    fn whole() -> impl Iterator<Item = Address> {
        Address::whole("a").into_iter()
    }

    fn say(notices: &mut Notices) {
        let mut batch = Batch::default();
        assert!(notices.take_turn());
        notices.take(&mut batch);
        batch.say(&EventSource::default(), None);
        notices.take(&mut batch);
        assert!(batch.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_told_as_a_gap() {
        let recorder = Arc::new(Recorder::default());
        let inlet: Arc<dyn Inlet> = Arc::clone(&recorder) as _;
        let mut notices = Notices::default();
        for number in 0..BOUND + 3 {
            notices.deliver(1, &inlet, &frame(&number.to_string()), whole());
        }
        notices.push(Notice::Subscribed(Arc::clone(&inlet), 7));
        say(&mut notices);
        notices.deliver(1, &inlet, &frame("next"), whole());
        say(&mut notices);
        let told = recorder.0.lock().unwrap();
        assert_eq!(told.len(), BOUND + 3);
        let last = [format!("{}", BOUND - 1), "subscribed 7".to_owned()];
        assert_eq!(told[BOUND - 1..=BOUND], last);
        assert_eq!(told[BOUND + 1..], ["a: 3 events were lost: a queue on the way was full", "next"]);
    }

    #[test]
    fn a_panic_loses_nothing_else() {
        let recorder = Arc::new(Recorder::default());
        let inlet: Arc<dyn Inlet> = Arc::clone(&recorder) as _;
        let mut notices = Notices::default();
        for id in ["1", "panic", "2"] {
            notices.deliver(1, &inlet, &frame(id), whole());
        }
        say(&mut notices);
        assert_eq!(*recorder.0.lock().unwrap(), ["1", "2"]);
    }

    #[test]
    fn one_at_a_time() {
        let inlet: Arc<dyn Inlet> = Arc::new(Recorder::default());
        let (mut notices, mut batch) = (Notices::default(), Batch::default());
        assert!(!notices.take_turn());
        notices.push(Notice::Subscribed(Arc::clone(&inlet), 1));
        assert!(notices.take_turn());
        notices.push(Notice::Subscribed(inlet, 2));
        assert!(!notices.take_turn());
        notices.take(&mut batch);
        batch.say(&EventSource::default(), None);
        notices.take(&mut batch);
        assert!(batch.is_empty() && !notices.take_turn());
    }
}
