//! `filter_async`: the predicate may wait, and may borrow its item while it does.

use futures_core::{FusedStream, Stream};

use crate::{Flow, sequential::Sequential};

/// One call of the predicate. It owns closure and item while it runs and gives them back, so that the closure can
/// borrow both across its awaits without a box.
async fn step<T, F>(mut predicate: F, item: T) -> (F, Option<T>)
where
    F: AsyncFnMut(&T) -> bool,
{
    let keep = predicate(&item).await;
    (predicate, keep.then_some(item))
}

// Reached through `Flow::filter_async`, which carries the documentation; it is free so that the list of methods can
// be expanded on other types than `Flow`.
#[doc(hidden)]
#[inline]
pub fn filter_async<S, F>(source: S, predicate: F) -> Flow<impl FusedStream<Item = S::Item>>
where
    S: Stream,
    F: AsyncFnMut(&S::Item) -> bool,
{
    Flow::new(Sequential::new(source, predicate, step::<S::Item, F>, false))
}
