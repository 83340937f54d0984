//! How to reach the source behind an adaptor.

/// `get_ref`, `get_mut`, `get_pin_mut` and `into_inner`. With `released`, for adaptors that drop their source when
/// it has nothing more to give, each of them is an `Option`.
macro_rules! source_access {
    ($name:ident<S $(, $param:ident)*> $(where $($bounds:tt)+)?) => {
        impl<S $(, $param)*> $name<S $(, $param)*> $(where $($bounds)+)? {
            /// The source.
            pub fn get_ref(&self) -> &S {
                &self.source
            }

            /// The source. Taking items from it takes them from this adaptor.
            pub fn get_mut(&mut self) -> &mut S {
                &mut self.source
            }

            /// The pinned source. Taking items from it takes them from this adaptor.
            pub fn get_pin_mut(self: ::core::pin::Pin<&mut Self>) -> ::core::pin::Pin<&mut S> {
                self.project().source
            }

            /// The source; what the adaptor holds itself is dropped.
            pub fn into_inner(self) -> S {
                self.source
            }
        }
    };
    (released $name:ident<S $(, $param:ident)*> $(where $($bounds:tt)+)?) => {
        impl<S $(, $param)*> $name<S $(, $param)*> $(where $($bounds)+)? {
            /// The source, until it is released.
            pub fn get_ref(&self) -> Option<&S> {
                self.source.as_ref()
            }

            /// The source, until it is released. Taking items from it takes them from this adaptor.
            pub fn get_mut(&mut self) -> Option<&mut S> {
                self.source.as_mut()
            }

            /// The pinned source, until it is released. Taking items from it takes them from this adaptor.
            pub fn get_pin_mut(self: ::core::pin::Pin<&mut Self>) -> Option<::core::pin::Pin<&mut S>> {
                self.project().source.as_pin_mut()
            }

            /// The source, unless it is released; what the adaptor holds itself is dropped.
            pub fn into_inner(self) -> Option<S> {
                self.source
            }
        }
    };
}

/// The same for adaptors of two sources, each an `Option` because each is released when it ends. With `in FIELD`, for
/// adaptors that keep them in a part they share with others.
macro_rules! pair_access {
    ($name:ident<A, B $(, $param:ident)*> $(in $part:ident)? $(where $($bounds:tt)+)?) => {
        impl<A, B $(, $param)*> $name<A, B $(, $param)*> $(where $($bounds)+)? {
            /// Both sources, until they are released.
            pub fn get_ref(&self) -> (Option<&A>, Option<&B>) {
                (self $(.$part)?.left.as_ref(), self $(.$part)?.right.as_ref())
            }

            /// Both sources, until they are released. Taking items from them takes them from this adaptor.
            pub fn get_mut(&mut self) -> (Option<&mut A>, Option<&mut B>) {
                (self $(.$part)?.left.as_mut(), self $(.$part)?.right.as_mut())
            }

            /// Both sources, pinned, until they are released. Taking items from them takes them from this adaptor.
            #[allow(clippy::type_complexity, reason = "a pair of what the adaptors of one source give")]
            pub fn get_pin_mut(
                self: ::core::pin::Pin<&mut Self>,
            ) -> (Option<::core::pin::Pin<&mut A>>, Option<::core::pin::Pin<&mut B>>) {
                let pair = self.project() $(.$part.project())?;
                (pair.left.as_pin_mut(), pair.right.as_pin_mut())
            }

            /// Both sources, unless they are released; what the adaptor holds itself is dropped.
            pub fn into_inner(self) -> (Option<A>, Option<B>) {
                (self $(.$part)?.left, self $(.$part)?.right)
            }
        }
    };
}
pub(crate) use pair_access;
pub(crate) use source_access;
