//! A concurrent map from id to `async_broadcast`, and a channel for those who want every id.

use std::sync::Arc;

use async_broadcast::{InactiveReceiver, Receiver, Sender, broadcast};
use futures::StreamExt;
use futures::stream::{SelectAll, select_all};

use super::{Map, Shared};
use crate::bus::{App, Bus, Envelope, Status};

#[derive(Clone)]
pub(crate) struct AsyncBroadcast(Arc<Inner>);

struct Inner {
    bound: usize,
    ids: Map<Channel>,
    whole: Channel,
}

type Channel = (Sender<Shared>, InactiveReceiver<Shared>);

pub(crate) enum Subscription {
    One(Receiver<Shared>),
    Many(SelectAll<Receiver<Shared>>),
}

fn channel(bound: usize) -> Channel {
    let (mut sender, receiver) = broadcast(bound);
    sender.set_await_active(false);
    (sender, receiver.deactivate())
}

impl AsyncBroadcast {
    fn receiver(&self, id: &str) -> Receiver<Shared> {
        if let Some(channel) = self.0.ids.get(id) {
            return channel.1.activate_cloned();
        }
        self.0.ids.entry(id.into()).or_insert_with(|| channel(self.0.bound)).1.activate_cloned()
    }
}

impl Bus for AsyncBroadcast {
    const NAME: &'static str = "async-broadcast";
    type Subscription = Subscription;

    fn new(bound: usize) -> Self {
        Self(Arc::new(Inner { bound, ids: Map::default(), whole: channel(bound) }))
    }

    fn one(&self, id: &str) -> Subscription {
        Subscription::One(self.receiver(id))
    }

    fn whole(&self) -> Subscription {
        Subscription::One(self.0.whole.1.activate_cloned())
    }

    fn many(&self, ids: &[String]) -> Subscription {
        Subscription::Many(select_all(ids.iter().map(|id| self.receiver(id))))
    }

    fn publish_now(&self, id: &str, status: Status) {
        let one = self.0.ids.get(id);
        let whole = self.0.whole.0.receiver_count() > 0;
        if one.is_none() && !whole {
            return;
        }
        let shared = Arc::new(Envelope { _id: id.into(), payload: App::SessionStatus(status) });
        // It fails if it is full or nobody listens.
        if whole {
            let _ = self.0.whole.0.try_broadcast(Arc::clone(&shared));
        }
        if let Some(one) = one {
            let _ = one.0.try_broadcast(shared);
        }
    }

    async fn publish(&self, id: &str, status: Status) {
        let one = self.0.ids.get(id).map(|channel| channel.0.clone());
        let whole = self.0.whole.0.receiver_count() > 0;
        if one.is_none() && !whole {
            return;
        }
        let shared = Arc::new(Envelope { _id: id.into(), payload: App::SessionStatus(status) });
        if whole {
            let _ = self.0.whole.0.broadcast_direct(Arc::clone(&shared)).await;
        }
        if let Some(one) = one {
            let _ = one.broadcast_direct(shared).await;
        }
    }

    async fn receive(subscription: &mut Subscription) -> (u64, u64) {
        match subscription {
            Subscription::One(receiver) => {
                receiver.recv_direct().await.expect("neither lagging nor closed").status()
            }
            Subscription::Many(streams) => streams.next().await.expect("not closed").status(),
        }
    }
}
