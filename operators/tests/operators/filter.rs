use pubsub_operators::StreamOps;

use crate::harness::{Ends, Hint, Item, Rig, Script, Step, contract, drain, poll};
use std::{pin::pin, task::Poll};

const INPUT: [u32; 6] = [1, 2, 3, 4, 5, 6];

#[test]
fn filter_keeps_the_contract() {
    for keep in [|_: u32| false, |_| true, |n| n % 2 == 0, |n| n == 6] {
        let build = |rig: &Rig, source: Script| {
            let rig = rig.clone();
            source.flow().filter(move |item| {
                rig.tick();
                keep(item.value())
            })
        };
        contract(Ends::WithSource, false, &INPUT, build, |input| {
            input.iter().copied().filter(|n| keep(*n)).collect()
        });
        contract(Ends::WithSource, false, &[], build, |_| Vec::<u32>::new());
    }
}

#[test]
fn filter_map_keeps_the_contract() {
    let build = |rig: &Rig, source: Script| {
        let rig = rig.clone();
        source.flow().filter_map(move |item| {
            rig.tick();
            (item.value() % 3 != 0).then_some(item)
        })
    };
    contract(Ends::WithSource, false, &INPUT, build, |input| {
        input.iter().copied().filter(|n| n % 3 != 0).collect()
    });
}

#[test]
fn the_ok_forms_keep_the_contract() {
    let odd_fails = |n: u32| if n % 2 == 1 { Err(n) } else { Ok(n) };
    let build = |rig: &Rig, source: Script| {
        let rig = rig.clone();
        let results = source.flow().map(|item| if item.value() % 2 == 1 { Err(item) } else { Ok(item) });
        results.filter_ok(move |item| {
            rig.tick();
            item.value() != 4
        })
    };
    contract(Ends::WithSource, false, &INPUT, build, |input| {
        input.iter().copied().filter(|n| *n != 4).map(odd_fails).collect()
    });

    let build = |rig: &Rig, source: Script| {
        let rig = rig.clone();
        let results = source.flow().map(|item| if item.value() % 2 == 1 { Err(item) } else { Ok(item) });
        results.filter_map_ok(move |item| {
            rig.tick();
            (item.value() != 4).then(|| item.value() * 10)
        })
    };
    contract(Ends::WithSource, false, &INPUT, build, |input| {
        input.iter().copied().filter(|n| *n != 4).map(|n| odd_fails(n).map(|n| n * 10)).collect()
    });
}

#[test]
fn the_predicate_sees_each_item_once_in_order() {
    let rig = Rig::default();
    let (source, _) = Script::of(&rig, INPUT);
    let mut seen = Vec::new();
    let kept = drain(source.flow().filter(|item| {
        seen.push(item.value());
        seen.len() % 2 == 0
    }));
    assert_eq!(seen, INPUT);
    assert_eq!(kept.iter().map(Item::value).collect::<Vec<_>>(), [2, 4, 6]);
}

#[test]
fn a_rejected_item_is_gone_before_the_next_is_taken() {
    let rig = Rig::default();
    let (source, _) = Script::of(&rig, INPUT);
    let board = rig.clone();
    let none = drain(source.flow().filter(|_| {
        assert_eq!(board.live(), 1);
        false
    }));
    assert!(none.is_empty());
}

#[test]
fn waits_between_rejected_items() {
    let rig = Rig::default();
    let steps = [Step::Item(1), Step::Pending, Step::Item(3), Step::Pending, Step::Item(4)];
    let (source, _) = Script::new(&rig, 0, &steps, Hint::Exact, true);
    let mut even = pin!(source.flow().filter(|item| item.value() % 2 == 0));
    assert!(poll(even.as_mut()).is_pending());
    assert!(poll(even.as_mut()).is_pending());
    assert!(matches!(poll(even.as_mut()), Poll::Ready(Some(item)) if item.value() == 4));
}
