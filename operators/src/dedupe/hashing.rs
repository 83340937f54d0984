//! Where the hashers of `dedupe` come from.

use core::hash::BuildHasher;

/// The hasher where none is asked for: fast, and seeded for every use, so that keys from outside cannot be chosen to
/// collide.
pub type RandomState = foldhash::fast::RandomState;

/// Stands for a [`RandomState`] that each application of an operator makes for itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seeded;

/// What an operator value makes its hasher of: [`Seeded`], or a hasher that was given.
///
/// It keeps the values of `dedupe` as `Copy` as their closures, which a hasher with a seed is not.
pub trait MakeHasher {
    /// The hasher.
    type Hasher: BuildHasher;

    /// Makes it.
    fn make(self) -> Self::Hasher;
}

impl MakeHasher for Seeded {
    type Hasher = RandomState;

    fn make(self) -> RandomState {
        RandomState::default()
    }
}

impl<B: BuildHasher> MakeHasher for B {
    type Hasher = B;

    fn make(self) -> B {
        self
    }
}
