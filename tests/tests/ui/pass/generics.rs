//! Generic maps: bounds are added where they are needed, and the where clauses of the enum are kept.
#![deny(warnings)]

use pubsub::{CloneMap, EventMap, EventSubset, TopicId, WireMap};

#[derive(EventMap)]
enum Generic<T, I: TopicId, const N: usize = 2>
where
    T: std::fmt::Debug,
{
    Value(T),
    Array([u8; N]),
    Both(T, Vec<Option<T>>),
    Unit,
    #[event(id = I)]
    ById(T),
    #[event(constant = PHANTOM_ID)]
    Phantom(std::marker::PhantomData<I>),
}

#[derive(EventSubset)]
#[event_subset(of = Generic<T, u64, 3>)]
enum Subset<T: std::fmt::Debug> {
    Value(T),
    Array([u8; 3]),
    Unit,
}

/// `Self` in a payload.
#[derive(Clone, EventMap)]
enum Recursive<T> {
    Leaf(T),
    Branch(Vec<Self>),
}

/// Neither `Clone` nor serialisable: a map of it is an event map all the same.
#[derive(Debug)]
struct Plain;

fn event_map<M: EventMap>() -> usize {
    M::TOPICS.len()
}
fn clone_map<M: CloneMap>() {}
fn wire_map<M: WireMap>() {}
fn event_subset<S: EventSubset>() {}

fn main() {
    assert_eq!(event_map::<Generic<Plain, u64>>(), 6);
    clone_map::<Generic<String, u64>>();
    event_subset::<Subset<String>>();
    clone_map::<Recursive<u8>>();
    let _ = (Recursive::<u8>::LEAF, Recursive::<u8>::BRANCH);
    assert_eq!(Generic::<Plain, u64>::BY_ID.name(), "ById");
    let _ = Generic::<u8, u64, 3>::ARRAY;
    assert_eq!(Generic::<Plain, u64>::TOPICS[2].payload, "(T, Vec<Option<T>>)");

    #[derive(EventMap)]
    enum Sized<const N: usize> {
        Text(String),
        Digits([u8; 4]),
    }
    wire_map::<Sized<4>>();
    let _ = (Sized::<1>::TEXT, Sized::<1>::DIGITS);
}
