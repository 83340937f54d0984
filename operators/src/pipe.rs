//! `pipe` in its three spellings (function, method, macro), and tuples as operators.

use futures_core::Stream;

use crate::{Flow, Operator};

/// Applies `operator` to `source`: the free form of [`StreamOps::pipe`].
///
/// ```
/// use futures::{executor::block_on, stream};
/// use pubsub_operators::{filter, map, pipe, take, to_vec};
///
/// let squares = pipe(stream::iter(1..), (filter(|x| x % 2 == 1), map(|x| x * x), take(3), to_vec()));
/// assert_eq!(block_on(squares), [1, 9, 25]);
/// ```
#[inline(always)]
pub fn pipe<S, O: Operator<S>>(source: S, operator: O) -> O::Out {
    operator.apply(source)
}

/// The three methods every stream gets. Their names are used by no other extension trait, so importing this beside
/// `futures::StreamExt` or `tokio_stream::StreamExt` makes nothing ambiguous.
pub trait StreamOps: Stream + Sized {
    /// Enters [`Flow`], where the operators are methods.
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// assert_eq!(block_on(stream::iter(0..6).flow().filter(|x| x % 2 == 0).to_vec()), [0, 2, 4]);
    /// ```
    #[inline(always)]
    fn flow(self) -> Flow<Self> {
        Flow::new(self)
    }

    /// Applies an operator: a value, a tuple of them, a [`stage`](crate::stage) or a function.
    ///
    /// ```text
    /// in   --1---2--3---4--|
    ///        pipe((odd, map(x 10)))
    /// out  --10-----30-----|
    /// ```
    ///
    /// In a tuple the compiler looks at a closure before it knows the item type, so a closure that uses a field or a
    /// method of the item says the type: `filter(|event: &Event| event.urgent)`. Where that is too much to write, use
    /// the methods of [`Flow`], [`through`](Self::through), a `stage` or [`pipe!`](crate::pipe!).
    ///
    /// ```
    /// use futures::{Stream, executor::block_on, stream};
    /// use pubsub_operators::{StreamOps, map, take, to_vec};
    ///
    /// fn odd(numbers: impl Stream<Item = u32>) -> impl Stream<Item = u32> {
    ///     numbers.flow().filter(|n| n % 2 == 1)
    /// }
    ///
    /// let tens = stream::iter(0..).pipe((odd, take(2), map(|n| n * 10), to_vec()));
    /// assert_eq!(block_on(tens), [10, 30]);
    /// ```
    #[doc(alias = "lift")]
    #[inline(always)]
    fn pipe<O: Operator<Self>>(self, operator: O) -> O::Out {
        operator.apply(self)
    }

    /// Hands the flow to a closure. Unlike [`pipe`](Self::pipe) with a closure, its parameter needs no annotation.
    ///
    /// ```text
    /// in   --1---2--3--|
    ///        through(map, then filter)
    /// out  ------4--6--|     doubled, and more than 2
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let words = stream::iter(["one", "three"]).through(|words| words.filter(|word| word.len() > 3).to_vec());
    /// assert_eq!(block_on(words), ["three"]);
    /// ```
    #[inline(always)]
    fn through<R>(self, f: impl FnOnce(Flow<Self>) -> R) -> R {
        f(Flow::new(self))
    }
}

impl<S: Stream> StreamOps for S {}

/// `pipe!(source, filter(..), map(..), take(3))`: the methods of [`Flow`](crate::Flow), written as a list of steps.
///
/// Every closure is inferred, and no extension trait can get in the way.
///
/// ```
/// use futures::{executor::block_on, stream};
///
/// let long = pubsub_operators::pipe!(
///     stream::iter(["a", "bcd", "ef"]),
///     filter(|word| word.len() > 1),
///     map(|word| word.len()),
///     to_vec(),
/// );
/// assert_eq!(block_on(long), [3, 2]);
/// ```
#[macro_export]
macro_rules! pipe {
    ($source:expr $(, $operator:ident ( $($argument:tt)* ))* $(,)?) => {
        $crate::StreamOps::flow($source)$(.$operator($($argument)*))*
    };
}

impl<S> Operator<S> for () {
    type Out = S;

    #[inline(always)]
    fn apply(self, source: S) -> S {
        source
    }
}

impl<S, A: Operator<S>> Operator<S> for (A,) {
    type Out = A::Out;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        self.0.apply(source)
    }
}

/// Each operator of a tuple is one over what the operator before it gives.
macro_rules! tuple_operators {
    ($first:ident [$($before:ident $operator:ident)*] $last:ident $next:ident $($rest:ident)*) => {
        impl<S, $first, $($operator,)* $next> Operator<S> for ($first, $($operator,)* $next)
        where
            $first: Operator<S>,
            $($operator: Operator<$before::Out>,)*
            $next: Operator<$last::Out>,
        {
            type Out = $next::Out;

            #[inline(always)]
            #[allow(non_snake_case, reason = "the type parameters name the values too")]
            fn apply(self, source: S) -> Self::Out {
                let ($first, $($operator,)* $next) = self;
                let source = $first.apply(source);
                $(let source = $operator.apply(source);)*
                $next.apply(source)
            }
        }

        tuple_operators!($first [$($before $operator)* $last $next] $next $($rest)*);
    };
    ($first:ident [$($done:ident)*] $last:ident) => {};
}

tuple_operators!(A [] A B C D E F G H I J K L);
