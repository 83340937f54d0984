//! What `flat` can flatten: anything iterable, and any stream, under one name.

use core::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

/// How [`flat`](crate::Flow::flat) reads an item that is iterable.
#[derive(Debug)]
pub enum ViaIterator {}

/// How [`flat`](crate::Flow::flat) reads an item that is a stream.
#[derive(Debug)]
pub enum ViaStream {}

/// An item with items inside: everything that is `IntoIterator` (`Vec`, `Option`, a range), and every `Stream`.
///
/// `M` says which of the two and is inferred, which is what lets both have one name. A type that is both has to be
/// told apart: `.map(|item| item.into_iter().collect::<Vec<_>>())`, or `flat::<ViaStream>()`.
#[diagnostic::on_unimplemented(
    message = "`flat` cannot look inside `{Self}`",
    label = "neither iterable nor a stream",
    note = "the items must be `IntoIterator`, like `Vec` or `Option`, or `Stream`"
)]
pub trait IntoFlat<M> {
    /// What is inside.
    type Item;

    /// The iterator or stream that gives it.
    type Inner;

    #[doc(hidden)]
    fn into_flat(self) -> Self::Inner;

    #[doc(hidden)]
    fn poll_inner(inner: Pin<&mut Self::Inner>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>>;

    #[doc(hidden)]
    fn inner_hint(inner: &Self::Inner) -> (usize, Option<usize>);
}

impl<I: IntoIterator> IntoFlat<ViaIterator> for I
where
    I::IntoIter: Unpin,
{
    type Item = I::Item;
    type Inner = I::IntoIter;

    #[inline]
    fn into_flat(self) -> I::IntoIter {
        self.into_iter()
    }

    #[inline]
    fn poll_inner(inner: Pin<&mut I::IntoIter>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(inner.get_mut().next())
    }

    #[inline]
    fn inner_hint(inner: &I::IntoIter) -> (usize, Option<usize>) {
        inner.size_hint()
    }
}

impl<S: Stream> IntoFlat<ViaStream> for S {
    type Item = S::Item;
    type Inner = S;

    #[inline]
    fn into_flat(self) -> S {
        self
    }

    #[inline]
    fn poll_inner(inner: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        inner.poll_next(cx)
    }

    #[inline]
    fn inner_hint(inner: &S) -> (usize, Option<usize>) {
        inner.size_hint()
    }
}
