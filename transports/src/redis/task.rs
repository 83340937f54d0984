//! The task that speaks to the bus, whatever it reads: it serves one connection after the other, until it is closed.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_channel::oneshot;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::interest::Interest;
use super::retry::Retry;
use super::wire::Dialer;
use crate::{Address, ConnectError, ConnectionState, Header, Inlet, SendError, Start};

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

pub(super) trait Task: Send + Sized {
    /// What is lost and opened as one.
    type Connection: Send;

    fn open(dialer: &Dialer) -> impl Future<Output = Result<Self::Connection, ConnectError>> + Send;

    /// Ends a connection by then.
    fn shut(connection: Self::Connection, deadline: Instant) -> impl Future<Output = ()> + Send;

    fn desk(&mut self) -> &mut Desk;

    /// Reads what is followed, until the connection is lost or the task closed.
    fn serve(
        &mut self,
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), ConnectError>> + Send;

    /// While there is no connection.
    fn hear(&mut self, news: News);

    /// A connection was lost.
    fn lost(&mut self) {}
}

/// Until it is closed.
pub(super) async fn run<T: Task>(mut task: T, mut connection: T::Connection) {
    task.desk().inlet.state(ConnectionState::Connected);
    loop {
        let Err(error) = task.serve(&mut connection).await else {
            T::shut(connection, task.desk().goodbye()).await;
            break;
        };
        task.lost();
        match reconnect(&mut task, error).await {
            Some(new) => connection = new,
            None => break,
        }
    }
    end(task);
}

/// The same at a server that has yet to be connected to.
#[cfg(feature = "redis-cluster")]
pub(super) async fn begin<T: Task>(mut task: T) {
    match reconnect(&mut task, ConnectError::TimedOut { during: "opening a connection" }).await {
        Some(connection) => run(task, connection).await,
        None => end(task),
    }
}

fn end<T: Task>(mut task: T) {
    task.desk().inlet.state(ConnectionState::Closed { error: None });
    task.desk().news.close();
    while let Ok(news) = task.desk().news.try_recv() {
        task.hear(news);
    }
    let Closing { asked, given_up, .. } = std::mem::take(&mut task.desk().closing);
    // The inlet is gone when closing is over.
    drop(task);
    for asked in asked {
        let _ = asked.send(given_up.unwrap_or(0));
    }
}

/// A new connection; `None` when the task is closed instead.
async fn reconnect<T: Task>(task: &mut T, mut error: ConnectError) -> Option<T::Connection> {
    let mut attempt = 0;
    let dialer = Arc::clone(&task.desk().dialer);
    loop {
        let desk = task.desk();
        desk.health.subscriber = Some((attempt, error));
        desk.health.tell(&*desk.inlet);
        let at = desk.retry.next();
        meanwhile(task, dialer.wait_until(at)).await?;
        attempt = task.desk().retry.begin();
        match meanwhile(task, T::open(&dialer)).await? {
            Ok(connection) => return Some(connection),
            Err(new) => error = new,
        }
    }
}

/// What a future gives, while the others are heard; `None` when the task is closed instead.
async fn meanwhile<T: Task, F: Future>(task: &mut T, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        while let Poll::Ready(Some(news)) = task.desk().news.poll_recv(cx) {
            task.hear(news);
        }
        task.desk().answer();
        if task.desk().closing.given_up.is_some() {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Where the bus is spoken to.
pub(super) struct Desk {
    pub(super) inlet: Arc<dyn Inlet>,
    pub(super) dialer: Arc<Dialer>,
    pub(super) news: UnboundedReceiver<News>,
    pub(super) interest: Interest,
    retry: Retry,
    health: Health,
    closing: Closing,
    /// Requests that are answered, and were not told yet.
    pub(super) complete: Vec<u64>,
}

#[derive(Default)]
struct Closing {
    deadline: Option<Instant>,
    asked: Vec<oneshot::Sender<u64>>,
    /// How many frames the publisher has given up; it is gone then.
    given_up: Option<u64>,
}

impl Desk {
    pub(super) fn new(inlet: Arc<dyn Inlet>, dialer: Arc<Dialer>, news: UnboundedReceiver<News>) -> Self {
        let retry = Retry::new(&dialer.limits);
        let (interest, health, closing) = (Interest::default(), Health::default(), Closing::default());
        Self { inlet, dialer, news, interest, retry, health, closing, complete: Vec::new() }
    }

    pub(super) fn answer(&mut self) {
        self.complete.drain(..).for_each(|request| self.inlet.subscribed(request));
    }

    /// All that is followed is followed again.
    pub(super) fn restored(&mut self) {
        self.retry.connected();
        if self.health.subscriber.take().is_some() {
            // The other connection is opened at this moment, if it was lost too. It will say so if it is not.
            self.health.publisher = None;
            self.health.tell(&*self.inlet);
        }
    }

    /// Whether nothing is published any more: what is there by then is still read.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.given_up.is_some()
    }

    /// Until when a connection may take to end.
    pub(super) fn goodbye(&self) -> Instant {
        let least = Instant::now() + self.dialer.limits.close_timeout / 10;
        self.closing.deadline.map_or(least, |deadline| deadline.max(least))
    }

    /// Gives back what is about what is followed.
    pub(super) fn hear(&mut self, news: News) -> Option<News> {
        match news {
            News::Subscribe(..) | News::Unsubscribe(_) | News::Replay(..) => return Some(news),
            // The first who asks sets the time; whoever asks is told.
            News::Close(asked) => {
                let timeout = self.dialer.limits.close_timeout;
                self.closing.deadline.get_or_insert_with(|| Instant::now() + timeout);
                self.closing.asked.extend(asked);
            }
            News::NotSent { header, error } => self.inlet.not_sent(*header, error),
            News::PublisherLost { attempt, error } => {
                self.health.publisher = Some((attempt, error));
                self.health.tell(&*self.inlet);
            }
            News::PublisherConnected => {
                if self.health.publisher.take().is_some() {
                    self.health.tell(&*self.inlet);
                }
            }
            News::PublisherClosed(given_up) => self.closing.given_up = Some(given_up),
        }
        None
    }
}

/// Why each of the two connections is down, if it is.
#[derive(Default)]
struct Health {
    publisher: Option<(u32, ConnectError)>,
    subscriber: Option<(u32, ConnectError)>,
}

impl Health {
    /// The connection that brings events comes first: without it the other is of less use.
    fn tell(&self, inlet: &dyn Inlet) {
        inlet.state(match (&self.subscriber, &self.publisher) {
            (Some((attempt, error)), _) => {
                ConnectionState::Reconnecting { attempt: *attempt, error: error.clone() }
            }
            (None, Some((attempt, error))) => {
                ConnectionState::ReceiveOnly { attempt: *attempt, error: error.clone() }
            }
            (None, None) => ConnectionState::Connected,
        });
    }
}
