//! Random headers and payloads.

use std::collections::BTreeMap;

use fastrand::Rng;
use pubsub_transports::{EventId, Header, Position};
use serde::{Deserialize, Serialize};

/// A payload of every kind of type that serde knows, itself inside itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Tree {
    Unit,
    Number(i64),
    Float(f64),
    Text(String),
    Id(EventId),
    Pair(Box<Self>, Option<bool>),
    List(Vec<Self>),
    Record { name: char, at: Option<u64>, inside: Option<Box<Self>> },
    Map(BTreeMap<String, u8>),
    Wrapped(Newtype),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Newtype((u16, i8, ()));

pub(crate) fn tree(random: &mut Rng, depth: u32) -> Tree {
    let list = |random: &mut Rng| (0..random.usize(..4)).map(|_| tree(random, depth - 1)).collect();
    match random.u32(..if depth == 0 { 6 } else { 10 }) {
        0 => Tree::Unit,
        1 => Tree::Number(random.i64(..) >> random.u32(..64)),
        // JSON has no NaN, which is not equal to itself anyway.
        2 => {
            Tree::Float(Some(f64::from_bits(random.u64(..))).filter(|float| float.is_finite()).unwrap_or(0.5))
        }
        3 => Tree::Text(text(random)),
        4 => Tree::Id(EventId::from_u128(random.u128(..))),
        5 => Tree::Wrapped(Newtype((random.u16(..), random.i8(..), ()))),
        6 => {
            Tree::Pair(Box::new(tree(random, depth - 1)), [None, Some(true), Some(false)][random.usize(..3)])
        }
        7 => Tree::List(list(random)),
        8 => Tree::Record {
            name: random.char(..),
            at: random.bool().then(|| random.u64(..)),
            inside: random.bool().then(|| Box::new(tree(random, depth - 1))),
        },
        _ => Tree::Map((0..random.usize(..4)).map(|_| (text(random), random.u8(..))).collect()),
    }
}

/// Short, and rich in what has to be escaped.
pub(crate) fn text(random: &mut Rng) -> String {
    let special =
        ['"', '\\', '\n', '\0', '\u{7f}', '\u{2028}', ':', '/', 'ü', '世', '🦀', ' ', '_', '{', ']'];
    let character = |random: &mut Rng| match random.u8(..3) {
        0 => special[random.usize(..special.len())],
        1 => random.char(..),
        _ => random.alphanumeric(),
    };
    (0..random.usize(..40)).map(|_| character(random)).collect()
}

pub(crate) fn header(random: &mut Rng) -> Header {
    let mut header = Header::new(&text(random), &text(random));
    if random.bool() {
        header = header.with_event_id(EventId::from_u128(random.u128(..)));
    }
    if random.bool() {
        let mut position = Position::new(random.u64(..) >> random.u32(..64));
        if random.bool() {
            position = position.with_after(random.u64(..) >> random.u32(..64));
        }
        if random.bool() {
            position = position.with_epoch(&text(random));
        }
        header = header.with_position(position);
    }
    header
}
