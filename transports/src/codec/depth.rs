//! A deserializer that goes only so deep, around one that would go on.
//!
//! Postcard writes nothing for a level of a recursive type but what tells it from the last one: a byte a level. A
//! message of 64 KiB would make a recursive type recur 65,536 times, more than a thread's stack has room for.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// What is left to use up.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'b> {
    /// How many levels there may be below this one.
    pub(super) levels: usize,
    /// Whether there were more. An error of the format cannot say it: it need not keep its text.
    pub(super) too_deep: &'b Cell<bool>,
    /// How many elements all sequences and maps may still have.
    pub(super) elements: &'b Cell<usize>,
    /// For how many elements memory may still be taken before they are there: what says how many come is no more than a claim.
    pub(super) claims: &'b Cell<usize>,
}

impl Bounds<'_> {
    fn enter<E: Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => {
                self.too_deep.set(true);
                Err(E::custom("nested too deep"))
            }
        }
    }

    /// As much of a claim as there is left for claims.
    fn believe(self, claim: Option<usize>) -> Option<usize> {
        let believed = claim?.min(self.claims.get());
        self.claims.set(self.claims.get() - believed);
        Some(believed)
    }

    /// Counts an element, unless the sequence is at its end.
    fn count<T, E: Error>(self, element: &Option<T>) -> Result<(), E> {
        let left = self.elements.get().checked_sub(usize::from(element.is_some()));
        self.elements.set(left.ok_or_else(|| E::custom("too many elements"))?);
        Ok(())
    }
}

/// `inner` within `bounds`: a deserializer, or what it hands to visitors and seeds.
pub(super) struct Limited<'b, T> {
    pub(super) inner: T,
    pub(super) bounds: Bounds<'b>,
}

/// Methods without a level of their own.
macro_rules! leaves {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        }
    )*};
}

/// Methods whose value has others inside it.
macro_rules! levels {
    ($($method:ident($($arg:ident: $ty:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $ty,)* visitor: V) -> Result<V::Value, D::Error> {
            let bounds = self.bounds.enter()?;
            self.inner.$method($($arg,)* Limited { inner: visitor, bounds })
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Limited<'_, D> {
    type Error = D::Error;

    leaves! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_identifier
    }

    levels! {
        deserialize_any()
        deserialize_ignored_any()
        deserialize_option()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_seq()
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_map()
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Values without others inside them.
macro_rules! values {
    ($($method:ident: $ty:ty),*) => {$(
        fn $method<E: Error>(self, value: $ty) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Limited<'_, V> {
    type Value = V::Value;

    values! {
        visit_bool: bool, visit_i8: i8, visit_i16: i16, visit_i32: i32, visit_i64: i64, visit_i128: i128,
        visit_u8: u8, visit_u16: u16, visit_u32: u32, visit_u64: u64, visit_u128: u128, visit_f32: f32,
        visit_f64: f64, visit_char: char, visit_str: &str, visit_borrowed_str: &'de str, visit_string: String,
        visit_bytes: &[u8], visit_borrowed_bytes: &'de [u8], visit_byte_buf: Vec<u8>
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Limited { inner, bounds: self.bounds })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Limited { inner, bounds: self.bounds })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(Limited { inner, bounds: self.bounds })
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Limited { inner, bounds: self.bounds })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Limited { inner, bounds: self.bounds })
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Limited<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Limited { inner, bounds: self.bounds })
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Limited<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let element = self.inner.next_element_seed(Limited { inner: seed, bounds: self.bounds })?;
        self.bounds.count(&element)?;
        Ok(element)
    }

    fn size_hint(&self) -> Option<usize> {
        self.bounds.believe(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Limited<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let key = self.inner.next_key_seed(Limited { inner: seed, bounds: self.bounds })?;
        self.bounds.count(&key)?;
        Ok(key)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Limited { inner: seed, bounds: self.bounds })
    }

    fn size_hint(&self) -> Option<usize> {
        self.bounds.believe(self.inner.size_hint())
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'de> for Limited<'b, A> {
    type Error = A::Error;
    type Variant = Limited<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, inner) = self.inner.variant_seed(Limited { inner: seed, bounds: self.bounds })?;
        Ok((value, Limited { inner, bounds: self.bounds }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Limited<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Limited { inner: seed, bounds: self.bounds })
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, Limited { inner: visitor, bounds: self.bounds })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, Limited { inner: visitor, bounds: self.bounds })
    }
}
