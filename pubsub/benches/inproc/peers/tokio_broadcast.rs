//! A concurrent map from id to `tokio::sync::broadcast`, and a channel for those who want every id.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{SelectAll, select_all};
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio_stream::wrappers::BroadcastStream;

use super::{Map, Shared};
use crate::bus::{App, Bus, Envelope, Status};

#[derive(Clone)]
pub(crate) struct TokioBroadcast(Arc<Inner>);

struct Inner {
    bound: usize,
    ids: Map<Sender<Shared>>,
    whole: Sender<Shared>,
}

pub(crate) enum Subscription {
    One(Receiver<Shared>),
    Many(SelectAll<BroadcastStream<Shared>>),
}

impl TokioBroadcast {
    fn receiver(&self, id: &str) -> Receiver<Shared> {
        if let Some(sender) = self.0.ids.get(id) {
            return sender.subscribe();
        }
        self.0.ids.entry(id.into()).or_insert_with(|| channel(self.0.bound).0).subscribe()
    }
}

impl Bus for TokioBroadcast {
    const NAME: &'static str = "tokio::broadcast";
    type Subscription = Subscription;

    fn new(bound: usize) -> Self {
        Self(Arc::new(Inner { bound, ids: Map::default(), whole: channel(bound).0 }))
    }

    fn one(&self, id: &str) -> Subscription {
        Subscription::One(self.receiver(id))
    }

    fn whole(&self) -> Subscription {
        Subscription::One(self.0.whole.subscribe())
    }

    fn many(&self, ids: &[String]) -> Subscription {
        Subscription::Many(select_all(ids.iter().map(|id| BroadcastStream::new(self.receiver(id)))))
    }

    fn publish_now(&self, id: &str, status: Status) {
        let one = self.0.ids.get(id);
        let whole = self.0.whole.receiver_count() > 0;
        if one.is_none() && !whole {
            return;
        }
        let shared = Arc::new(Envelope { _id: id.into(), payload: App::SessionStatus(status) });
        // It fails if nobody listens.
        if let Some(one) = one {
            if whole {
                let _ = one.send(Arc::clone(&shared));
            } else {
                let _ = one.send(shared);
                return;
            }
        }
        let _ = self.0.whole.send(shared);
    }

    async fn publish(&self, id: &str, status: Status) {
        self.publish_now(id, status);
    }

    async fn receive(subscription: &mut Subscription) -> (u64, u64) {
        match subscription {
            Subscription::One(receiver) => {
                receiver.recv().await.expect("neither lagging nor closed").status()
            }
            Subscription::Many(streams) => {
                let received = streams.next().await.expect("not closed");
                received.expect("not lagging").status()
            }
        }
    }
}
