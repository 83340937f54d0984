//! `flat_merge`: several inner streams at once.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::turns::Turns;
use crate::{Flow, Operator, access::source_access, operator::operator_value, pair};

pin_project! {
    /// The items of the streams inside the items, of up to `limit` of them at once, as they come.
    ///
    /// ```text
    /// in   --A-----B---------|
    ///        A: --1---2---3|
    ///              B: --4-5--6|
    ///        flat_merge(2)
    /// out  ----1---2--4-(3 5)--6|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let streams = stream::iter([vec![1, 2, 3], vec![10, 20]]).flow().map(stream::iter);
    /// assert_eq!(block_on(streams.flat_merge(2).to_vec()), [1, 10, 2, 20, 3]);
    /// ```
    ///
    /// While `limit` inner streams are open the source is not polled. Those that are ready take turns; one that waits is
    /// not polled before it is woken. Each is dropped when it ends, which makes room for the next. The source is
    /// dropped when it ends; the merged stream ends with the last inner stream. Fused. With a limit of 1 it is
    /// [`Flat`](crate::Flat); after [`group_by`](crate::Flow::group_by) the limit should be at least the number of
    /// groups.
    ///
    /// # Bounds
    ///
    /// Holds up to `limit` inner streams, and no item. One allocation per inner stream, and one per place. Empty inner
    /// streams in a row are passed in one poll, as by [`Filter`](crate::Filter).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of `next` loses nothing. Dropping the adaptor drops the inner streams.
    ///
    /// # Panics
    ///
    /// At construction, if `limit` is 0.
    #[must_use = "streams do nothing unless polled"]
    pub struct FlatMerge<S: Stream> {
        #[pin]
        source: Option<S>,
        places: Vec<Place<S::Item>>,
        free: Vec<usize>,
        limit: usize,
        turns: Shared,
    }
}

/// The turns, which the wakers of the inner streams hold too.
#[derive(Default)]
struct Shared(Arc<Turns>);

impl Drop for Shared {
    fn drop(&mut self) {
        self.0.forget_task();
    }
}

struct Place<I> {
    stream: Option<Pin<Box<I>>>,
    waker: Waker,
}

source_access!(released FlatMerge<S> where S: Stream);

impl<S: Stream> FlatMerge<S> {
    fn open(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

impl<S> Stream for FlatMerge<S>
where
    S: Stream,
    S::Item: Stream,
{
    type Item = <S::Item as Stream>::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        this.turns.0.set_task(cx.waker());
        // One turn for each that has been woken by now; one that wakes itself meanwhile has to come again.
        let mut left = this.turns.0.len();
        let mut source_waits = false;
        loop {
            while !source_waits && this.source.is_some() && this.places.len() - this.free.len() < *this.limit
            {
                match pair::poll_released(this.source.as_mut(), cx) {
                    Poll::Ready(Some(stream)) => {
                        let stream = Some(Box::pin(stream));
                        let place = match this.free.pop() {
                            Some(place) => {
                                this.places[place].stream = stream;
                                place
                            }
                            None => {
                                let waker = this.turns.0.waker(this.places.len());
                                this.places.push(Place { stream, waker });
                                this.places.len() - 1
                            }
                        };
                        this.turns.0.push(place);
                        left += 1;
                    }
                    Poll::Ready(None) => {}
                    Poll::Pending => source_waits = true,
                }
            }
            if left == 0 {
                break;
            }
            left -= 1;
            let Some(at) = this.turns.0.pop() else { break };
            let place = &mut this.places[at];
            let Some(mut stream) = place.stream.take() else {
                // Woken after its end.
                continue;
            };
            // Its place is free meanwhile: if it panics it is gone, as if it had ended.
            this.free.push(at);
            let next = stream.as_mut().poll_next(&mut Context::from_waker(&place.waker));
            if let Poll::Ready(None) = next {
                continue;
            }
            place.stream = Some(stream);
            this.free.pop();
            if next.is_ready() {
                this.turns.0.push(at);
                return next;
            }
        }
        if this.source.is_none() && this.places.len() == this.free.len() {
            return Poll::Ready(None);
        }
        Poll::Pending
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let inner = self
            .places
            .iter()
            .filter_map(|place| place.stream.as_ref())
            .map(Stream::size_hint)
            .fold((0, Some(0)), pair::sum);
        let more = self.source.as_ref().is_some_and(|source| source.size_hint().1 != Some(0));
        (inner.0, inner.1.filter(|_| !more))
    }
}

impl<S> FusedStream for FlatMerge<S>
where
    S: Stream,
    S::Item: Stream,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none() && self.open() == 0
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for FlatMerge<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlatMerge")
            .field("source", &self.source)
            .field("open", &self.open())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`flat_merge`] gives.
    FlatMergeOp<[]> { limit: usize }
}

/// [`FlatMerge`] as an operator value.
///
/// # Panics
///
/// If `limit` is 0.
#[inline]
pub fn flat_merge(limit: usize) -> FlatMergeOp {
    assert!(
        limit > 0,
        "flat_merge(0) would open nothing: pass how many inner streams may be open at once, at least 1"
    );
    FlatMergeOp { limit, phantom: PhantomData }
}

impl<S> Operator<S> for FlatMergeOp
where
    S: Stream,
    S::Item: Stream,
{
    type Out = Flow<FlatMerge<S>>;

    #[inline]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(FlatMerge {
            source: Some(source),
            places: Vec::new(),
            free: Vec::new(),
            limit: self.limit,
            turns: Shared::default(),
        })
    }
}
