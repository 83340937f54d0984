//! The future of the next item of a stream of this crate.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::future::FusedFuture;
use futures_core::stream::FusedStream;

/// The next item of a [`Subscription`](crate::Subscription), [`Deliveries`](crate::Deliveries) or
/// [`Errors`](crate::Errors).
///
/// # Cancel safety
/// It borrows the stream and holds nothing itself: dropping it loses nothing.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited or polled"]
pub struct Next<'a, S> {
    stream: &'a mut S,
}

impl<'a, S> Next<'a, S> {
    pub(crate) fn new(stream: &'a mut S) -> Self {
        Self { stream }
    }
}

impl<S: Stream + Unpin> Future for Next<'_, S> {
    type Output = Option<S::Item>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.stream).poll_next(cx)
    }
}

/// What `select!` of the crate `futures` asks for.
impl<S: FusedStream + Unpin> FusedFuture for Next<'_, S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_terminated()
    }
}
