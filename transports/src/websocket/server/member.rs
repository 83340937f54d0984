//! The hub's own process as a member: buses over the hub's log.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use futures_channel::oneshot;

use super::behind::Upstream;
use super::notices::{Notice, Notices};
use super::shared::{Core, Shared};
use crate::codec::Codec;
use crate::transport::{Connection, sealed};
use crate::{
    Address, Body, Carries, Closing, Delivery, Encoded, ErrorCode, Frame, Gap, Guarantees, Header, Inlet,
    Link, Ordering, OwnEvents, Patience, Placed, Position, Rejection, SendError, Sending, Transport,
};

/// The transport of a bus in the hub's own process, given by [`Hub::transport`](super::Hub::transport).
///
/// It has no socket: what it publishes is in the hub's log when the publish is answered, and comes back from there in
/// the log's order, between the events of all others.
pub struct HubTransport<C> {
    pub(super) shared: Arc<Shared>,
    pub(super) codec: Arc<C>,
}

impl<C> HubTransport<C> {
    /// What a bus in the hub's own process promises.
    pub const GUARANTEES: Guarantees = Guarantees {
        ordering: Ordering::PerTopic,
        delivery: Delivery::ExactlyOnce,
        own_events: OwnEvents::Echoed,
        carries: Carries::Bytes,
        backpressure: false,
        history: false,
        acknowledgement: false,
    };
}

impl<C> fmt::Debug for HubTransport<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubTransport").finish_non_exhaustive()
    }
}

impl<C: Codec> Transport for HubTransport<C> {
    type Body = Encoded<C>;
}

impl<C: Codec> sealed::Connect for HubTransport<C> {
    fn connect(self) -> Connection<<Self as Transport>::Body> {
        let Self { shared, codec } = self;
        let attach = Box::new(move |inlet: Arc<dyn Inlet>| {
            let key = shared.act(|core, _| {
                if core.stopped {
                    core.notify(Notice::Closed(Arc::clone(&inlet)));
                    return 0;
                }
                core.members.join(inlet)
            });
            Arc::new(HubLink { shared, key }) as Arc<dyn Link>
        });
        Connection::Link { name: "hub", body: Encoded::new(codec), guarantees: Self::GUARANTEES, attach }
    }
}

/// Who is a member, and what each follows.
#[derive(Default)]
pub(super) struct Members {
    all: BTreeMap<u64, Member>,
    last_key: u64,
    /// By how many members each address is followed: the protocol knows it once.
    followed: HashMap<Address, usize>,
}

struct Member {
    inlet: Arc<dyn Inlet>,
    topics: HashMap<CompactString, Interest>,
}

/// What it follows of a type, with the requests that asked for it.
#[derive(Default)]
struct Interest {
    whole: Option<u64>,
    ids: HashMap<CompactString, u64>,
}

/// A member that follows something of a type, and what.
type Follower = (u64, Arc<dyn Inlet>, Vec<(Address, u64)>);

impl Interest {
    fn all(&self, topic: &str) -> impl Iterator<Item = (Address, u64)> {
        let whole = self.whole.and_then(|request| Some((Address::whole(topic).ok()?, request)));
        let ids =
            self.ids.iter().filter_map(move |(id, request)| Some((Address::new(topic, id).ok()?, *request)));
        whole.into_iter().chain(ids)
    }

    fn addresses(&self, topic: &str) -> Vec<Address> {
        self.all(topic).map(|(address, _)| address).collect()
    }
}

impl Members {
    fn join(&mut self, inlet: Arc<dyn Inlet>) -> u64 {
        self.last_key += 1;
        self.all.insert(self.last_key, Member { inlet, topics: HashMap::new() });
        self.last_key
    }

    /// Once to each member that follows it.
    pub(super) fn deliver(&self, frame: &Frame, notices: &mut Notices) {
        let (topic, id) = (frame.header.topic(), frame.header.id());
        for (key, member) in &self.all {
            let Some(interest) = member.topics.get(topic) else { continue };
            let (is_whole, by_id) = (interest.whole.is_some(), interest.ids.contains_key(id));
            if is_whole || by_id {
                let whole = is_whole.then(|| Address::whole(topic).ok());
                let single = by_id.then(|| Address::new(topic, id).ok());
                notices.deliver(*key, &member.inlet, frame, [whole, single].into_iter().flatten().flatten());
            }
        }
    }

    /// Those who follow something of this type.
    pub(super) fn who_follow(&self, topic: &str) -> Vec<Follower> {
        let follower = |(key, member): (&u64, &Member)| {
            let followed = member.topics.get(topic)?.all(topic).collect();
            Some((*key, Arc::clone(&member.inlet), followed))
        };
        self.all.iter().filter_map(follower).collect()
    }

    /// Events of this type were lost, before the next.
    pub(super) fn lost(&self, topic: &str, gap: Gap, notices: &mut Notices) {
        for member in self.all.values() {
            let Some(interest) = member.topics.get(topic) else { continue };
            let lost = interest.addresses(topic).into_iter().map(|address| {
                // How many of the events of a type were to which id, nobody knows.
                let missed = gap.missed.filter(|_| address.id().is_none());
                (address, Gap::new(gap.reason, missed))
            });
            notices.push(Notice::Gaps(Arc::clone(&member.inlet), lost.collect()));
        }
    }

    /// There are none any more. Gives their inlets.
    pub(super) fn close(&mut self) -> Vec<Arc<dyn Inlet>> {
        self.followed.clear();
        std::mem::take(&mut self.all).into_values().map(|member| member.inlet).collect()
    }
}

impl Core {
    fn follow(&mut self, key: u64, request: u64, addresses: Vec<Address>) {
        let Some(inlet) = self.members.all.get(&key).map(|member| Arc::clone(&member.inlet)) else { return };
        for address in &addresses {
            let address = address.clone();
            let count = self.members.followed.get(&address).copied().unwrap_or(0);
            if count == 0
                && let Err(rejection) = self.protocol.subscribe_local(&address)
            {
                self.notify(Notice::Refused(Arc::clone(&inlet), request, address, rejection));
                continue;
            }
            let Some(member) = self.members.all.get_mut(&key) else { return };
            let interest = member.topics.entry(address.topic().into()).or_default();
            let new = match address.id() {
                None => interest.whole.replace(request).is_none(),
                Some(id) => interest.ids.insert(id.into(), request).is_none(),
            };
            if new {
                *self.members.followed.entry(address).or_default() += 1;
            }
        }
        self.join_when_followed(key, inlet, request, &addresses);
    }

    /// A member follows nothing of this type any more.
    pub(super) fn leave_topic(&mut self, key: u64, topic: &str) {
        let interest = self.members.all.get(&key).and_then(|member| member.topics.get(topic));
        let addresses = interest.map_or_else(Vec::new, |interest| interest.addresses(topic));
        self.unfollow(key, &addresses);
    }

    fn unfollow(&mut self, key: u64, addresses: &[Address]) {
        for address in addresses {
            let Some(member) = self.members.all.get_mut(&key) else { return };
            let Some(interest) = member.topics.get_mut(address.topic()) else { continue };
            let had = match address.id() {
                None => interest.whole.take().is_some(),
                Some(id) => interest.ids.remove(id).is_some(),
            };
            if interest.whole.is_none() && interest.ids.is_empty() {
                member.topics.remove(address.topic());
            }
            if had {
                self.release(address);
            }
        }
    }

    fn release(&mut self, address: &Address) {
        let Some(count) = self.members.followed.get_mut(address) else { return };
        *count -= 1;
        if *count == 0 {
            self.members.followed.remove(address);
            self.protocol.unsubscribe_local(address);
        }
    }

    fn quit(&mut self, key: u64) {
        let Some(member) = self.members.all.remove(&key) else { return };
        self.forget_joining(key);
        for (topic, interest) in &member.topics {
            for address in interest.addresses(topic) {
                self.release(&address);
            }
        }
        self.notify(Notice::Leave(member.inlet));
    }
}

struct HubLink {
    shared: Arc<Shared>,
    key: u64,
}

impl Link for HubLink {
    fn publish(&self, frame: Frame, patience: Patience) -> Sending {
        let Frame { header, body } = frame;
        let Body::Bytes(body) = body else {
            let rejection = Rejection::new(ErrorCode::BadRequest, "a body that is not encoded");
            return Sending::Done(Err(SendError::Rejected(rejection)));
        };
        if let Some(upstream) = self.shared.upstream.get() {
            return self.place(upstream, &header, body, patience);
        }
        Sending::Done(self.shared.act(|core, now| {
            if !core.members.all.contains_key(&self.key) {
                return Err(SendError::Closed);
            }
            core.protocol.publish(now, &header, body).map(|_| ()).map_err(SendError::Rejected)
        }))
    }

    fn in_flight(&self) -> u64 {
        0
    }

    fn subscribe(&self, request: u64, addresses: Vec<Address>) {
        self.shared.act(|core, _| core.follow(self.key, request, addresses));
    }

    fn unsubscribe(&self, addresses: Vec<Address>) {
        self.shared.act(|core, _| core.unfollow(self.key, &addresses));
    }

    fn close(&self) -> Closing {
        self.shared.act(|core, _| core.quit(self.key));
        Closing::Done(0)
    }
}

impl HubLink {
    /// Publishes where the hub is behind.
    fn place(&self, upstream: &Upstream, header: &Header, body: Bytes, patience: Patience) -> Sending {
        let prepared = self.shared.act(|core, now| {
            let inlet = core.members.all.get(&self.key).map(|member| Arc::clone(&member.inlet));
            let inlet = inlet.ok_or(SendError::Closed)?;
            let frame = core.protocol.prepare(now, header, body).map_err(SendError::Rejected)?;
            Ok((inlet, frame))
        });
        let (inlet, frame) = match prepared {
            Ok((inlet, Some(frame))) => (inlet, frame),
            Ok((_, None)) => return Sending::Done(Ok(())),
            Err(error) => return Sending::Done(Err(error)),
        };
        let (answer, answered) = oneshot::channel();
        let (placed, sending): (Placed, Sending) = match patience {
            Patience::Wait => {
                let placed = move |result: Result<Position, SendError>| _ = answer.send(result.map(drop));
                (Box::new(placed), Sending::Pending(answered))
            }
            Patience::Now => {
                let header = header.clone();
                let placed = move |result| {
                    if let Err(error) = result {
                        inlet.not_sent(header, error);
                    }
                };
                (Box::new(placed), Sending::Done(Ok(())))
            }
        };
        match upstream.publish(frame, patience, placed) {
            Ok(()) => sending,
            Err(error) => Sending::Done(Err(error)),
        }
    }
}

impl Drop for HubLink {
    fn drop(&mut self) {
        self.close();
    }
}
