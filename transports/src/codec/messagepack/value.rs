//! Finding where a value ends without reading it, and reading the few kinds that an envelope is made of.
//!
//! No recursion, no allocation, and no more work than there are bytes: an array that claims more elements than bytes
//! follow is refused at once.

use std::borrow::Cow;

use rmp::Marker;

use crate::codec::envelope::Member;
use crate::codec::{DecodeError, MAX_DEPTH};

/// The bytes of exactly one value, with all that is in it.
#[derive(Clone, Copy)]
pub(super) struct Value<'m>(&'m [u8]);

impl<'m> Value<'m> {
    /// The value at the start of `bytes`, and what comes after it. `total` is the length of the message, whose end
    /// `bytes` is.
    pub(super) fn take(bytes: &'m [u8], total: usize) -> Result<(Self, &'m [u8]), DecodeError> {
        let (inside, rest) = head(bytes, total)?;
        let rest = match inside {
            Some(children) => skip_children(children, rest, total)?,
            None => rest,
        };
        let (value, rest) = bytes.split_at(bytes.len() - rest.len());
        Ok((Self(value), rest))
    }

    /// The text, if it is one.
    pub(super) fn str(self) -> Option<&'m str> {
        let header = match Marker::from_u8(*self.0.first()?) {
            Marker::FixStr(_) => 1,
            Marker::Str8 => 2,
            Marker::Str16 => 3,
            Marker::Str32 => 5,
            _ => return None,
        };
        str::from_utf8(self.0.get(header..)?).ok()
    }
}

impl<'m> Member<'m> for Value<'m> {
    fn is_null(&self) -> bool {
        self.0 == [Marker::Null.to_u8()]
    }

    fn text(self) -> Option<Cow<'m, str>> {
        self.str().map(Cow::Borrowed)
    }

    /// Of any integer type: which one a writer picks for a number is its choice.
    fn number(self) -> Option<u64> {
        rmp::decode::read_int(&mut &*self.0).ok()
    }

    fn payload(self) -> Option<&'m [u8]> {
        Some(self.0)
    }
}

/// How many members the map at the start of the message has, and where they begin.
pub(super) fn map(message: &[u8]) -> Result<(u64, &[u8]), DecodeError> {
    let marker = message.first().map(|first| Marker::from_u8(*first));
    match (marker, head(message, message.len())?) {
        (Some(Marker::FixMap(_) | Marker::Map16 | Marker::Map32), (Some(children), rest)) => {
            Ok((children / 2, rest))
        }
        _ => Err(DecodeError::Syntax { at: 0 }),
    }
}

/// What follows the `children` at the start of `rest`, which are the elements of an array or map.
fn skip_children(children: u64, mut rest: &[u8], total: usize) -> Result<&[u8], DecodeError> {
    // How many values each open array or map still lacks.
    let mut open = [0; MAX_DEPTH];
    open[0] = children;
    let mut depth = 1;
    loop {
        while open[depth - 1] == 0 {
            depth -= 1;
            if depth == 0 {
                return Ok(rest);
            }
        }
        open[depth - 1] -= 1;
        let (inside, after) = head(rest, total)?;
        rest = after;
        if let Some(children) = inside {
            *open.get_mut(depth).ok_or(DecodeError::TooDeep { limit: MAX_DEPTH })? = children;
            depth += 1;
        }
    }
}

/// Passes over the bytes that a value has for itself. Gives how many values are inside it, if it is an array or map,
/// and where they begin; otherwise where it ends.
fn head(bytes: &[u8], total: usize) -> Result<(Option<u64>, &[u8]), DecodeError> {
    let syntax = || DecodeError::Syntax { at: total.saturating_sub(bytes.len()) };
    let (len, inside) = shape(bytes).ok_or_else(syntax)?;
    let rest = usize::try_from(len).ok().and_then(|len| bytes.get(len..)).ok_or_else(syntax)?;
    match inside {
        // Each of them takes one byte at least.
        Some(children) if children > rest.len() as u64 => Err(syntax()),
        _ => Ok((inside, rest)),
    }
}

/// How many bytes a value has for itself, and how many values are inside it. `None` for what begins no value.
fn shape(bytes: &[u8]) -> Option<(u64, Option<u64>)> {
    // The number of `size` bytes after the marker.
    let number = |size: usize| {
        let bytes = bytes.get(1..=size)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let own = |len: u64| Some((len, None));
    let sized = |size: usize, extra: u64| own(1 + size as u64 + extra + number(size)?);
    let around = |size: usize, each: u64| Some((1 + size as u64, Some(number(size)? * each)));
    match Marker::from_u8(*bytes.first()?) {
        Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::False | Marker::True => own(1),
        Marker::U8 | Marker::I8 => own(2),
        Marker::U16 | Marker::I16 | Marker::FixExt1 => own(3),
        Marker::FixExt2 => own(4),
        Marker::U32 | Marker::I32 | Marker::F32 => own(5),
        Marker::FixExt4 => own(6),
        Marker::U64 | Marker::I64 | Marker::F64 => own(9),
        Marker::FixExt8 => own(10),
        Marker::FixExt16 => own(18),
        Marker::FixStr(len) => own(1 + u64::from(len)),
        Marker::Str8 | Marker::Bin8 => sized(1, 0),
        Marker::Str16 | Marker::Bin16 => sized(2, 0),
        Marker::Str32 | Marker::Bin32 => sized(4, 0),
        // After the length stands a byte for the kind of extension.
        Marker::Ext8 => sized(1, 1),
        Marker::Ext16 => sized(2, 1),
        Marker::Ext32 => sized(4, 1),
        Marker::FixArray(len) => Some((1, Some(u64::from(len)))),
        Marker::FixMap(len) => Some((1, Some(2 * u64::from(len)))),
        Marker::Array16 => around(2, 1),
        Marker::Array32 => around(4, 1),
        Marker::Map16 => around(2, 2),
        Marker::Map32 => around(4, 2),
        Marker::Reserved => None,
    }
}
