//! A concurrent map from id to a list of `tokio::sync::mpsc` senders, and a list of those who want every id.

use std::sync::{Arc, RwLock};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{Map, Shared};
use crate::bus::{App, Bus, Envelope, Status};

#[derive(Clone)]
pub(crate) struct VecMpsc(Arc<Inner>);

struct Inner {
    bound: usize,
    ids: Map<Vec<Sender<Shared>>>,
    whole: RwLock<Vec<Sender<Shared>>>,
}

impl Bus for VecMpsc {
    const NAME: &'static str = "Vec of mpsc";
    type Subscription = Receiver<Shared>;

    fn new(bound: usize) -> Self {
        Self(Arc::new(Inner { bound, ids: Map::default(), whole: RwLock::default() }))
    }

    fn one(&self, id: &str) -> Receiver<Shared> {
        let (sender, receiver) = channel(self.0.bound);
        let mut senders = self.0.ids.entry(id.into()).or_default();
        senders.retain(|sender| !sender.is_closed());
        senders.push(sender);
        receiver
    }

    fn whole(&self) -> Receiver<Shared> {
        let (sender, receiver) = channel(self.0.bound);
        self.0.whole.write().expect("not poisoned").push(sender);
        receiver
    }

    fn many(&self, ids: &[String]) -> Receiver<Shared> {
        let (sender, receiver) = channel(self.0.bound);
        for id in ids {
            self.0.ids.entry(id.as_str().into()).or_default().push(sender.clone());
        }
        receiver
    }

    fn publish_now(&self, id: &str, status: Status) {
        let one = self.0.ids.get(id);
        let whole = self.0.whole.read().expect("not poisoned");
        if one.is_none() && whole.is_empty() {
            return;
        }
        let shared = Arc::new(Envelope { _id: id.into(), payload: App::SessionStatus(status) });
        // It fails if it is full or nobody listens.
        for sender in whole.iter().chain(one.iter().flat_map(|one| one.iter())) {
            let _ = sender.try_send(Arc::clone(&shared));
        }
    }

    async fn publish(&self, id: &str, status: Status) {
        let mut senders: Vec<_> = self.0.ids.get(id).map(|one| one.clone()).unwrap_or_default();
        senders.extend(self.0.whole.read().expect("not poisoned").iter().cloned());
        let shared = Arc::new(Envelope { _id: id.into(), payload: App::SessionStatus(status) });
        for sender in senders {
            let _ = sender.send(Arc::clone(&shared)).await;
        }
    }

    async fn receive(subscription: &mut Receiver<Shared>) -> (u64, u64) {
        subscription.recv().await.expect("not closed").status()
    }
}
