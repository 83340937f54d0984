//! The bus, as the task sees it that speaks to it: what it asks for, what it is answered, and how a server that is lost is found
//! again.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_channel::oneshot;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::interest::Interest;
use super::retry::Retry;
use super::wire::Dialer;
use crate::{Address, ConnectError, ConnectionState, Header, Inlet, Rejection, SendError, Start};

/// What the bus asks for, and what the task that publishes has to say to it.
pub(super) enum News {
    Subscribe(u64, Vec<Address>),
    Unsubscribe(Vec<Address>),
    Replay(u64, Vec<(Address, Start)>),
    /// With whom to tell how many frames were given up.
    Close(Option<oneshot::Sender<u64>>),
    NotSent {
        header: Box<Header>,
        error: SendError,
    },
    PublisherLost {
        attempt: u32,
        error: ConnectError,
    },
    PublisherConnected,
    /// It is gone, and has given up so many frames.
    PublisherClosed(u64),
}

pub(super) struct Bus {
    pub(super) inlet: Arc<dyn Inlet>,
    pub(super) dialer: Arc<Dialer>,
    pub(super) interest: Interest,
    news: UnboundedReceiver<News>,
    retry: Retry,
    health: Health,
    closing: Closing,
    /// Requests that are answered, and were not told yet.
    complete: Vec<u64>,
}

/// Why each of the two connections is down, if it is.
#[derive(Default)]
struct Health {
    publisher: Option<(u32, ConnectError)>,
    subscriber: Option<(u32, ConnectError)>,
}

#[derive(Default)]
struct Closing {
    /// The first who asks sets the time.
    deadline: Option<Instant>,
    /// Whoever asks is told.
    asked: Vec<oneshot::Sender<u64>>,
    /// How many frames the publisher has given up; it is gone then.
    given_up: Option<u64>,
}

/// A task that follows what the bus asks for.
pub(super) trait Follower {
    fn bus(&mut self) -> &mut Bus;

    fn hear(&mut self, news: News);
}

impl Bus {
    pub(super) fn new(inlet: Arc<dyn Inlet>, dialer: Arc<Dialer>, news: UnboundedReceiver<News>) -> Self {
        let retry = Retry::new(&dialer.limits);
        let (interest, health, closing) = (Interest::default(), Health::default(), Closing::default());
        Self { inlet, dialer, interest, news, retry, health, closing, complete: Vec::new() }
    }

    pub(super) fn poll_news(&mut self, cx: &mut Context<'_>) -> Poll<Option<News>> {
        self.news.poll_recv(cx)
    }

    pub(super) fn try_news(&mut self) -> Option<News> {
        self.news.try_recv().ok()
    }

    /// Gives back what is for who follows.
    pub(super) fn hear(&mut self, news: News) -> Option<News> {
        match news {
            News::Close(asked) => {
                let timeout = self.dialer.limits.close_timeout;
                self.closing.deadline.get_or_insert_with(|| Instant::now() + timeout);
                self.closing.asked.extend(asked);
            }
            News::NotSent { header, error } => self.inlet.not_sent(*header, error),
            News::PublisherLost { attempt, error } => {
                self.health.publisher = Some((attempt, error));
                self.tell_health();
            }
            News::PublisherConnected => {
                if self.health.publisher.take().is_some() {
                    self.tell_health();
                }
            }
            News::PublisherClosed(given_up) => self.closing.given_up = Some(given_up),
            News::Subscribe(..) | News::Unsubscribe(..) | News::Replay(..) => return Some(news),
        }
        None
    }

    /// The connection that brings events comes first: without it the other is of less use.
    fn tell_health(&self) {
        self.inlet.state(match (&self.health.subscriber, &self.health.publisher) {
            (Some((attempt, error)), _) => {
                ConnectionState::Reconnecting { attempt: *attempt, error: error.clone() }
            }
            (None, Some((attempt, error))) => {
                ConnectionState::ReceiveOnly { attempt: *attempt, error: error.clone() }
            }
            (None, None) => ConnectionState::Connected,
        });
    }

    /// The server has acknowledged an address.
    pub(super) fn acknowledged(&mut self, address: &Address, request: u64) {
        self.complete.extend(self.interest.acknowledged(address, request));
    }

    pub(super) fn leave(&mut self, address: &Address) {
        self.complete.extend(self.interest.leave(address));
    }

    pub(super) fn refuse(&mut self, request: u64, address: Address, rejection: Rejection) {
        self.leave(&address);
        self.inlet.refused(request, address, rejection);
    }

    /// Tells which requests are complete.
    pub(super) fn answer(&mut self) {
        self.complete.drain(..).for_each(|request| self.inlet.subscribed(request));
    }

    /// All that is followed is followed again.
    pub(super) fn restored(&mut self) {
        self.retry.connected();
        if self.health.subscriber.take().is_some() {
            // The other connection is opened at this moment, if it was lost too. It will say so if it is not.
            self.health.publisher = None;
            self.tell_health();
        }
    }

    /// Whether what is published is all on its way, and nothing more will be.
    pub(super) fn is_over(&self) -> bool {
        self.closing.given_up.is_some()
    }

    /// Until when a connection may take to end.
    pub(super) fn goodbye(&self) -> Instant {
        let least = Instant::now() + self.dialer.limits.close_timeout / 10;
        self.closing.deadline.map_or(least, |deadline| deadline.max(least))
    }
}

/// What `open` gives, a new connection; `None` when it is closed instead.
pub(super) async fn reconnect<C, F>(
    follower: &mut impl Follower,
    mut error: ConnectError,
    open: impl Fn(Arc<Dialer>) -> F,
) -> Option<C>
where
    F: Future<Output = Result<C, ConnectError>>,
{
    let mut attempt = 0;
    loop {
        let bus = follower.bus();
        bus.health.subscriber = Some((attempt, error));
        bus.tell_health();
        let at = bus.retry.next();
        let dialer = Arc::clone(&bus.dialer);
        meanwhile(follower, dialer.wait_until(at)).await?;
        attempt = follower.bus().retry.begin();
        match meanwhile(follower, open(Arc::clone(&dialer))).await? {
            Ok(connection) => return Some(connection),
            Err(new) => error = new,
        }
    }
}

/// What a future gives, while the others are heard; `None` when it is closed instead.
async fn meanwhile<F: Future>(follower: &mut impl Follower, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        while let Poll::Ready(Some(news)) = follower.bus().poll_news(cx) {
            follower.hear(news);
        }
        let bus = follower.bus();
        bus.answer();
        if bus.is_over() {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Nothing more is said.
pub(super) fn end(mut follower: impl Follower) {
    let bus = follower.bus();
    bus.inlet.state(ConnectionState::Closed { error: None });
    bus.news.close();
    while let Some(news) = follower.bus().try_news() {
        follower.hear(news);
    }
    let Closing { asked, given_up, .. } = std::mem::take(&mut follower.bus().closing);
    // The inlet is gone when closing is over.
    drop(follower);
    for asked in asked {
        let _ = asked.send(given_up.unwrap_or(0));
    }
}
