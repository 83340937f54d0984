//! What `with_latest` and `with_latest_map` share: a source, and the last item of another.

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::pair::{Hint, hint, poll_released};

pin_project! {
    pub(super) struct Sampled<A, B: Stream> {
        #[pin]
        pub(super) left: Option<A>,
        #[pin]
        pub(super) right: Option<B>,
        right_item: Option<B::Item>,
    }
}

impl<A: Stream, B: Stream> Sampled<A, B> {
    pub(super) fn new(left: A, right: B) -> Self {
        Self { left: Some(left), right: Some(right), right_item: None }
    }

    /// Takes one item of the left side, with what the right side has given last.
    pub(super) fn poll_left<'a>(
        self: Pin<&'a mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(A::Item, &'a B::Item)>> {
        let mut this = self.project();
        // Everything the right side has is taken before the left one is asked, or it would not be the latest.
        while let Poll::Ready(Some(item)) = poll_released(this.right.as_mut(), cx) {
            *this.right_item = Some(item);
        }
        let item = loop {
            if this.right.is_none() && this.right_item.is_none() {
                // No item of the left side can find a partner any more.
                this.left.set(None);
                return Poll::Ready(None);
            }
            match ready!(poll_released(this.left.as_mut(), cx)) {
                Some(item) if this.right_item.is_some() => break item,
                Some(_) => {}
                None => {
                    this.right.set(None);
                    *this.right_item = None;
                    return Poll::Ready(None);
                }
            }
        };
        Poll::Ready(this.right_item.as_ref().map(|latest| (item, latest)))
    }

    pub(super) fn is_terminated(&self) -> bool {
        self.left.is_none()
    }

    pub(super) fn size_hint(&self) -> Hint {
        let (lower, upper) = hint(&self.left);
        (if self.right_item.is_some() { lower } else { 0 }, upper)
    }
}

impl<A: fmt::Debug, B: Stream + fmt::Debug> Sampled<A, B> {
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name).field("left", &self.left).field("right", &self.right).finish_non_exhaustive()
    }
}
