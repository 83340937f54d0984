//! `map_async`: the conversion may wait.

use futures_core::{FusedStream, Stream};

use crate::{Flow, sequential::Sequential};

/// One call of the conversion. It owns the closure while it runs and gives it back, so that the closure can borrow
/// its own state across awaits without a box.
async fn step<T, B, F>(mut convert: F, item: T) -> (F, Option<B>)
where
    F: AsyncFnMut(T) -> B,
{
    let converted = convert(item).await;
    (convert, Some(converted))
}

// Reached through `Flow::map_async`, which carries the documentation; it is free so that the list of methods can be
// expanded on other types than `Flow`.
#[doc(hidden)]
#[inline]
pub fn map_async<S, B, F>(source: S, convert: F) -> Flow<impl FusedStream<Item = B>>
where
    S: Stream,
    F: AsyncFnMut(S::Item) -> B,
{
    Flow::new(Sequential::new(source, convert, step::<S::Item, B, F>, true))
}
