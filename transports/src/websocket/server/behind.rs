//! What a hub is behind: a link to where events are given their place, and who waits for what comes from there.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use compact_str::CompactString;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::notices::Notice;
use super::shared::{Core, Shared};
use crate::websocket::hub::not_placed;
use crate::websocket::{ConnectionId, Fetch, HistoryConfig};
use crate::{
    Address, ConnectionState, ErrorCode, Frame, Gap, Header, Inlet, Link, Memory, Past, Patience, Placed,
    Position, Rejection, SendError, Start, Undecodable,
};

/// The other side.
pub(super) struct Upstream {
    link: Mutex<Option<Arc<dyn Link>>>,
    shared: Weak<Shared>,
    memory: Memory,
}

impl Upstream {
    pub(super) fn new(
        shared: &Arc<Shared>,
        attach: impl FnOnce(Arc<dyn Inlet>) -> Arc<dyn Link>,
        history: HistoryConfig,
    ) -> Self {
        let inlet = HubInlet { shared: Arc::downgrade(shared), bytes: history.bytes };
        let link = attach(Arc::new(inlet));
        let memory = Memory { ids: history.ids, ids_for: history.ids_for };
        Self { link: Mutex::new(Some(link)), shared: Arc::downgrade(shared), memory }
    }

    fn link(&self) -> Option<Arc<dyn Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// There is none any more.
    pub(super) fn take_link(&self) -> Option<Arc<dyn Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn publish(&self, frame: Frame, patience: Patience, placed: Placed) -> Result<(), SendError> {
        #[cfg(feature = "tracing")]
        let placed = told(&frame.header, placed);
        self.link().ok_or(SendError::Closed)?.place(frame, self.memory, patience, placed)
    }

    /// An event of a client. It does not wait in line for room: its client would not know.
    pub(super) fn place(&self, id: ConnectionId, frame: Frame) {
        let event_id = frame.header.event_id();
        let answer = move |shared: &Weak<Shared>, result: Result<Position, SendError>| {
            let result = result.map(|position| position.offset()).map_err(|error| not_placed(&error));
            if let Some(shared) = shared.upgrade() {
                shared.act(|core, _| core.protocol.placed(id, event_id, result));
            }
        };
        let shared = self.shared.clone();
        let placed = Box::new(move |result| answer(&shared, result));
        if let Err(error) = self.publish(frame, Patience::Now, placed) {
            answer(&self.shared, Err(error));
        }
    }

    pub(super) fn follow(&self, request: u64, topic: &str) {
        if let (Some(link), Ok(address)) = (self.link(), Address::whole(topic)) {
            link.subscribe(request, vec![address]);
        }
    }

    pub(super) fn unfollow(&self, topic: &str) {
        if let (Some(link), Ok(address)) = (self.link(), Address::whole(topic)) {
            link.unsubscribe(vec![address]);
        }
    }

    pub(super) fn recall(&self, replay: u64, topic: &str, after: Position) {
        if let (Some(link), Ok(address)) = (self.link(), Address::whole(topic)) {
            link.replay(replay, vec![(address, Start::After(after))]);
        }
    }
}

/// The same, and the span of an event that was accepted.
#[cfg(feature = "tracing")]
fn told(header: &Header, placed: Placed) -> Placed {
    let Some(relayed) = crate::trace::Relayed::accepted(header) else { return placed };
    Box::new(move |result| {
        if result.is_ok() {
            relayed.tell();
        }
        placed(result);
    })
}

/// Who waits for what was asked for there.
#[derive(Default)]
pub(super) struct Awaited {
    last: u64,
    waiters: HashMap<CompactString, Vec<Waiter>>,
    recalls: HashMap<u64, Recall>,
    members: Vec<Joining>,
}

struct Waiter {
    answer: oneshot::Sender<Option<Rejection>>,
    wanted: Fetch,
}

/// What is there of a type before its history.
struct Recall {
    topic: CompactString,
    /// The last that is wanted.
    last: u64,
    frames: VecDeque<Frame>,
    bytes: usize,
}

/// A subscription of the hub's own process, some types of which are not followed yet.
struct Joining {
    topics: HashSet<CompactString>,
    key: u64,
    inlet: Arc<dyn Inlet>,
    request: u64,
}

impl Awaited {
    pub(super) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl Core {
    pub(super) fn recall(&mut self, topic: CompactString, after: Position) -> Notice {
        let replay = self.awaited.next();
        let last = self.protocol.kept_after(&topic);
        let recall = Recall { topic: topic.clone(), last, frames: VecDeque::new(), bytes: 0 };
        self.awaited.recalls.insert(replay, recall);
        Notice::Recall(replay, topic, after)
    }

    /// A subscription of the hub's own process is answered when all of this is followed.
    pub(super) fn join_when_followed(
        &mut self,
        key: u64,
        inlet: Arc<dyn Inlet>,
        request: u64,
        addresses: &[Address],
    ) {
        let topics = addresses.iter().map(Address::topic).filter(|topic| !self.protocol.is_here(topic));
        let topics: HashSet<CompactString> = topics.map(CompactString::from).collect();
        match topics.is_empty() {
            true => self.notify(Notice::Subscribed(inlet, request)),
            false => self.awaited.members.push(Joining { topics, key, inlet, request }),
        }
    }

    /// It took too long. Whether the type is there all the same.
    fn gave_up(&mut self, topic: &str) -> bool {
        let is_here = self.protocol.is_here(topic);
        if is_here {
            self.protocol.not_recalled(topic);
        }
        is_here
    }

    /// Answers those who wait for this type to be there, with all that they want of it.
    fn answer_waiters(&mut self, topic: &str, refusal: Option<&Rejection>) {
        let Some(waiters) = self.awaited.waiters.remove(topic) else { return };
        let is_done = |waiter: &Waiter| refusal.is_some() || self.protocol.is_fetched(&waiter.wanted);
        let (done, waiting): (Vec<_>, Vec<_>) = waiters.into_iter().partition(is_done);
        for waiter in done {
            self.notify(Notice::Awaited(waiter.answer, refusal.cloned()));
        }
        if !waiting.is_empty() {
            self.awaited.waiters.insert(topic.into(), waiting);
        }
    }

    /// Tells those who wait for this type how it stands.
    pub(super) fn answer_awaited(&mut self, topic: &str) {
        if !self.protocol.is_here(topic) {
            return;
        }
        self.answer_waiters(topic, None);
        self.answer_joining(|joining| _ = joining.topics.remove(topic));
    }

    /// The same where it is refused: nobody follows it any more, neither who waits for it nor who did so far.
    fn refuse_awaited(&mut self, topic: &str, rejection: &Rejection) {
        self.answer_waiters(topic, Some(rejection));
        for (key, inlet, followed) in self.members.who_follow(topic) {
            self.leave_topic(key, topic);
            for (address, request) in followed {
                self.notify(Notice::Refused(Arc::clone(&inlet), request, address, rejection.clone()));
            }
        }
        self.answer_joining(|joining| _ = joining.topics.remove(topic));
    }

    /// Nobody follows it any more, and nobody waits for it.
    pub(super) fn left(&mut self, topic: &str) {
        self.awaited.recalls.retain(|_, recall| recall.topic != topic);
        self.answer_joining(|joining| _ = joining.topics.remove(topic));
    }

    /// Those who are gone wait for nothing.
    pub(super) fn forget_joining(&mut self, key: u64) {
        self.awaited.members.retain(|joining| joining.key != key);
    }

    fn answer_joining(&mut self, change: impl Fn(&mut Joining)) {
        self.awaited.members.iter_mut().for_each(change);
        let (done, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.awaited.members).into_iter().partition(|it| it.topics.is_empty());
        self.awaited.members = waiting;
        for joining in done {
            self.notify(Notice::Subscribed(joining.inlet, joining.request));
        }
    }
}

/// Ready when all of this is there, or is not: the types that are not, with the reason.
pub(super) async fn fetch(
    shared: Arc<Shared>,
    wanted: Vec<Fetch>,
    limit: Duration,
) -> Vec<(CompactString, Rejection)> {
    let deadline = Instant::now() + limit;
    let waiting: Vec<_> = {
        let mut core = shared.lock();
        let wanted = wanted.into_iter().filter(|one| !core.protocol.is_fetched(one)).collect::<Vec<_>>();
        let wait = |wanted: Fetch| {
            let (answer, waiting) = oneshot::channel();
            let waiters = core.awaited.waiters.entry(wanted.topic.clone()).or_default();
            waiters.retain(|waiter| !waiter.answer.is_closed());
            waiters.push(Waiter { answer, wanted: wanted.clone() });
            (wanted, waiting)
        };
        wanted.into_iter().map(wait).collect()
    };
    let mut refused = Vec::new();
    for (Fetch { topic, reach, .. }, waiting) in waiting {
        match timeout_at(deadline, waiting).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(rejection))) => refused.push((topic, rejection)),
            // What it knows is nothing that there is, or what it missed cannot be had: it is told so.
            Ok(Err(_)) | Err(_) if shared.lock().gave_up(&topic) || reach.is_some() => {}
            Ok(Err(_)) | Err(_) => {
                let message = "what the hub is behind did not answer in time";
                refused.push((topic, Rejection::new(ErrorCode::Internal, message)));
            }
        }
    }
    refused
}

/// What is told from there.
struct HubInlet {
    shared: Weak<Shared>,
    /// How many bytes of the past are kept.
    bytes: usize,
}

impl HubInlet {
    fn act(&self, act: impl FnOnce(&mut Core, Duration)) {
        if let Some(shared) = self.shared.upgrade() {
            shared.act(act);
        }
    }

    fn end_recall(core: &mut Core, replay: u64) {
        if let Some(Recall { topic, frames, .. }) = core.awaited.recalls.remove(&replay) {
            core.protocol.recalled(&topic, frames.into());
            core.answer_awaited(&topic);
        }
    }
}

impl Inlet for HubInlet {
    fn poll_ready(&self, _: &Waker) -> Poll<()> {
        Poll::Ready(())
    }

    fn deliver(&self, frame: Frame) {
        self.act(|core, now| {
            let awaited = core.awaited.waiters.contains_key(frame.header.topic());
            let topic = awaited.then(|| CompactString::from(frame.header.topic()));
            core.protocol.arrived(now, frame);
            topic.into_iter().for_each(|topic| core.answer_awaited(&topic));
        });
    }

    fn subscribed(&self, _: u64) {}

    fn position(&self, topic: &str, position: Position) {
        self.act(|core, _| {
            core.protocol.followed(topic, &position);
            core.answer_awaited(topic);
        });
    }

    fn poll_replay(&self, replay: u64, _: &Waker) -> Poll<bool> {
        let shared = self.shared.upgrade();
        Poll::Ready(shared.is_some_and(|shared| shared.lock().awaited.recalls.contains_key(&replay)))
    }

    fn replay(&self, replay: u64, past: Past) {
        self.act(|core, _| {
            let Some(recall) = core.awaited.recalls.get_mut(&replay) else { return };
            let Past::Event(frame) = past else { return };
            let offset = frame.header.position().map_or(u64::MAX, Position::offset);
            if offset <= recall.last {
                recall.bytes += size(&frame);
                recall.frames.push_back(frame);
            }
            while recall.bytes > self.bytes
                && let Some(oldest) = recall.frames.pop_front()
            {
                recall.bytes -= size(&oldest);
            }
            if offset >= recall.last {
                Self::end_recall(core, replay);
            }
        });
    }

    fn replayed(&self, replay: u64) {
        self.act(|core, _| Self::end_recall(core, replay));
    }

    fn refused(&self, _: u64, address: Address, rejection: Rejection) {
        let error = SendError::Rejected(rejection);
        let rejection = not_placed(&error);
        self.act(|core, _| {
            core.protocol.unfollowed(address.topic(), &rejection);
            core.refuse_awaited(address.topic(), &rejection);
        });
    }

    fn gap(&self, address: Option<Address>, gap: Gap) {
        if let Some(address) = address {
            self.act(|core, _| core.protocol.interrupted(address.topic(), gap.reason));
        }
    }

    /// Its position is told beside it.
    fn undecodable(&self, _: Undecodable) {
        self.act(|core, _| core.protocol.undecodable());
    }

    fn not_sent(&self, _: Header, _: SendError) {}

    fn state(&self, state: ConnectionState) {
        if let Some(shared) = self.shared.upgrade() {
            shared.behind.send_replace(Some(state));
        }
    }
}

fn size(frame: &Frame) -> usize {
    let body = match &frame.body {
        crate::Body::Bytes(body) => body.len(),
        crate::Body::Shared(_) => 0,
    };
    body + frame.header.topic().len() + frame.header.id().len()
}
