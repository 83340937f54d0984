//! What the operators of two sources share.

use core::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

pub(crate) type Hint = (usize, Option<usize>);

/// Polls a source that may be gone and drops it in the poll in which it ends. A source that is gone is at its end.
#[inline]
pub(crate) fn poll_released<S: Stream>(
    mut source: Pin<&mut Option<S>>,
    cx: &mut Context<'_>,
) -> Poll<Option<S::Item>> {
    let Some(present) = source.as_mut().as_pin_mut() else {
        return Poll::Ready(None);
    };
    let next = present.poll_next(cx);
    if let Poll::Ready(None) = next {
        source.set(None);
    }
    next
}

/// The hint of a source that may be gone.
pub(crate) fn hint<S: Stream>(source: &Option<S>) -> Hint {
    source.as_ref().map_or((0, Some(0)), S::size_hint)
}

/// Both, one after the other or interleaved.
pub(crate) fn sum(a: Hint, b: Hint) -> Hint {
    (a.0.saturating_add(b.0), a.1.zip(b.1).and_then(|(a, b)| a.checked_add(b)))
}
