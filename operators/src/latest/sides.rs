//! What `latest` and `latest_map` share: two sources, and the last item of each.

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::pair::{Hint, hint, poll_released, sum};

pin_project! {
    pub(super) struct Sides<A: Stream, B: Stream> {
        #[pin]
        pub(super) left: Option<A>,
        #[pin]
        pub(super) right: Option<B>,
        left_item: Option<A::Item>,
        right_item: Option<B::Item>,
        right_first: bool,
    }
}

impl<A: Stream, B: Stream> Sides<A, B> {
    pub(super) fn new(left: A, right: B) -> Self {
        Self { left: Some(left), right: Some(right), left_item: None, right_item: None, right_first: false }
    }

    /// Takes one item of either side. Ready with both last items once each side has had one.
    pub(super) fn poll_both<'a>(
        self: Pin<&'a mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(&'a A::Item, &'a B::Item)>> {
        let mut this = self.project();
        loop {
            let mut arrived = false;
            let mut waiting = false;
            let mut never = false;
            let mut right = *this.right_first;
            for _ in 0..2 {
                let next = if right {
                    poll_released(this.right.as_mut(), cx)
                        .map(|next| next.map(|item| *this.right_item = Some(item)))
                } else {
                    poll_released(this.left.as_mut(), cx)
                        .map(|next| next.map(|item| *this.left_item = Some(item)))
                };
                match next {
                    Poll::Ready(Some(())) => {
                        *this.right_first = !right;
                        arrived = true;
                        break;
                    }
                    Poll::Ready(None) => {
                        // An item of the other side would find no partner: it is not taken.
                        never = if right { this.right_item.is_none() } else { this.left_item.is_none() };
                        if never {
                            break;
                        }
                    }
                    Poll::Pending => waiting = true,
                }
                right = !right;
            }
            if never || !(arrived || waiting) {
                // Nothing can be combined any more: what is left of either side is released.
                this.left.set(None);
                this.right.set(None);
                *this.left_item = None;
                *this.right_item = None;
                return Poll::Ready(None);
            }
            if !arrived {
                return Poll::Pending;
            }
            if this.left_item.is_some() && this.right_item.is_some() {
                break;
            }
        }
        Poll::Ready(this.left_item.as_ref().zip(this.right_item.as_ref()))
    }

    pub(super) fn is_terminated(&self) -> bool {
        self.left.is_none() && self.right.is_none()
    }

    pub(super) fn size_hint(&self) -> Hint {
        let (left, right) = (hint(&self.left), hint(&self.right));
        let both = sum(left, right);
        // The first item of a side that had none combines only if the other side has one.
        match (self.left_item.is_some(), self.right_item.is_some()) {
            (true, true) => both,
            (true, false) if right.1 == Some(0) => (0, Some(0)),
            (true, false) => (right.0, both.1),
            (false, true) if left.1 == Some(0) => (0, Some(0)),
            (false, true) => (left.0, both.1),
            (false, false) if left.1 == Some(0) || right.1 == Some(0) => (0, Some(0)),
            (false, false) => (left.0.min(right.0), both.1.map(|upper| upper - 1)),
        }
    }
}

impl<A: Stream + fmt::Debug, B: Stream + fmt::Debug> Sides<A, B> {
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name).field("left", &self.left).field("right", &self.right).finish_non_exhaustive()
    }
}
