//! An inlet that a test reads, and numbered frames.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};

use crate::exchange::sync::{Mutex, MutexGuard};
use crate::{Address, Body, ConnectionState, Frame, Gap, Header, Inlet, Rejection, SendError, Undecodable};

/// Has room for some frames, until they are read.
pub(super) struct Desk {
    room: usize,
    state: Mutex<OnDesk>,
}

#[derive(Default)]
struct OnDesk {
    frames: VecDeque<u64>,
    waker: Option<Waker>,
    reader: Option<Waker>,
    subscribed: Vec<u64>,
    is_closed: bool,
}

impl Desk {
    pub(super) fn new(room: usize) -> Arc<Self> {
        Arc::new(Self { room, state: Mutex::new(OnDesk::default()) })
    }

    fn lock(&self) -> MutexGuard<'_, OnDesk> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self) -> Option<u64> {
        self.read_and_tell(|| true)
    }

    /// Reads, and tells of the room only if it is asked for.
    pub(super) fn read_and_tell(&self, tells: impl FnOnce() -> bool) -> Option<u64> {
        let mut desk = self.lock();
        let number = desk.frames.pop_front()?;
        let waker = if tells() { desk.waker.take() } else { None };
        drop(desk);
        waker.into_iter().for_each(Waker::wake);
        Some(number)
    }

    #[cfg(not(pubsub_loom))]
    pub(super) fn read_all(&self) -> Vec<u64> {
        std::iter::from_fn(|| self.read()).collect()
    }

    /// The next frame; `None` at the end.
    #[cfg(pubsub_loom)]
    pub(super) async fn next(&self) -> Option<u64> {
        std::future::poll_fn(|cx| {
            if let Some(number) = self.read() {
                return Poll::Ready(Some(number));
            }
            let mut desk = self.lock();
            if !desk.frames.is_empty() {
                drop(desk);
                return Poll::Ready(self.read());
            }
            if desk.is_closed {
                return Poll::Ready(None);
            }
            desk.reader = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn wake_reader(mut desk: MutexGuard<'_, OnDesk>) {
        let reader = desk.reader.take();
        drop(desk);
        reader.into_iter().for_each(Waker::wake);
    }

    #[cfg(not(pubsub_loom))]
    pub(super) fn subscribed(&self) -> Vec<u64> {
        std::mem::take(&mut self.lock().subscribed)
    }

    #[cfg(not(pubsub_loom))]
    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }
}

impl Inlet for Desk {
    fn poll_ready(&self, waker: &Waker) -> Poll<()> {
        let mut desk = self.lock();
        if desk.frames.len() < self.room {
            return Poll::Ready(());
        }
        desk.waker = Some(waker.clone());
        Poll::Pending
    }

    fn deliver(&self, frame: Frame) {
        let mut desk = self.lock();
        assert!(!desk.is_closed, "an event after the end");
        assert!(desk.frames.len() < self.room, "an event without room");
        desk.frames.push_back(number(&frame));
        Self::wake_reader(desk);
    }

    fn subscribed(&self, request: u64) {
        self.lock().subscribed.push(request);
    }

    fn refused(&self, _: u64, _: Address, _: Rejection) {}

    fn gap(&self, _: Option<Address>, _: Gap) {}

    fn undecodable(&self, _: Undecodable) {}

    fn not_sent(&self, _: Header, _: SendError) {}

    fn state(&self, state: ConnectionState) {
        assert!(matches!(state, ConnectionState::Closed { error: None }));
        let mut desk = self.lock();
        assert!(!std::mem::replace(&mut desk.is_closed, true), "the end was told twice");
        Self::wake_reader(desk);
    }
}

pub(super) fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

pub(super) fn frame(topic: &str, id: &str, number: u64) -> Frame {
    Frame { header: Header::new(topic, id), body: Body::Shared(Arc::new(number)) }
}

pub(super) fn number(frame: &Frame) -> u64 {
    let Body::Shared(number) = &frame.body else { panic!("bytes") };
    *number.downcast_ref().expect("a number")
}
