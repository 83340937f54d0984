//! One connection: bytes out, replies in, and whether the server is still there.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::limits::{Limits, READ_CHUNK, WRITE_KEPT};
use super::refusal;
use super::resp::{self, Item, Malformed, Reader, Reply, Value};
use super::server::{Place, Server};
use super::socket::Socket;
use super::tls::Tls;
use crate::ConnectError;

/// Opens connections to one server.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) server: Server,
    pub(super) tls: Tls,
    pub(super) limits: Limits,
    /// The nodes, where it is a cluster.
    #[cfg(feature = "redis-cluster")]
    pub(super) nodes: Option<super::cluster::Nodes>,
    /// Who asks whether those that are connected to are still of their cluster.
    #[cfg(feature = "redis-cluster")]
    checking: std::sync::OnceLock<tokio::task::AbortHandle>,
    /// Told when a connection was opened.
    opened: Notify,
}

pub(super) struct Wire {
    socket: Socket,
    pub(super) reader: Reader,
    /// What is being written.
    pub(super) out: Vec<u8>,
    /// How much of `out` was.
    written: usize,
    /// How much was before `out`.
    written_before: u64,
    address: String,
    /// When something came last, or something was asked after a time in which nothing was owed.
    heard: Instant,
    alarm: Pin<Box<Sleep>>,
    ping_interval: Duration,
    answer_timeout: Duration,
    /// Told when the cluster of this node goes on without it.
    #[cfg(feature = "redis-cluster")]
    cut_off: Option<tokio::sync::oneshot::Receiver<()>>,
}

/// What time says.
pub(super) enum Alarm {
    /// Ask the server whether it is there.
    Silent,
    /// It owes an answer, and is not there.
    Dead,
}

impl Dialer {
    pub(super) fn new(server: Server, tls: Tls, limits: Limits) -> Self {
        Self {
            server,
            tls,
            limits,
            #[cfg(feature = "redis-cluster")]
            nodes: None,
            #[cfg(feature = "redis-cluster")]
            checking: std::sync::OnceLock::new(),
            opened: Notify::new(),
        }
    }

    /// Asks at intervals whether the nodes that are connected to are still of their cluster, as long as there is this.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn check_nodes(self: &std::sync::Arc<Self>, runtime: &tokio::runtime::Handle) {
        if self.nodes.is_none() {
            return;
        }
        let (own, interval) = (std::sync::Arc::downgrade(self), self.limits.ping_interval);
        let checking = runtime.spawn(async move {
            loop {
                tokio::time::sleep(interval.max(Duration::from_millis(1))).await;
                let Some(dialer) = own.upgrade() else { return };
                if let Some(nodes) = &dialer.nodes {
                    nodes.check(&dialer).await;
                }
            }
        });
        let _ = self.checking.set(checking.abort_handle());
    }

    /// Waits until it is time for the next try: at `at`, or at once when another connection was opened, since then the
    /// server is back.
    pub(super) async fn wait_until(&self, at: Instant) {
        let _ = timeout_at(at, self.opened.notified()).await;
    }

    /// Whether it is known that the server is one of several.
    pub(super) fn is_cluster(&self) -> bool {
        #[cfg(feature = "redis-cluster")]
        return self.nodes.is_some();
        #[cfg(not(feature = "redis-cluster"))]
        false
    }

    /// A connection on which the server answers.
    ///
    /// # Errors
    /// Those of the network, of a server that refuses us, and of one that is no Redis.
    pub(super) async fn open(&self) -> Result<Wire, ConnectError> {
        #[cfg(feature = "redis-cluster")]
        let wire = match &self.nodes {
            // Boxed, since it opens connections by this in turn.
            Some(nodes) => Box::pin(nodes.open(self)).await?,
            None => self.open_at(&self.server.place).await?,
        };
        #[cfg(not(feature = "redis-cluster"))]
        let wire = self.open_at(&self.server.place).await?;
        self.opened.notify_waiters();
        Ok(wire)
    }

    /// A connection to the server at this place.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) async fn open_at(&self, place: &Place) -> Result<Wire, ConnectError> {
        let deadline = Instant::now() + self.limits.connect_timeout;
        let timed_out = |during| move |_| ConnectError::TimedOut { during };
        let socket = timeout_at(deadline, Socket::open(place, &self.tls)).await;
        let socket = socket.map_err(timed_out("opening a connection"))??;
        let mut wire = Wire::new(socket, place, self);
        timeout_at(deadline, wire.greet(&self.server)).await.map_err(timed_out("the first commands"))??;
        Ok(wire)
    }
}

#[cfg(feature = "redis-cluster")]
impl Drop for Dialer {
    fn drop(&mut self) {
        if let Some(checking) = self.checking.get() {
            checking.abort();
        }
    }
}

impl Wire {
    fn new(socket: Socket, place: &Place, dialer: &Dialer) -> Self {
        let now = Instant::now();
        Self {
            socket,
            reader: Reader::new(dialer.limits.inbound_bytes),
            out: Vec::new(),
            written: 0,
            written_before: 0,
            address: place.to_string(),
            heard: now,
            alarm: Box::pin(sleep_until(now + dialer.limits.ping_interval)),
            ping_interval: dialer.limits.ping_interval,
            answer_timeout: dialer.limits.answer_timeout,
            #[cfg(feature = "redis-cluster")]
            cut_off: None,
        }
    }

    /// Says who we are, and waits until all of it is accepted.
    async fn greet(&mut self, server: &Server) -> Result<(), ConnectError> {
        match (&server.user, &server.password) {
            (Some(user), Some(password)) => {
                resp::command(&mut self.out, &[b"AUTH", user.as_bytes(), password.as_bytes()]);
            }
            (None, Some(password)) => resp::command(&mut self.out, &[b"AUTH", password.as_bytes()]),
            (_, None) => {}
        }
        if server.database != 0 {
            resp::command(&mut self.out, &[b"SELECT", server.database.to_string().as_bytes()]);
        }
        let mut owed = usize::from(server.password.is_some()) + usize::from(server.database != 0);
        resp::command(&mut self.out, &[b"PING"]);
        loop {
            std::future::poll_fn(|cx| {
                if let Poll::Ready(Err(error)) = self.poll_send(cx) {
                    return Poll::Ready(Err(error));
                }
                self.poll_receive(cx)
            })
            .await?;
            while let Some(reply) = self.next()? {
                match reply {
                    Reply::Status if owed == 0 => return Ok(()),
                    // A user who may not PING is one of a Redis all the same.
                    Reply::Error(error) if owed == 0 && error.starts_with(b"NOPERM") => return Ok(()),
                    Reply::Status => owed -= 1,
                    Reply::Error(error) => return Err(refusal::connect_error(&error)),
                    _ => return Err(protocol("an answer to PING that Redis does not give")),
                }
            }
        }
    }

    /// The next reply in what was received.
    pub(super) fn next(&mut self) -> Result<Option<Reply>, ConnectError> {
        self.reader.next().map_err(|Malformed(reason)| {
            if self.reader.buffer.starts_with(b"HTTP/") {
                return protocol("it answers as an HTTP server does");
            }
            protocol(reason)
        })
    }

    /// Sends what is in `out`, and gives so many answers.
    ///
    /// # Errors
    /// Those of the connection; a server that is silent for too long is none.
    pub(super) async fn call(&mut self, answers: usize) -> Result<Vec<Value>, ConnectError> {
        let mut found = Vec::with_capacity(answers);
        self.converse(|reader| {
            while found.len() < answers {
                match reader.next_value()? {
                    Some(value) => found.push(value),
                    None => return Ok(false),
                }
            }
            Ok(true)
        })
        .await?;
        Ok(found)
    }

    /// Sends what is in `out`, so many XREADs that do not wait, and gives the answers.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub(super) async fn items(&mut self, reads: usize) -> Result<Vec<Vec<Item>>, ConnectError> {
        let (mut answers, mut items) = (Vec::with_capacity(reads), Vec::new());
        self.converse(|reader| {
            while answers.len() < reads {
                let Some(item) = reader.next_item()? else { return Ok(false) };
                let is_last = matches!(item, Item::End | Item::Error(_));
                items.push(item);
                if is_last {
                    answers.push(std::mem::take(&mut items));
                }
            }
            Ok(true)
        })
        .await?;
        Ok(answers)
    }

    /// Sends what is in `out`, and reads until `take` has all that it asks for.
    async fn converse(
        &mut self,
        mut take: impl FnMut(&mut Reader) -> Result<bool, Malformed>,
    ) -> Result<(), ConnectError> {
        self.asked();
        loop {
            let deadline = self.heard + self.answer_timeout;
            let more = std::future::poll_fn(|cx| {
                if let Poll::Ready(Err(error)) = self.poll_send(cx) {
                    return Poll::Ready(Err(error));
                }
                self.poll_receive(cx)
            });
            timeout_at(deadline, more)
                .await
                .map_err(|_| ConnectError::TimedOut { during: "a command" })??;
            if take(&mut self.reader).map_err(|Malformed(reason)| protocol(reason))? {
                return Ok(());
            }
        }
    }

    /// The next piece of the answer to an XREAD.
    pub(super) fn next_item(&mut self) -> Result<Option<Item>, ConnectError> {
        self.reader.next_item().map_err(|Malformed(reason)| protocol(reason))
    }

    /// The connection is lost when this is told.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn until_cut_off(&mut self, cut_off: tokio::sync::oneshot::Receiver<()>) {
        self.cut_off = Some(cut_off);
    }

    #[cfg(feature = "redis-cluster")]
    fn poll_cut_off(&mut self, cx: &mut Context<'_>) -> Poll<ConnectError> {
        let Some(cut_off) = &mut self.cut_off else { return Poll::Pending };
        let told = ready!(Pin::new(cut_off).poll(cx));
        self.cut_off = None;
        match told {
            Ok(()) => {
                let reason = "its cluster goes on without it";
                Poll::Ready(self.lost(io::Error::new(io::ErrorKind::NotConnected, reason)))
            }
            // Nobody asks any more.
            Err(_) => Poll::Pending,
        }
    }

    /// Receives more. Pending while there is nothing.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        #[cfg(feature = "redis-cluster")]
        if let Poll::Ready(error) = self.poll_cut_off(cx) {
            return Poll::Ready(Err(error));
        }
        let buffer = &mut self.reader.buffer;
        if buffer.capacity() - buffer.len() < READ_CHUNK / 2 {
            buffer.reserve(READ_CHUNK);
        }
        let received = ready!(pin!(self.socket.read_buf(buffer)).poll(cx));
        let received = received.and_then(|count| match count {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")),
            _ => Ok(()),
        });
        self.heard = Instant::now();
        Poll::Ready(received.map_err(|error| self.lost(error)))
    }

    /// Writes `out`. Ready when all of it is written, and `out` is empty.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        if self.out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let sent = ready!(self.poll_write_all(cx));
        Poll::Ready(sent.map_err(|error| self.lost(error)))
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            match ready!(Pin::new(&mut self.socket).poll_write(cx, &self.out[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
        self.written_before += self.written as u64;
        self.written = 0;
        self.out.clear();
        // A burst is no reason to keep its room.
        self.out.shrink_to(WRITE_KEPT);
        Poll::Ready(Ok(()))
    }

    /// Bytes that were written on this connection.
    pub(super) fn written(&self) -> u64 {
        self.written_before + self.written as u64
    }

    /// Bytes that were written before what is in `out`.
    pub(super) fn written_before(&self) -> u64 {
        self.written_before
    }

    /// Something is asked after a time in which the server owed nothing.
    pub(super) fn asked(&mut self) {
        self.heard = Instant::now();
        self.wake_before(self.heard + self.answer_timeout);
    }

    /// Who polls the alarm is woken then at the latest.
    pub(super) fn wake_before(&mut self, deadline: Instant) {
        if deadline < self.alarm.deadline() {
            self.alarm.as_mut().reset(deadline);
        }
    }

    /// Ready when the server has been silent for too long.
    pub(super) fn poll_alarm(&mut self, cx: &mut Context<'_>, owed: bool) -> Poll<Alarm> {
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let due = self.heard + if owed { self.answer_timeout } else { self.ping_interval };
            if Instant::now() >= due {
                return Poll::Ready(if owed { Alarm::Dead } else { Alarm::Silent });
            }
            self.alarm.as_mut().reset(due);
        }
    }

    /// Says that nothing more will be written, and waits until the server has closed the connection too: then it has
    /// forgotten our subscriptions.
    pub(super) async fn shut(mut self, deadline: Instant) {
        let goodbye = async {
            std::future::poll_fn(|cx| Pin::new(&mut self.socket).poll_shutdown(cx)).await?;
            loop {
                self.reader.buffer.clear();
                if self.socket.read_buf(&mut self.reader.buffer).await? == 0 {
                    return Ok::<_, io::Error>(());
                }
            }
        };
        // However it ends, the socket is closed after it.
        let _ = timeout_at(deadline, goodbye).await;
    }

    fn lost(&self, error: io::Error) -> ConnectError {
        // What rustls says of an alert, as when our certificate is refused.
        if error.kind() == io::ErrorKind::InvalidData {
            return protocol(&format!("TLS: {error}"));
        }
        ConnectError::Unreachable { address: self.address.clone(), source: error.into() }
    }
}

pub(super) fn protocol(reason: &str) -> ConnectError {
    ConnectError::Protocol { reason: reason.to_owned() }
}
