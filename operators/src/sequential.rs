//! What `filter_async` and `map_async` share: one call of an async closure at a time, parked between polls.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

pin_project! {
    /// `Step` makes a future from the closure and an item; the future gives the closure back, and perhaps an item.
    /// With `every` it always gives one, which makes the lower size hint exact.
    pub(crate) struct Sequential<S, F, Step, Fut> {
        #[pin]
        source: Option<S>,
        // Away while a call is in flight, and for ever if the closure panicked.
        closure: Option<F>,
        step: Step,
        #[pin]
        in_flight: Option<Fut>,
        every: bool,
    }
}

impl<S, F, Step, Fut> Sequential<S, F, Step, Fut> {
    pub(crate) fn new(source: S, closure: F, step: Step, every: bool) -> Self {
        Self { source: Some(source), closure: Some(closure), step, in_flight: None, every }
    }
}

impl<S, F, B, Step, Fut> Stream for Sequential<S, F, Step, Fut>
where
    S: Stream,
    Step: FnMut(F, S::Item) -> Fut,
    Fut: Future<Output = (F, Option<B>)>,
{
    type Item = B;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<B>> {
        let mut this = self.project();
        loop {
            if let Some(call) = this.in_flight.as_mut().as_pin_mut() {
                let (closure, item) = ready!(call.poll(cx));
                *this.closure = Some(closure);
                this.in_flight.set(None);
                if item.is_some() {
                    return Poll::Ready(item);
                }
            }
            let Some(source) = this.source.as_mut().as_pin_mut() else {
                return Poll::Ready(None);
            };
            match ready!(source.poll_next(cx)) {
                Some(item) => {
                    let closure = this.closure.take().expect("the async closure panicked in an earlier poll");
                    this.in_flight.set(Some((this.step)(closure, item)));
                }
                None => {
                    this.source.set(None);
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let in_flight = usize::from(self.in_flight.is_some());
        let (lower, upper) = self.source.as_ref().map_or((0, Some(0)), S::size_hint);
        let lower = if self.every { lower.saturating_add(in_flight) } else { 0 };
        (lower, upper.and_then(|upper| upper.checked_add(in_flight)))
    }
}

impl<S, F, B, Step, Fut> FusedStream for Sequential<S, F, Step, Fut>
where
    S: Stream,
    Step: FnMut(F, S::Item) -> Fut,
    Fut: Future<Output = (F, Option<B>)>,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none() && self.in_flight.is_none()
    }
}
