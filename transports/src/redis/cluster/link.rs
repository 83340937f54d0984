//! The link of sharded channels: what the bus holds of the task.

use std::sync::Arc;

use futures_channel::oneshot;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::routes::Routes;
use super::shards::Shards;
use super::slot::slot;
use crate::codec::Codec;
use crate::redis::link::encoded;
use crate::redis::names::Names;
use crate::redis::resp;
use crate::redis::task::News;
use crate::redis::wire::Dialer;
use crate::{Address, Closing, Frame, Inlet, Link, Patience, SendError, Sending};

pub(in crate::redis) struct ShardedLink {
    codec: Arc<dyn Codec>,
    names: Arc<Names>,
    routes: Arc<Routes>,
    news: UnboundedSender<News>,
}

impl ShardedLink {
    /// Follows and publishes at the nodes of the cluster that the dialer has found.
    pub(in crate::redis) fn new(
        inlet: Arc<dyn Inlet>,
        codec: Arc<dyn Codec>,
        names: Arc<Names>,
        dialer: Arc<Dialer>,
        runtime: Handle,
    ) -> Self {
        let (news, heard) = mpsc::unbounded_channel();
        let routes = Arc::new(Routes::new());
        let words = (Arc::clone(&codec), Arc::clone(&names));
        let shards = Shards::new(inlet, words, dialer, heard, Arc::clone(&routes), runtime.clone());
        runtime.spawn(shards.run());
        Self { codec, names, routes, news }
    }
}

impl Link for ShardedLink {
    fn publish(&self, frame: Frame, patience: Patience) -> Sending {
        let write = |header: &crate::Header, message: &[u8], command: &mut Vec<u8>| {
            resp::header(command, b'*', 3);
            resp::bulk(command, &[b"SPUBLISH"]);
            resp::bulk(command, &self.names.channel(header.topic(), header.id()));
            resp::bulk(command, &[message]);
        };
        encoded(&*self.codec, frame, write, |command, header| {
            let channel = self.names.channel(header.topic(), header.id()).concat();
            match self.routes.outbox(slot(&channel)) {
                Some(outbox) => outbox.offer(command, header, patience),
                None => Sending::Done(Err(SendError::NotSent)),
            }
        })
    }

    fn in_flight(&self) -> u64 {
        self.routes.all().iter().map(|outbox| outbox.in_flight()).sum()
    }

    fn subscribe(&self, request: u64, addresses: Vec<Address>) {
        let _ = self.news.send(News::Subscribe(request, addresses));
    }

    fn unsubscribe(&self, addresses: Vec<Address>) {
        let _ = self.news.send(News::Unsubscribe(addresses));
    }

    fn close(&self) -> Closing {
        self.routes.all().iter().for_each(|outbox| _ = outbox.close());
        let (asked, closing) = oneshot::channel();
        match self.news.send(News::Close(Some(asked))) {
            Ok(()) => Closing::Pending(closing),
            Err(_) => Closing::Done(0),
        }
    }
}

impl Drop for ShardedLink {
    fn drop(&mut self) {
        let _ = self.news.send(News::Close(None));
    }
}
