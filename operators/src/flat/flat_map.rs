//! `flat_map`: `map`, then `flat`. It needs no adaptor of its own; the picture and the examples stand at the method
//! and at [`flat_map`].

use core::marker::PhantomData;

use futures_core::Stream;

use super::{Flat, IntoFlat};
use crate::{Flow, Map, Operator, map, operator::operator_value};

operator_value! {
    /// What [`flat_map`] gives.
    FlatMapOp<[T, M], F> { convert: F }
}

/// Converts every item into something iterable or a stream, and emits what is inside: [`map`](crate::map()) followed
/// by [`flat`](crate::flat()), as an operator value.
///
/// ```text
/// in   --1-----3--------|
///        flat_map(0..n)
/// out  --0-----(0 1 2)--|
/// ```
///
/// ```
/// use futures::{executor::block_on, stream};
/// use pubsub_operators::StreamOps;
///
/// let counted = stream::iter([1, 3]).flow().flat_map(|n| 0..n);
/// assert_eq!(block_on(counted.to_vec()), [0, 0, 1, 2]);
/// ```
///
/// Order, bounds and fusing as [`Flat`].
#[inline]
pub fn flat_map<T, I, M, F>(convert: F) -> FlatMapOp<T, M, F>
where
    I: IntoFlat<M>,
    F: FnMut(T) -> I,
{
    FlatMapOp { convert, phantom: PhantomData }
}

impl<S, T, I, M, F> Operator<S> for FlatMapOp<T, M, F>
where
    S: Stream<Item = T>,
    I: IntoFlat<M>,
    F: FnMut(T) -> I,
{
    type Out = Flow<Flat<Map<S, F>, M>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Flat::new(map(self.convert).apply(source).into_inner()))
    }
}
