use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    rc::Rc,
    task::Poll,
};

use futures::{Stream, channel::mpsc, stream};
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
    for (partial, size, step) in [(false, 2, 2), (true, 2, 2), (false, 3, 1), (true, 2, 1), (true, 1, 2)] {
        let result = |n: u32| if n.is_multiple_of(3) { Err(n) } else { Ok(n) };
        let build = |_: &Rig, source: Script| {
            let results = source.flow().map(move |item| match result(item.value()) {
                Ok(_) => Ok(item),
                Err(_) => Err(item),
            });
            let windows = results.window_ok(size, step);
            if partial { windows.partial() } else { windows }
        };
        // The errors lie between two windows, inside one, and at the end.
        contract(Ends::Itself, false, &[1, 2, 3, 4, 5, 6], build, |input| {
            model_ok(size, step, partial, &input.iter().copied().map(result).collect::<Vec<_>>())
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

/// Polls to the end, over panics; after each poll that gives something, the hint has to be exact. Gives what came out,
/// with `None` for a panic.
fn drain_over_panics<S: Stream>(stream: S) -> Vec<Option<S::Item>> {
    let mut stream = pin!(stream);
    let mut seen = Vec::new();
    let mut hints = Vec::new();
    loop {
        hints.push(stream.size_hint());
        match catch_unwind(AssertUnwindSafe(|| poll(stream.as_mut()))) {
            Ok(Poll::Ready(Some(item))) => seen.push(Some(item)),
            Ok(Poll::Ready(None)) => break,
            Ok(Poll::Pending) => panic!("nothing waits"),
            Err(_) => seen.push(None),
        }
    }
    assert_eq!(stream.size_hint(), (0, Some(0)));
    for (index, hint) in hints.into_iter().enumerate() {
        let left = seen.len() - index;
        assert_eq!(hint, (left, Some(left)), "before window {index} of {}", seen.len());
    }
    seen
}

/// The windows, with `None` in the place of number `lost`.
fn without(windows: Vec<Vec<u32>>, lost: usize) -> Vec<Option<Vec<u32>>> {
    windows.into_iter().enumerate().map(|(number, window)| (number != lost).then_some(window)).collect()
}

/// A number whose clone panics when the counter is at zero.
#[derive(Debug)]
struct Fragile(u32, Rc<Cell<usize>>);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        let left = self.1.get();
        self.1.set(left.wrapping_sub(1));
        assert_ne!(left, 0, "the clone panics, as told");
        Self(self.0, self.1.clone())
    }
}

#[test]
fn a_window_that_panics_is_lost_and_the_next_is_the_one_that_follows() {
    for (size, step) in [(1, 1), (2, 1), (2, 2), (3, 2), (8, 1), (8, 3), (2, 5), (1, 2)] {
        for partial in [false, true] {
            let items: Vec<u32> = (0..20).collect();
            let windows = model(size, step, partial, &items);
            for lost in 0..windows.len() {
                let expected = without(windows.clone(), lost);
                let said = format!("size {size}, step {step}, partial {partial}, lost {lost}");
                let mut number = 0;
                let shown = stream::iter(items.clone()).flow().window_map(size, step, |window| {
                    number += 1;
                    assert_ne!(number, lost + 1, "the closure panics, as told");
                    window.to_vec()
                });
                assert_eq!(
                    drain_over_panics(if partial { shown.partial() } else { shown }),
                    expected,
                    "{said}"
                );

                // The rest is moved out, not cloned.
                if partial && lost + 1 == windows.len() && windows[lost].len() < size {
                    continue;
                }
                for within in [0, size - 1] {
                    let counter = Rc::new(Cell::new(lost * size + within));
                    let fragile = || items.iter().map(|n| Fragile(*n, counter.clone())).collect::<Vec<_>>();
                    let numbers = |window: Vec<Fragile>| window.iter().map(|item| item.0).collect::<Vec<_>>();
                    let cloned = stream::iter(fragile()).flow().window(size, step);
                    let cloned = if partial { cloned.partial() } else { cloned };
                    assert_eq!(drain_over_panics(cloned.map(numbers)), expected, "{said}");
                }
            }
        }
    }
}

#[test]
fn a_window_of_results_survives_a_panic_too() {
    let counter = Rc::new(Cell::new(3));
    let items = (0..6).map(|n| if n == 4 { Err("lost") } else { Ok(Fragile(n, counter.clone())) });
    let mut pairs = pin!(stream::iter(items.collect::<Vec<_>>()).flow().window_ok(2, 1));
    let mut next = || match poll(pairs.as_mut()) {
        Poll::Ready(Some(Ok(window))) => Some(Ok(window.iter().map(|item| item.0).collect::<Vec<_>>())),
        Poll::Ready(Some(Err(error))) => Some(Err(error)),
        Poll::Ready(None) | Poll::Pending => None,
    };
    assert_eq!(next(), Some(Ok(vec![0, 1])));
    assert_eq!(
        panic_message(&mut next),
        "assertion `left != right` failed: the clone panics, as told\n  left: 0\n right: 0"
    );
    assert_eq!(next(), Some(Ok(vec![2, 3])));
    assert_eq!(next(), Some(Err("lost")));
    assert_eq!(next(), Some(Ok(vec![3, 5])));
    assert_eq!(next(), None);
}

#[test]
fn after_a_panic_no_more_is_held_and_what_is_held_can_be_taken_out() {
    for (size, step, kept) in [(4, 1, 3), (4, 4, 0), (4, 6, 0)] {
        let rig = Rig::default();
        let (source, _) = Script::of(&rig, 0..100);
        let mut broken = pin!(source.flow().window_map(size, step, |_| panic!("as told")));
        while catch_unwind(AssertUnwindSafe(|| poll(broken.as_mut()))).is_err() {
            assert!(rig.live() <= 2 * size, "size {size}, step {step}: {} items", rig.live());
            if rig.delivered().len() > 40 {
                break;
            }
        }
        assert_eq!(broken.as_mut().get_pin_mut().take_buffered().len(), kept);
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
fn what_the_other_forms_gather_can_be_taken_out() {
    let (sender, receiver) = mpsc::unbounded();
    let mut sums = pin!(receiver.flow().window_map(3, 1, |window| window.iter().sum::<u32>()));
    let (ok_sender, receiver) = mpsc::unbounded();
    let mut results = pin!(receiver.flow().window_ok(3, 1));
    for n in 0..4 {
        sender.unbounded_send(n).unwrap();
        ok_sender.unbounded_send(Ok::<_, ()>(n)).unwrap();
    }
    assert_eq!(poll(sums.as_mut()), Poll::Ready(Some(3)));
    assert_eq!(sums.as_mut().get_pin_mut().take_buffered(), [1, 2]);
    assert_eq!(poll(results.as_mut()), Poll::Ready(Some(Ok(vec![0, 1, 2]))));
    assert_eq!(results.as_mut().get_pin_mut().take_buffered(), [1, 2]);
    for n in 4..6 {
        sender.unbounded_send(n).unwrap();
        ok_sender.unbounded_send(Ok(n)).unwrap();
    }
    assert_eq!(poll(sums.as_mut()), Poll::Ready(Some(12)));
    assert_eq!(poll(results.as_mut()), Poll::Ready(Some(Ok(vec![3, 4, 5]))));
}

/// The specification of `window_ok`: each window where its last item was, each error where it was, the rest at the end.
fn model_ok(
    size: usize,
    step: usize,
    partial: bool,
    items: &[Result<u32, u32>],
) -> Vec<Result<Vec<u32>, u32>> {
    let mut out = Vec::new();
    let mut oks = Vec::new();
    for item in items {
        match item {
            Ok(n) => {
                let before = model(size, step, false, &oks).len();
                oks.push(*n);
                out.extend(model(size, step, false, &oks).into_iter().skip(before).map(Ok));
            }
            Err(error) => out.push(Err(*error)),
        }
    }
    let full = model(size, step, false, &oks).len();
    out.extend(model(size, step, partial, &oks).into_iter().skip(full).map(Ok));
    out
}

#[test]
fn window_ok_equals_its_specification_at_random() {
    let mut random = Random::new();
    for round in 0..200 {
        let (size, step) = (1 + random.below(6), 1 + random.below(8));
        let (partial, length) = (random.below(2) == 0, random.below(60));
        let (steps, items) = random.steps(length, 1000);
        let rig = Rig::default();
        let (source, _) = Script::new(&rig, 0, &steps, Hint::Exact, true);
        let result = |n: u32| if n.is_multiple_of(3) { Err(n) } else { Ok(n) };
        let windows = source.flow().map(|item| result(item.value())).window_ok(size, step);
        let windows = drain(if partial { windows.partial() } else { windows });
        let items: Vec<_> = items.into_iter().map(result).collect();
        assert_eq!(
            windows,
            model_ok(size, step, partial, &items),
            "round {round}, size {size}, step {step}, partial {partial}; {random}"
        );
    }
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
