//! Sharded channels: the task that follows each at the node that has its slot.
//!
//! It drives a subscriber for each node, as one server has it, and moves addresses between them: when a node says MOVED or ends a
//! subscription by itself, and when it is lost and another has its slots.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_channel::oneshot;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, Sleep, sleep_until};

use super::nodes::Member;
use super::owners::{NodeInlet, NodeState, Owner, Shared};
use super::routes::{NOBODY, Routes};
use super::slot::SLOTS;
use crate::codec::Codec;
use crate::redis::names::Names;
use crate::redis::outbox::Outbox;
use crate::redis::publisher::Publisher;
use crate::redis::retry::Retry;
use crate::redis::server::Server;
use crate::redis::subscriber::Subscriber;
use crate::redis::task::{self, Desk, News};
use crate::redis::wire::Dialer;
use crate::{Address, ConnectionState, ErrorCode, Gap, GapReason, Inlet, Rejection};

pub(in crate::redis) struct Shards {
    pub(super) inlet: Arc<dyn Inlet>,
    pub(super) codec: Arc<dyn Codec>,
    pub(super) names: Arc<Names>,
    /// To any node.
    pub(super) dialer: Arc<Dialer>,
    pub(super) news: UnboundedReceiver<News>,
    pub(super) routes: Arc<Routes>,
    pub(super) runtime: Handle,
    shared: Arc<Shared>,
    nodes: Vec<Node>,
    last_request: u64,
    /// Told when a publish met a node that has not its slot.
    elsewhere: Arc<Notify>,
    retry: Retry,
    refresh: Option<Task<()>>,
    /// When it is asked again whether the nodes are what they were.
    next_check: Pin<Box<Sleep>>,
    closing: Vec<oneshot::Sender<u64>>,
    is_closing: bool,
}

type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The most nodes at once.
const MAX_NODES: usize = 1_000;

struct Node {
    member: Member,
    news: UnboundedSender<News>,
    /// `None` when it is over.
    task: Option<Task<()>>,
    given_up: Option<oneshot::Receiver<u64>>,
    /// Since when it has no slots, and nothing is followed there.
    idle_since: Option<Instant>,
    is_left: bool,
}

enum Event {
    News(News),
    Refreshed,
    /// Something may have changed.
    Look,
    /// It is time to see whether something has.
    Check,
    Over,
}

impl Shards {
    pub(super) fn new(
        inlet: Arc<dyn Inlet>,
        (codec, names): (Arc<dyn Codec>, Arc<Names>),
        dialer: Arc<Dialer>,
        news: UnboundedReceiver<News>,
        routes: Arc<Routes>,
        runtime: Handle,
    ) -> Self {
        let retry = Retry::new(&dialer.limits);
        let next_check = Box::pin(sleep_until(Instant::now() + dialer.limits.ping_interval));
        let mut shards = Self {
            inlet,
            codec,
            names,
            dialer,
            news,
            routes,
            runtime,
            shared: Arc::default(),
            nodes: Vec::new(),
            last_request: 0,
            elsewhere: Arc::default(),
            retry,
            refresh: None,
            next_check,
            closing: Vec::new(),
            is_closing: false,
        };
        shards.look();
        shards
    }

    /// Until it is closed.
    pub(super) async fn run(mut self) {
        loop {
            self.refresh_if_needed();
            match self.next_event().await {
                Event::News(news) => self.hear(news),
                Event::Refreshed => {
                    self.look();
                    self.leave_the_idle();
                    if self.retry.is_trying() && !self.shared.lock().is_unsettled() {
                        self.retry.connected();
                    }
                }
                Event::Check => {
                    let interval = self.dialer.limits.ping_interval.max(Duration::from_millis(1));
                    self.next_check.as_mut().reset(Instant::now() + interval);
                    self.refresh_at(Instant::now());
                }
                Event::Look => {}
                Event::Over => break,
            }
        }
        let mut given_up = 0;
        for node in &mut self.nodes {
            if let Some(count) = node.given_up.take() {
                given_up += count.await.unwrap_or(0);
            }
        }
        self.inlet.state(ConnectionState::Closed { error: None });
        self.news.close();
        while let Ok(news) = self.news.try_recv() {
            if let News::Close(asked) = news {
                self.closing.extend(asked);
            }
        }
        let asked = std::mem::take(&mut self.closing);
        // The inlet is gone when closing is over.
        drop(self);
        for asked in asked {
            let _ = asked.send(given_up);
        }
    }

    async fn next_event(&mut self) -> Event {
        let elsewhere = Arc::clone(&self.elsewhere);
        let mut elsewhere = std::pin::pin!(elsewhere.notified());
        let mut is_notified = false;
        let was_unsettled = self.shared.lock().is_unsettled();
        let event = poll_fn(|cx| {
            for node in &mut self.nodes {
                if node.task.as_mut().is_some_and(|task| task.as_mut().poll(cx).is_ready()) {
                    node.task = None;
                }
            }
            if self.is_closing && self.nodes.iter().all(|node| node.task.is_none()) {
                return Poll::Ready(Event::Over);
            }
            if let Poll::Ready(Some(news)) = self.news.poll_recv(cx) {
                return Poll::Ready(Event::News(news));
            }
            if let Some(refresh) = &mut self.refresh
                && refresh.as_mut().poll(cx).is_ready()
            {
                self.refresh = None;
                return Poll::Ready(Event::Refreshed);
            }
            if elsewhere.as_mut().poll(cx).is_ready() {
                is_notified = true;
                return Poll::Ready(Event::Look);
            }
            if self.shared.lock().is_unsettled() != was_unsettled {
                return Poll::Ready(Event::Look);
            }
            if !self.is_closing && self.next_check.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Check);
            }
            Poll::Pending
        })
        .await;
        if is_notified {
            self.begin_refresh();
        }
        event
    }

    fn refresh_if_needed(&mut self) {
        if !self.is_closing && self.shared.lock().is_unsettled() {
            self.begin_refresh();
        }
    }

    /// Asks who has which slot, after a while that grows as long as it does not help.
    fn begin_refresh(&mut self) {
        if self.refresh.is_some() || self.is_closing {
            return;
        }
        let at = self.retry.next();
        self.retry.begin();
        self.refresh_at(at);
    }

    fn refresh_at(&mut self, at: Instant) {
        if self.refresh.is_some() {
            return;
        }
        let dialer = Arc::clone(&self.dialer);
        self.refresh = Some(Box::pin(async move {
            sleep_until(at).await;
            // Whoever is not there is tried again.
            drop(dialer.open().await);
        }));
    }

    /// Does as the cluster says that it is.
    fn look(&mut self) {
        let masters = self.dialer.nodes.as_ref().map(super::Nodes::masters).unwrap_or_default();
        let mut slots = vec![NOBODY; usize::from(SLOTS)].into_boxed_slice();
        let mut active = Vec::new();
        for (first, last, member) in masters {
            let Some(node) = self.node_at(&member) else { continue };
            active.push(node);
            let number = u16::try_from(node).unwrap_or(NOBODY);
            slots.iter_mut().take(usize::from(last) + 1).skip(usize::from(first)).for_each(|it| *it = number);
        }
        self.routes.set(slots);
        let is_cut_off =
            |node: &Node| self.dialer.nodes.as_ref().is_some_and(|nodes| nodes.is_cut_off(&node.member.id));
        let cut_off: Vec<bool> = self.nodes.iter().map(is_cut_off).collect();
        let (mut gaps, mut moves, mut lost) = (Vec::new(), Vec::new(), HashMap::<usize, Vec<Address>>::new());
        let news = {
            let mut owners = self.shared.lock();
            owners.has_homeless = false;
            for (number, node) in owners.nodes.iter_mut().enumerate() {
                node.is_active = active.contains(&number);
            }
            let is_up = |node: &NodeState| matches!(node.state, ConnectionState::Connected);
            let up: Vec<bool> = owners.nodes.iter().map(is_up).collect();
            for (address, owner) in &mut owners.owners {
                let node = self.routes.node(self.names.slot(address));
                // A node tells those who follow there when it loses a slot, unless it was cut off and does not know. Another that says
                // so first may be behind itself.
                let stays = owner.is_live && owner.node.is_some_and(|node| up[node] && !cut_off[node]);
                if stays || node == owner.node && node.is_some() {
                    continue;
                }
                if let Some(before) = owner.node.take() {
                    lost.entry(before).or_default().push(address.clone());
                }
                if std::mem::take(&mut owner.is_live) {
                    gaps.push(address.clone());
                }
                moves.push((address.clone(), owner.request));
            }
            owners.news()
        };
        news.into_iter().for_each(|state| self.inlet.state(state));
        for (node, addresses) in lost {
            let _ = self.nodes[node].news.send(News::Unsubscribe(addresses));
        }
        if !gaps.is_empty() {
            let moved = Gap::new(GapReason::Moved, None);
            self.inlet.gaps(gaps.into_iter().map(|address| (address, moved)).collect());
        }
        self.assign(moves);
    }

    /// Ends what there is for nodes that have had no slots for a while. One whose slots have only moved for a moment has its
    /// connections still.
    fn leave_the_idle(&mut self) {
        if self.is_closing {
            return;
        }
        let owners = self.shared.lock();
        let (now, kept_for) = (Instant::now(), self.dialer.limits.close_timeout);
        for (number, node) in self.nodes.iter_mut().enumerate().filter(|(_, node)| !node.is_left) {
            let outbox = self.routes.of(number);
            let is_idle = !owners.nodes[number].is_active
                && owners.owners.values().all(|owner| owner.node != Some(number))
                && outbox.as_ref().is_none_or(|outbox| outbox.in_flight() == 0);
            node.idle_since = node.idle_since.filter(|_| is_idle).or(is_idle.then_some(now));
            if node.idle_since.is_some_and(|since| since + kept_for <= now) {
                node.is_left = true;
                outbox.iter().for_each(|outbox| _ = outbox.close());
                let _ = node.news.send(News::Close(None));
            }
        }
    }

    /// The number of the node at this place, which is made if there is none.
    fn node_at(&mut self, member: &Member) -> Option<usize> {
        let is_at = |node: &Node| node.member.place == member.place && !node.is_left;
        if let Some(number) = self.nodes.iter().position(is_at) {
            // Another may have taken its place.
            self.nodes[number].member.id.clone_from(&member.id);
            return Some(number);
        }
        // One that is over makes room.
        let is_over = |node: &Node| node.is_left && node.task.is_none();
        let number = self.nodes.iter().position(is_over).unwrap_or(self.nodes.len());
        if number == MAX_NODES {
            return None;
        }
        let server = Server { place: member.place.clone(), ..self.dialer.server.clone() };
        let dialer = Arc::new(Dialer::new(server, self.dialer.tls.clone(), self.dialer.limits.clone()));
        let outbox = Arc::new(Outbox::new(dialer.limits.clone(), false));
        let (news, heard) = mpsc::unbounded_channel();
        let publisher = Publisher::new(Arc::clone(&outbox), Arc::clone(&dialer), news.clone(), None);
        self.runtime.spawn(publisher.begin(Arc::clone(&self.elsewhere)));
        self.routes.put(number, outbox);
        // Until it says otherwise.
        let state = NodeState { state: ConnectionState::Connected, was_connected: false, is_active: true };
        put(&mut self.shared.lock().nodes, number, state);
        let inlet =
            NodeInlet { node: number, shared: Arc::clone(&self.shared), inlet: Arc::clone(&self.inlet) };
        let (codec, names) = (Arc::clone(&self.codec), Arc::clone(&self.names));
        let desk = Desk::new(Arc::new(inlet), dialer, heard);
        let task: Task<()> = Box::pin(task::begin(Subscriber::new(desk, codec, names).sharded()));
        let (member, task) = (member.clone(), Some(task));
        put(
            &mut self.nodes,
            number,
            Node { member, news, task, given_up: None, idle_since: None, is_left: false },
        );
        Some(number)
    }

    /// Follows these at whoever has their slots.
    fn assign(&mut self, addresses: Vec<(Address, u64)>) {
        // One request for each node, since each answers for itself.
        let first = self.last_request + 1;
        self.last_request += self.nodes.len() as u64;
        let mut by_node = HashMap::<usize, Vec<Address>>::new();
        let mut owners = self.shared.lock();
        for (address, request) in addresses {
            let node = self.routes.node(self.names.slot(&address));
            let asked = node.map_or(0, |node| first + node as u64);
            owners.owners.insert(address.clone(), Owner { request, node, asked, is_live: false });
            owners.has_homeless |= node.is_none();
            if let Some(node) = node {
                by_node.entry(node).or_default().push(address);
            }
        }
        for (node, addresses) in by_node {
            let request = first + node as u64;
            owners.requests.insert(request, addresses.clone());
            let _ = self.nodes[node].news.send(News::Subscribe(request, addresses));
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Subscribe(request, addresses) => self.subscribe(request, addresses),
            News::Unsubscribe(addresses) => {
                let mut by_node = HashMap::<usize, Vec<Address>>::new();
                let mut complete = Vec::new();
                {
                    let mut owners = self.shared.lock();
                    for address in addresses {
                        complete.extend(owners.interest.leave(&address));
                        let Some(owner) = owners.owners.remove(&address) else { continue };
                        if let Some(node) = owner.node {
                            by_node.entry(node).or_default().push(address);
                        }
                    }
                }
                for (node, addresses) in by_node {
                    let _ = self.nodes[node].news.send(News::Unsubscribe(addresses));
                }
                complete.into_iter().for_each(|request| self.inlet.subscribed(request));
            }
            News::Close(asked) => {
                self.closing.extend(asked);
                if std::mem::replace(&mut self.is_closing, true) {
                    return;
                }
                self.refresh = None;
                for node in &mut self.nodes {
                    let (answer, given_up) = oneshot::channel();
                    node.given_up = Some(given_up);
                    let _ = node.news.send(News::Close(Some(answer)));
                }
                self.routes.all().iter().for_each(|outbox| _ = outbox.close());
            }
            // What publishers say, they say to the nodes; and nothing is kept.
            _ => {}
        }
    }

    fn subscribe(&mut self, request: u64, addresses: Vec<Address>) {
        let (single, whole): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|it| it.id().is_some());
        let mut complete = Vec::new();
        {
            let mut owners = self.shared.lock();
            let all: Vec<Address> = single.iter().chain(&whole).cloned().collect();
            owners.interest.follow(request, &all);
            whole.iter().for_each(|address| complete.extend(owners.interest.leave(address)));
        }
        for address in whole {
            let message = "a type is on many nodes, so it cannot be followed whole: follow ids, or connect without `.sharded()`";
            let rejection = Rejection::new(ErrorCode::Other("unsupported".into()), message);
            self.inlet.refused(request, address, rejection);
        }
        complete.into_iter().for_each(|request| self.inlet.subscribed(request));
        self.assign(single.into_iter().map(|address| (address, request)).collect());
    }
}

/// Puts it there: one more, or instead of one that is over.
fn put<T>(all: &mut Vec<T>, number: usize, one: T) {
    match all.get_mut(number) {
        Some(own) => *own = one,
        None => all.push(one),
    }
}
