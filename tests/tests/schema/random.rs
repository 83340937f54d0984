//! Random payloads of the map.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::map::{Account, Adjacent, Change, External, Internal, Limits, Page, Place, Role, Token, Untagged};

pub(crate) trait Random {
    fn random(rng: &mut Rng) -> Self;
}

macro_rules! numbers {
    ($($number:ident)*) => {$(
        impl Random for $number {
            /// Of every magnitude, both ends among them.
            fn random(rng: &mut Rng) -> Self {
                match rng.u8(..4) {
                    0 => [Self::MIN, Self::MAX, 0, 1][rng.usize(..4)],
                    _ => rng.$number(..) >> rng.u32(..Self::BITS),
                }
            }
        }
    )*};
}

numbers! { u8 u16 u32 u64 i16 i32 i64 }

impl Random for f64 {
    /// JSON has no others.
    fn random(rng: &mut Rng) -> Self {
        Some(Self::from_bits(rng.u64(..))).filter(|float| float.is_finite()).unwrap_or(0.0)
    }
}

impl Random for f32 {
    fn random(rng: &mut Rng) -> Self {
        Some(Self::from_bits(rng.u32(..))).filter(|float| float.is_finite()).unwrap_or(-0.0)
    }
}

impl Random for bool {
    fn random(rng: &mut Rng) -> Self {
        rng.bool()
    }
}

impl Random for () {
    fn random(_: &mut Rng) -> Self {}
}

impl Random for String {
    fn random(rng: &mut Rng) -> Self {
        let special = ['"', '\\', '\0', 'ü', '🦀', ':'];
        let char = |rng: &mut Rng| match rng.u8(..3) {
            0 => special[rng.usize(..special.len())],
            1 => rng.char(..),
            _ => rng.alphanumeric(),
        };
        (0..rng.usize(..6)).map(|_| char(rng)).collect()
    }
}

impl<T: Random> Random for Option<T> {
    fn random(rng: &mut Rng) -> Self {
        rng.bool().then(|| T::random(rng))
    }
}

impl<T: Random, E: Random> Random for Result<T, E> {
    fn random(rng: &mut Rng) -> Self {
        if rng.bool() { Ok(T::random(rng)) } else { Err(E::random(rng)) }
    }
}

impl<T: Random> Random for Vec<T> {
    fn random(rng: &mut Rng) -> Self {
        several(rng)
    }
}

impl<K: Random + Ord, V: Random> Random for BTreeMap<K, V> {
    fn random(rng: &mut Rng) -> Self {
        several(rng)
    }
}

impl<A: Random, B: Random> Random for (A, B) {
    fn random(rng: &mut Rng) -> Self {
        (A::random(rng), B::random(rng))
    }
}

fn several<T: Random, C: FromIterator<T>>(rng: &mut Rng) -> C {
    (0..rng.usize(..4)).map(|_| T::random(rng)).collect()
}

impl Random for Place {
    fn random(rng: &mut Rng) -> Self {
        Self {
            degrees_north: Random::random(rng),
            degrees_east: Random::random(rng),
            name: Random::random(rng),
        }
    }
}

impl Random for Account {
    fn random(rng: &mut Rng) -> Self {
        Self {
            number: Random::random(rng),
            balance: Random::random(rng),
            initial: rng.char(..),
            place: Random::random(rng),
            others: Random::random(rng),
            tags: several(rng),
            limits: Random::random(rng),
            nickname: Option::<String>::random(rng).map(Into::into),
            change: Change { by: Random::random(rng), on: Random::random(rng) },
        }
    }
}

impl Random for Limits {
    fn random(rng: &mut Rng) -> Self {
        Self(Random::random(rng), Random::random(rng), [rng.bool(), rng.bool(), rng.bool()])
    }
}

impl Random for Role {
    fn random(rng: &mut Rng) -> Self {
        match rng.u8(..3) {
            0 => Self::PowerUser,
            1 => Self::Guest,
            _ => Self::Administrator,
        }
    }
}

impl Random for External {
    fn random(rng: &mut Rng) -> Self {
        match rng.u8(..4) {
            0 => Self::Unit,
            1 => Self::Newtype(Random::random(rng)),
            2 => Self::Tuple(Random::random(rng), Random::random(rng)),
            // Fewer than one inside another on average, so that it ends.
            _ => Self::Record {
                inside: rng.bool().then(|| Box::new(Self::random(rng))),
                list: (0..rng.usize(..2)).map(|_| Self::random(rng)).collect(),
            },
        }
    }
}

impl Random for Internal {
    fn random(rng: &mut Rng) -> Self {
        match rng.u8(..3) {
            0 => Self::NothingHappened,
            1 => Self::Moved(Random::random(rng)),
            _ => Self::Renamed { old_name: Random::random(rng), new_name: Random::random(rng) },
        }
    }
}

impl Random for Adjacent {
    fn random(rng: &mut Rng) -> Self {
        match rng.u8(..4) {
            0 => Self::Unit,
            1 => Self::Newtype(Random::random(rng)),
            2 => Self::Tuple(Random::random(rng), Random::random(rng)),
            _ => Self::Record { ratio: Random::random(rng) },
        }
    }
}

impl Random for Untagged {
    fn random(rng: &mut Rng) -> Self {
        match rng.u8(..4) {
            0 => Self::Number(Random::random(rng)),
            1 => Self::Text(Random::random(rng)),
            2 => Self::Place(Random::random(rng)),
            _ => Self::Pair(Random::random(rng), Random::random(rng)),
        }
    }
}

impl Random for Token {
    fn random(rng: &mut Rng) -> Self {
        Self(Random::random(rng))
    }
}

impl<T: Random> Random for Page<T> {
    fn random(rng: &mut Rng) -> Self {
        Self { items: Random::random(rng), next: Random::random(rng) }
    }
}
