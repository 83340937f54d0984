use std::{cell::Cell, pin::pin, rc::Rc, task::Poll};

use futures::{channel::mpsc, stream};
use pubsub_operators::StreamOps;

use crate::harness::{
    Ends, Hint, Item, Random, Rig, Script, alloc::allocations, contract, drain, panic_message, poll,
};

/// The specification: the windows of a slice, and with `partial` what is left and new.
fn model(size: usize, step: usize, partial: bool, items: &[u32]) -> Vec<Vec<u32>> {
    let mut windows: Vec<Vec<u32>> = items.windows(size).step_by(step).map(<[u32]>::to_vec).collect();
    let next = windows.len() * step;
    let covered = if windows.is_empty() { 0 } else { next - step + size };
    if partial && items.len() > covered.max(next) {
        windows.push(items[next..].to_vec());
    }
    windows
}

#[test]
fn window_keeps_the_contract() {
    for (size, step) in [(1, 1), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1), (5, 1), (9, 1), (1, 4)] {
        for partial in [false, true] {
            let build = |_: &Rig, source: Script| {
                let windows = source.flow().window(size, step);
                if partial { windows.partial() } else { windows }
            };
            let input = [1, 2, 3, 4, 5];
            contract(Ends::Itself, true, &input, build, |input| model(size, step, partial, input));
            contract(Ends::Itself, true, &[], build, |_| Vec::<Vec<u32>>::new());
        }
    }
}

#[test]
fn window_map_keeps_the_contract() {
    for partial in [false, true] {
        let build = |rig: &Rig, source: Script| {
            let rig = rig.clone();
            let sums = source.flow().window_map(3, 2, move |window| {
                rig.tick();
                window.iter().map(Item::value).collect::<Vec<_>>()
            });
            if partial { sums.partial() } else { sums }
        };
        contract(Ends::Itself, true, &[1, 2, 3, 4, 5, 6], build, |input| model(3, 2, partial, input));
    }
}

#[test]
fn window_ok_keeps_the_contract() {
    for partial in [false, true] {
        let build = |_: &Rig, source: Script| {
            let results = source.flow().map(|item| if item.value() == 3 { Err(item) } else { Ok(item) });
            let windows = results.window_ok(2, 2);
            if partial { windows.partial() } else { windows }
        };
        contract(Ends::Itself, false, &[1, 2, 3, 4, 5, 6], build, |_| {
            vec![Ok(vec![1, 2]), Err(3), Ok(vec![4, 5])]
                .into_iter()
                .chain(partial.then(|| Ok(vec![6])))
                .collect::<Vec<_>>()
        });
    }
}

#[test]
fn equals_the_windows_of_a_slice() {
    for size in 1..6 {
        for step in 1..8 {
            for n in 0..20 {
                let items: Vec<u32> = (0..n).collect();
                let numbers = || stream::iter(items.clone()).flow();
                let (plain, rest) = (numbers().window(size, step), numbers().window(size, step).partial());
                assert_eq!(drain(plain), model(size, step, false, &items), "size {size}, step {step}, n {n}");
                assert_eq!(
                    drain(rest),
                    model(size, step, true, &items),
                    "size {size}, step {step}, n {n}, partial"
                );
            }
        }
    }
}

#[test]
fn equals_the_windows_of_a_slice_at_random() {
    let mut random = Random::new();
    for round in 0..200 {
        let (size, step) = (1 + random.below(50), 1 + random.below(60));
        let partial = random.below(2) == 0;
        let length = random.below(300);
        let (steps, items) = random.steps(length, 1000);
        let rig = Rig::default();
        let (source, _) = Script::new(&rig, 0, &steps, Hint::Exact, true);
        let windows = source.flow().window_map(size, step, |window| window.iter().map(Item::value).collect());
        let windows: Vec<Vec<u32>> = drain(if partial { windows.partial() } else { windows });
        let expected = model(size, step, partial, &items);
        assert_eq!(windows, expected, "round {round}, size {size}, step {step}, partial {partial}; {random}");
        assert_eq!(rig.live(), 0);
    }
}

#[test]
fn holds_at_most_twice_the_size() {
    let rig = Rig::default();
    let (source, _) = Script::of(&rig, 0..200);
    let most = Rc::new(Cell::new(0));
    let (board, seen) = (rig.clone(), most.clone());
    drain(source.flow().window_map(7, 1, |_| seen.set(seen.get().max(board.live()))));
    assert!(most.get() <= 14, "{} items", most.get());
}

#[test]
fn a_window_that_lies_where_it_is_costs_no_allocation() {
    let mut sums = pin!(stream::iter(0..1000).flow().window_map(8, 1, |window| window.iter().sum::<i32>()));
    assert!(poll(sums.as_mut()).is_ready());
    let (count, ()) = allocations(|| while let Poll::Ready(Some(_)) = poll(sums.as_mut()) {});
    assert_eq!(count, 0);
}

#[test]
fn a_huge_window_grows_with_what_arrives() {
    assert!(drain(stream::iter(0..10).flow().window(usize::MAX, 1)).is_empty());
    assert_eq!(drain(stream::iter(0..3000).flow().window(2999, 1)).len(), 2);
    let rest = drain(stream::iter(0..3).flow().window(usize::MAX, usize::MAX).partial());
    assert_eq!(rest, [[0, 1, 2]]);
}

#[test]
fn what_is_gathered_can_be_taken_out() {
    let (sender, receiver) = mpsc::unbounded();
    let mut threes = pin!(receiver.flow().window(3, 1));
    for n in 0..4 {
        sender.unbounded_send(n).unwrap();
    }
    assert_eq!(poll(threes.as_mut()), Poll::Ready(Some(vec![0, 1, 2])));
    assert_eq!(threes.as_mut().get_pin_mut().take_buffered(), [1, 2]);
    assert_eq!(poll(threes.as_mut()), Poll::Pending);
    for n in 4..6 {
        sender.unbounded_send(n).unwrap();
    }
    assert_eq!(poll(threes.as_mut()), Poll::Ready(Some(vec![3, 4, 5])));
}

#[test]
fn taken_out_in_a_gap_the_next_window_begins_at_once() {
    let mut apart = pin!(stream::iter(0..4).flow().window(1, 3));
    assert_eq!(poll(apart.as_mut()), Poll::Ready(Some(vec![0])));
    assert!(apart.as_mut().get_pin_mut().take_buffered().is_empty());
    assert_eq!(poll(apart.as_mut()), Poll::Ready(Some(vec![1])));
}

#[test]
fn no_size_and_no_step_are_refused() {
    let numbers = || stream::iter([Ok::<_, ()>(1)]).flow();
    let size = "a window of 0 items would show nothing: pass how many items a window has, at least 1";
    let step = "a window that moves by 0 would never end: pass by how many items it moves, at least 1";
    assert_eq!(panic_message(|| drain(numbers().window(0, 1))), size);
    assert_eq!(panic_message(|| drain(numbers().window(1, 0))), step);
    assert_eq!(panic_message(|| drain(numbers().window_map(0, 1, |_| ()))), size);
    assert_eq!(panic_message(|| drain(numbers().window_ok(1, 0))), step);
}
