use std::{
    cell::Cell,
    collections::VecDeque,
    hash::{BuildHasherDefault, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
};

use futures::stream;
use pubsub_operators::{Operator, StreamOps, dedupe};

use crate::harness::{
    Ends, Hint, Item, Random, Rig, Script,
    alloc::{allocations, live_bytes},
    contract, drain, panic_message, poll,
};

const INPUT: [u32; 8] = [1, 2, 1, 3, 1, 1, 2, 3];

/// The specification: among the last `last` distinct keys, in the order of first sighting.
fn model(last: usize, items: &[u32]) -> Vec<u32> {
    let mut memory = VecDeque::new();
    let mut passed = Vec::new();
    for item in items {
        if memory.contains(item) {
            continue;
        }
        if memory.len() == last {
            memory.pop_front();
        }
        memory.push_back(*item);
        passed.push(*item);
    }
    passed
}

#[test]
fn dedupe_keeps_the_contract() {
    for last in [1, 2, 3, 100] {
        let build = |rig: &Rig, source: Script| {
            let rig = rig.clone();
            // The key has drop glue and is counted like an item.
            source.flow().dedupe(last, move |item| {
                rig.tick();
                item.clone()
            })
        };
        contract(Ends::WithSource, false, &INPUT, build, |input| model(last, input));
    }
}

#[test]
fn dedupe_ref_keeps_the_contract() {
    let build = |rig: &Rig, source: Script| {
        let rig = rig.clone();
        source.flow().map(|item| (item.value().to_string(), item)).dedupe_ref(2, move |(text, _)| {
            rig.tick();
            text.as_str()
        })
    };
    contract(Ends::WithSource, false, &INPUT, build, |input| {
        model(2, input).into_iter().map(|n| (n.to_string(), n)).collect::<Vec<_>>()
    });
}

#[test]
fn dedupe_runs_keeps_the_contract() {
    let build = |rig: &Rig, source: Script| {
        let rig = rig.clone();
        source.flow().dedupe_runs(move |item| {
            rig.tick();
            item.clone()
        })
    };
    contract(Ends::WithSource, false, &INPUT, build, |_| vec![1, 2, 1, 3, 1, 2, 3]);
}

#[test]
fn dedupe_ok_keeps_the_contract() {
    let build = |rig: &Rig, source: Script| {
        let rig = rig.clone();
        let results = source.flow().map(|item| if item.value() == 3 { Err(item) } else { Ok(item) });
        results.dedupe_ok(8, move |item| {
            rig.tick();
            item.value()
        })
    };
    contract(Ends::WithSource, false, &INPUT, build, |_| vec![Ok(1), Ok(2), Err(3), Err(3)]);
}

#[test]
fn equals_the_queue_that_specifies_it() {
    let mut random = Random::new();
    for last in [1, 2, 3, 7, 16, 39, 40, 64] {
        let (steps, items) = random.steps(4000, 40);
        let rig = Rig::default();
        let (source, _) = Script::new(&rig, 0, &steps, Hint::Exact, true);
        let passed: Vec<_> = drain(source.flow().dedupe(last, Item::value).map(|item| item.value()));
        assert_eq!(passed, model(last, &items), "last {last}; {random}");
        let texts = stream::iter(items.iter().map(u32::to_string)).flow();
        let passed: Vec<_> = drain(texts.dedupe_ref(last, |text| text.as_str()));
        let results = items.iter().map(|n| if n.is_multiple_of(5) { Err(*n) } else { Ok(*n) });
        let (oks, errors): (Vec<_>, Vec<_>) = results.clone().partition(Result::is_ok);
        let (passed_oks, passed_errors): (Vec<_>, Vec<_>) =
            drain(stream::iter(results.collect::<Vec<_>>()).flow().dedupe_ok(last, |n| *n))
                .into_iter()
                .partition(Result::is_ok);
        let oks: Vec<_> = oks.into_iter().map_while(Result::ok).collect();
        assert_eq!(
            passed_oks.into_iter().map_while(Result::ok).collect::<Vec<_>>(),
            model(last, &oks),
            "inside Ok, last {last}; {random}"
        );
        assert_eq!(passed_errors, errors, "every error passes");
        let expected: Vec<_> = model(last, &items).iter().map(u32::to_string).collect();
        assert_eq!(passed, expected, "by reference, last {last}; {random}");
    }
}

#[test]
fn the_border_of_the_memory() {
    // The duplicate of 0 comes after `between` other keys.
    for (last, between, dropped) in
        [(3, 1, true), (3, 2, true), (3, 3, false), (3, 4, false), (1, 0, true), (1, 1, false)]
    {
        let items = (0..=between).chain([0]);
        let passed = drain(stream::iter(items).flow().dedupe(last, |n| *n));
        assert_eq!(passed.len() == between + 1, dropped, "last {last}, between {between}");
    }
}

#[test]
fn all_equal_and_all_distinct() {
    assert_eq!(drain(stream::iter([7; 100]).flow().dedupe(3, |n| *n)), [7]);
    assert_eq!(drain(stream::iter(0..100).flow().dedupe(3, |n| *n)), (0..100).collect::<Vec<_>>());
}

/// All keys collide.
#[derive(Default)]
struct Constant;

impl Hasher for Constant {
    fn finish(&self) -> u64 {
        7
    }
    fn write(&mut self, _: &[u8]) {}
}

#[test]
fn keys_that_collide_are_still_told_apart() {
    let mut random = Random::new();
    let (_, items) = random.steps(2000, 20);
    for last in [1, 5, 19, 20] {
        let hasher = BuildHasherDefault::<Constant>::default;
        let numbers = stream::iter(items.clone()).flow();
        assert_eq!(
            drain(numbers.dedupe_with_hasher(last, hasher(), |n| *n)),
            model(last, &items),
            "{last}; {random}"
        );
        let texts = stream::iter(items.iter().map(u32::to_string)).flow();
        let passed = drain(texts.dedupe_ref_with_hasher(last, hasher(), |text| text.as_str()));
        assert_eq!(passed.len(), model(last, &items).len());
        let results = stream::iter(items.iter().copied().map(Ok::<_, ()>)).flow();
        let passed = drain(results.dedupe_ok_with_hasher(last, hasher(), |n| *n));
        assert_eq!(passed.len(), model(last, &items).len());
    }
}

#[test]
fn a_forgotten_key_is_dropped_at_once_and_once() {
    let rig = Rig::default();
    let (source, _) = Script::of(&rig, 0..10);
    let mut once = pin!(source.flow().dedupe(3, Clone::clone));
    for passed in 1..=10_usize {
        let Poll::Ready(Some(item)) = poll(once.as_mut()) else { panic!("all are distinct") };
        assert_eq!(rig.live(), 1 + passed.min(3), "one item and the keys");
        drop(item);
    }
}

#[test]
fn the_key_is_taken_once_per_item() {
    let rig = Rig::default();
    let (source, _) = Script::of(&rig, INPUT);
    let board = rig.clone();
    drain(source.flow().dedupe(2, |item| {
        board.tick();
        item.value()
    }));
    assert_eq!(rig.calls(), INPUT.len());
}

#[test]
fn a_clone_of_the_operator_has_a_memory_of_its_own() {
    let once = dedupe(8, |n: &u32| *n);
    assert_eq!(drain(stream::iter([1, 1]).pipe(once)), [1]);
    assert_eq!(drain(once.apply(stream::iter([1, 1]))), [1]);
}

#[test]
fn counters_tell_what_the_bound_did() {
    let mut once = stream::iter([1, 1, 2, 3, 1, 1]).flow().dedupe(2, |n| *n);
    assert_eq!(drain((&mut once).flow()), [1, 2, 3, 1]);
    assert_eq!((once.get_ref().suppressed(), once.get_ref().forgotten()), (2, 2));
    let memory = "memory: Memory { keys: 2, last: 2, suppressed: 2, forgotten: 2, .. }";
    assert!(format!("{once:?}").contains(memory), "{once:?}");
}

#[test]
fn the_other_forms_count_the_same() {
    let mut once = stream::iter([1, 1, 1, 2, 3, 1, 1]).flow().dedupe_ref(2, |n| n);
    assert_eq!(drain((&mut once).flow()), [1, 2, 3, 1]);
    assert_eq!((once.get_ref().suppressed(), once.get_ref().forgotten()), (3, 2));

    let results = [Ok(1), Err(1), Ok(1), Ok(1), Ok(2), Err(1), Ok(3), Ok(1), Ok(1)];
    let mut once = stream::iter(results).flow().dedupe_ok(2, |n| *n);
    assert_eq!(drain((&mut once).flow()), [Ok(1), Err(1), Ok(2), Err(1), Ok(3), Ok(1)]);
    assert_eq!((once.get_ref().suppressed(), once.get_ref().forgotten()), (3, 2));
}

/// A key whose drop panics once, if it is told to.
struct Loud(u32, Rc<Cell<Option<u32>>>);

impl Drop for Loud {
    fn drop(&mut self) {
        if self.1.get() == Some(self.0) {
            self.1.set(None);
            panic!("the drop panics, as told");
        }
    }
}

impl PartialEq for Loud {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Loud {}

impl Hash for Loud {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn after_a_key_panics_in_its_drop_the_memory_is_whole() {
    const PANIC: u32 = 100;
    // 0 gives way to 2; the key of the second 1 is a duplicate.
    for (loud, expected) in [(0, &[0, 1, PANIC, 3, 0, 1][..]), (1, &[0, 1, 2, PANIC, 3, 0, 1])] {
        let told = Rc::new(Cell::new(Some(loud)));
        let mut once = stream::iter([0, 1, 2, 1, 2, 3, 2, 0, 1]).flow().dedupe(2, |n| Loud(*n, told.clone()));
        let mut seen = Vec::new();
        loop {
            match catch_unwind(AssertUnwindSafe(|| poll(Pin::new(&mut once)))) {
                Ok(Poll::Ready(Some(item))) => seen.push(item),
                Ok(Poll::Ready(None)) => break,
                Ok(Poll::Pending) => panic!("nothing waits"),
                Err(_) => seen.push(PANIC),
            }
        }
        assert_eq!(seen, expected);
        assert_eq!((once.get_ref().suppressed(), once.get_ref().forgotten()), (3, 4));
    }
}

#[test]
fn once_it_is_full_it_allocates_no_more() {
    for last in [100, 1000, 5000] {
        let mut once = pin!(stream::iter(0..1_000_000_u64).flow().dedupe(last, |n| *n));
        let mut pass = |items: usize| {
            for _ in 0..items {
                assert!(poll(once.as_mut()).is_ready());
            }
        };
        pass(last);
        assert_eq!(allocations(|| pass(50 * last)).0, 0, "last {last}");
    }
}

#[test]
fn holds_no_more_bytes_than_it_says() {
    // Where the table is fullest and emptiest for its size, on both sides of the room made at once.
    for last in [100_usize, 1000, 1025, 1500, 1793, 2048, 3000, 3584, 3585, 5000, 7169] {
        let source = stream::iter(0..100_000_u64).flow();
        let (bytes, _once) = live_bytes(|| {
            let mut once = Box::pin(source.dedupe(last, |n| *n));
            for _ in 0..2 * last {
                assert!(poll(once.as_mut()).is_ready());
            }
            once
        });
        let most = last * (size_of::<u64>() + 31) + 1024;
        assert!(bytes.cast_unsigned() <= most, "last {last}: {bytes} bytes, said was {most}");
    }
}

#[test]
fn a_duplicate_by_reference_allocates_nothing() {
    let texts = vec![String::from("a"); 100];
    let mut once = pin!(stream::iter(texts).flow().dedupe_ref(8, |text| text.as_str()));
    assert!(poll(once.as_mut()).is_ready());
    assert_eq!(allocations(|| poll(once.as_mut())), (0, Poll::Ready(None)));
}

#[test]
fn runs_first_item_and_keys_that_are_not_equal_to_themselves() {
    assert_eq!(drain(stream::iter([0, 0, 0]).flow().dedupe_runs(|n| *n)), [0]);
    let passed = drain(stream::iter([f32::NAN, f32::NAN, 1.0, 1.0]).flow().dedupe_runs(|n| *n));
    assert_eq!(passed.len(), 3);
}

#[test]
fn a_memory_of_nothing_and_one_beyond_measure_are_refused() {
    let numbers = || stream::iter([Ok::<u32, ()>(1)]).flow();
    let none = "a memory of 0 keys would drop no duplicate: pass how many keys to remember, at least 1";
    assert_eq!(panic_message(|| drain(numbers().dedupe(0, |_| 1))), none);
    assert_eq!(panic_message(|| drain(numbers().dedupe_ref(0, |_| &1))), none);
    assert_eq!(panic_message(|| drain(numbers().dedupe_ok(0, |_| 1))), none);
    let many = "a memory has at most u32::MAX keys: pass a smaller number";
    assert_eq!(panic_message(|| drain(numbers().dedupe(usize::MAX, |_| 1))), many);
    // A bound that is never reached costs nothing.
    assert_eq!(drain(stream::iter([1, 1]).flow().dedupe(u32::MAX as usize, |n| *n)), [1]);
}
