//! The task of one connection.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::poll_proceed;
use tokio::time::{Sleep, sleep, timeout};

use super::asking::Asking;
use super::events::HubEvent;
use super::handle::HubConnection;
use super::notices::Notice;
use super::shared::{Fate, Shared, Task};
use crate::websocket::socket::{Close, Received, SocketError, WebSocket};
use crate::websocket::{CloseCode, ConnectionId, Outgoing};

/// How much is taken from the queue at once: what one call writes.
const PULL: usize = 64 * 1024;

thread_local! {
    /// Rooms that the connections of a thread share.
    static RECEIVED: Cell<Vec<Received>> = const { Cell::new(Vec::new()) };
    static OUTGOING: Cell<Vec<Outgoing>> = const { Cell::new(Vec::new()) };
}

/// What is there of a connection while its task runs; with it everything goes.
pub(super) struct Presence {
    pub(super) handle: HubConnection,
    pub(super) code: CloseCode,
    pub(super) _task: Task,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let (handle, code) = (self.handle.clone(), self.code);
        self.handle.shared.act(|core, _| {
            core.leave(handle.key);
            core.notify(Notice::Connection(HubEvent::Disconnected { connection: handle, code }));
        });
    }
}

/// How it ended.
pub(super) enum End {
    /// The close frame is among what waits to be written, or was answered.
    Agreed(CloseCode),
    /// There is nobody to write to.
    Broken(CloseCode),
}

pub(super) struct Serving<S> {
    pub(super) shared: Arc<Shared>,
    pub(super) id: ConnectionId,
    pub(super) socket: WebSocket<S>,
    pub(super) presence: Presence,
    pub(super) asking: Asking,
    /// How it ended, while what was read before is not done with.
    pub(super) ended: Option<End>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Serving<S> {
    pub(super) async fn run(mut self) {
        let mut deadline = None;
        let end = poll_fn(|cx| self.poll(cx, &mut deadline)).await;
        let (End::Agreed(code) | End::Broken(code)) = end;
        self.presence.code = code;
        if let End::Agreed(_) = end {
            // No event goes to it any more, while the two sides take leave.
            let key = self.presence.handle.key;
            self.shared.act(|core, _| core.leave(key));
            let _ = timeout(self.shared.times.close, self.socket.finish()).await;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, deadline: &mut Option<Pin<Box<Sleep>>>) -> Poll<End> {
        while let Poll::Ready(read) = self.poll_incoming(cx) {
            if let Some(end) = read {
                return Poll::Ready(end);
            }
        }
        let fate = match self.poll_write(cx) {
            Ok(fate) => fate,
            Err(end) => return Poll::Ready(end),
        };
        match fate {
            Fate::Stays => Poll::Pending,
            Fate::Stopped => Poll::Ready(End::Broken(CloseCode::Shutdown)),
            // Written or not, it ends after a while.
            Fate::Closing(code) => {
                let deadline = deadline.get_or_insert_with(|| Box::pin(sleep(self.shared.times.close)));
                deadline.as_mut().poll(cx).map(|()| End::Broken(code))
            }
        }
    }

    /// Goes on with what was read, and with reading, as far as no answer is awaited.
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        ready!(self.asking.poll(cx, &self.shared, self.presence.handle.key, self.id));
        if self.asking.is_holding() {
            drop(ready!(poll_proceed(cx)));
            let held = self.asking.take_held();
            let close = self.receive(cx, held.into_iter());
            return Poll::Ready(close.map(|close| End::Agreed(CloseCode::from(close.code))));
        }
        match self.ended.take() {
            Some(end) => Poll::Ready(Some(end)),
            None => self.poll_read(cx),
        }
    }

    /// Reads what is there, and says it to the protocol.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        let mut received = RECEIVED.take();
        let read = self.socket.poll_receive(cx, |one| received.push(one));
        let end = read.map(|result| {
            let close = if received.is_empty() { None } else { self.receive(cx, received.drain(..)) };
            let end = match (close, result) {
                (Some(close), _) => Some(End::Agreed(CloseCode::from(close.code))),
                (None, Ok(())) => None,
                (None, Err(error)) => Some(match error {
                    SocketError::Violation(_) => End::Agreed(CloseCode::from(error.close_code())),
                    SocketError::Io(_) | SocketError::Ended => End::Broken(CloseCode::Abnormal),
                }),
            };
            if self.asking.is_holding() {
                self.ended = end;
                return None;
            }
            end
        });
        received.clear();
        RECEIVED.set(received);
        end
    }

    /// Each message takes its part of what the runtime lets a task do in a row: who reads at the hub's own bus has a turn
    /// before it is outrun.
    fn receive(
        &mut self,
        cx: &mut Context<'_>,
        mut received: impl Iterator<Item = Received>,
    ) -> Option<Close> {
        let (key, id, asking) = (self.presence.handle.key, self.id, &mut self.asking);
        self.shared.act(|core, now| {
            core.work(key, id);
            while let Some(one) = received.next() {
                match one {
                    Received::Message(message) => {
                        core.protocol.receive(now, id, &message);
                        if core.protocol.is_asking(id) {
                            asking.ask_before(received);
                            break;
                        }
                        let Poll::Ready(budget) = poll_proceed(cx) else {
                            asking.hold(received);
                            break;
                        };
                        budget.made_progress();
                    }
                    Received::Alive => core.protocol.pong(now, id),
                    Received::Close(close) => return Some(close),
                }
            }
            None
        })
    }

    /// Writes what there is, until it has to wait: for more, or for the socket.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<Fate, End> {
        let key = self.presence.handle.key;
        let mut drained = None;
        loop {
            if self.socket.waiting() > 0 {
                match self.socket.poll_flush(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Err(End::Broken(CloseCode::Abnormal)),
                    Poll::Pending => {
                        let mut core = self.shared.lock();
                        core.wait(key, self.id, cx.waker(), true);
                        return Ok(core.fate(key, self.id));
                    }
                }
            }
            match drained {
                Some(fate) => return Ok(fate),
                None => drained = self.pull(cx)?,
            }
        }
    }

    /// Takes what waits in the protocol. If that was all, whoever adds more wakes the task.
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<Fate>, End> {
        let mut outgoing = OUTGOING.take();
        let (key, id) = (self.presence.handle.key, self.id);
        let drained = self.shared.act(|core, now| {
            let more = core.protocol.pull(now, id, PULL, &mut outgoing);
            if more {
                return None;
            }
            core.wait(key, id, cx.waker(), false);
            Some(core.fate(key, id))
        });
        let mut end = None;
        for one in outgoing.drain(..) {
            match one {
                Outgoing::Message(message) => self.socket.send(message),
                Outgoing::Ping => self.socket.ping(),
                Outgoing::Close(code) => {
                    self.socket.close(&Close::new(code.number(), code.reason()));
                    end = Some(End::Agreed(code));
                }
            }
        }
        OUTGOING.set(outgoing);
        end.map_or(Ok(drained), Err)
    }
}
