//! The trait behind `pipe`, and the two macros every operator file uses for its value.

/// Something that can be applied to a source, once: stream to stream, or stream to future.
///
/// Operators are
///
/// * the values of this crate: [`filter`](crate::filter), [`take`](crate::take), [`batch`](crate::batch) and so on,
/// * tuples of up to twelve operators, applied from left to right; `()` is the identity, tuples nest,
/// * a [`stage`](crate::stage), where each closure learns its item type from the step before,
/// * every function and closure from a source to anything,
/// * your own types.
///
/// ```
/// use futures::{Stream, executor::block_on, stream};
/// use pubsub_operators::{Flow, Operator, StreamOps, Take, to_vec};
///
/// /// The first three items of anything.
/// struct TopThree;
///
/// impl<S: Stream> Operator<S> for TopThree {
///     type Out = Flow<Take<S>>;
///
///     fn apply(self, source: S) -> Self::Out {
///         source.flow().take(3)
///     }
/// }
///
/// assert_eq!(block_on(stream::iter(0..9).pipe((TopThree, to_vec()))), [0, 1, 2]);
/// ```
///
/// # Returning an operator from a function
///
/// Name what comes out, and say `Send` there if the result is to be spawned, because the compiler does not look
/// through the opaque type for it: `fn hot<S: Stream<Item = Event> + Send>() -> impl Operator<S, Out:
/// Stream<Item = u32> + Send>`. A plain function from stream to stream needs no such care.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an operator over `{S}`",
    label = "cannot be applied to `{S}`",
    note = "an operator is a value such as `filter(..)` or `take(..)`, a tuple of operators, a `stage`, or a function from stream to something",
    note = "its item type must be the item type of the stream, and nothing can follow `to_vec` or `reduce`, which give a future"
)]
pub trait Operator<S> {
    /// What the operator makes of the source: for those of this crate a [`Flow`](crate::Flow), or a future.
    type Out;

    /// Applies the operator to `source`. Nothing is polled.
    fn apply(self, source: S) -> Self::Out;
}

// Without this the compiler says of everything that is no operator that it is no closure.
#[diagnostic::do_not_recommend]
impl<S, R, F: FnOnce(S) -> R> Operator<S> for F {
    type Out = R;

    #[inline(always)]
    fn apply(self, source: S) -> R {
        self(source)
    }
}

/// Declares the value of an operator: `Name<[phantom types], real types> { fields }`.
///
/// The phantom types let a closure's signature be deduced before the source is known. Deriving `Clone` would ask
/// them to be `Clone` too, so it is written out here.
macro_rules! operator_value {
    (
        $(#[$meta:meta])*
        $name:ident<[$($phantom:ident),*] $(, $param:ident)*> { $($field:ident: $ty:ty),* $(,)? }
    ) => {
        $(#[$meta])*
        #[must_use = "an operator does nothing until it is applied to a stream"]
        pub struct $name<$($phantom,)* $($param),*> {
            $($field: $ty,)*
            phantom: ::core::marker::PhantomData<fn($($phantom,)*)>,
        }

        #[allow(clippy::non_canonical_clone_impl, reason = "`Clone` asks for less than `Copy` does")]
        impl<$($phantom,)* $($param: Clone),*> Clone for $name<$($phantom,)* $($param),*> {
            fn clone(&self) -> Self {
                Self { $($field: self.$field.clone(),)* phantom: ::core::marker::PhantomData }
            }
        }

        impl<$($phantom,)* $($param: Copy),*> Copy for $name<$($phantom,)* $($param),*> {}

        impl<$($phantom,)* $($param),*> ::core::fmt::Debug for $name<$($phantom,)* $($param),*> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}
pub(crate) use operator_value;
