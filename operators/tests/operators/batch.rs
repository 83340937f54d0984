use std::{pin::pin, task::Poll};

use futures::{channel::mpsc, stream};
use pubsub_operators::StreamOps;

use crate::harness::{
    Ends, Hint, Item, Random, Rig, Script, Step, alloc::allocations, contract, drain, panic_message, poll,
};

const INPUT: [u32; 6] = [1, 2, 3, 4, 5, 6];

#[test]
fn batch_keeps_the_contract() {
    for max in [1, 2, 3, 4, 6, 7, usize::MAX] {
        let build = |_: &Rig, source: Script| source.flow().batch(max);
        contract(Ends::Itself, true, &INPUT, build, |input| {
            input.chunks(max.min(100)).map(<[u32]>::to_vec).collect()
        });
        contract(Ends::Itself, true, &[], build, |_| Vec::<Vec<u32>>::new());
    }
}

#[test]
fn batch_by_keeps_the_contract() {
    let input = [2, 4, 1, 6, 8, 10];
    for max in [1, 2, 3, 4] {
        let build = |rig: &Rig, source: Script| {
            let rig = rig.clone();
            source.flow().batch_by(max, move |item| {
                rig.tick();
                item.value() % 2
            })
        };
        contract(Ends::Itself, false, &input, build, |input| {
            let runs = input.chunk_by(|a, b| a % 2 == b % 2);
            runs.flat_map(|run| run.chunks(max)).map(|run| (run[0] % 2, run.to_vec())).collect::<Vec<_>>()
        });
    }
}

#[test]
fn batch_ok_keeps_the_contract() {
    for errors in [[2, 3], [1, 6], [4, 9], [8, 9]] {
        for max in [1, 2, 3] {
            let build = |_: &Rig, source: Script| {
                let results = source
                    .flow()
                    .map(move |item| if errors.contains(&item.value()) { Err(item) } else { Ok(item) });
                results.batch_ok(max)
            };
            contract(Ends::Itself, false, &INPUT, build, |input| {
                let mut expected = Vec::new();
                for run in input.chunk_by(|a, b| !errors.contains(a) && !errors.contains(b)) {
                    if errors.contains(&run[0]) {
                        expected.push(Err(run[0]));
                    } else {
                        expected.extend(run.chunks(max).map(|batch| Ok(batch.to_vec())));
                    }
                }
                expected
            });
        }
    }
}

#[test]
fn batch_ready_keeps_the_contract() {
    // What is in one batch depends on the waits; the items, their order and the bound do not.
    for max in [1, 2, 4] {
        let build = |_: &Rig, source: Script| {
            let batches = source.flow().batch_ready(max);
            batches
                .map(move |batch| assert!((1..=max).contains(&batch.len())))
                .map(|()| "batch")
                .filter(|_| false)
        };
        contract(Ends::Itself, false, &INPUT, build, |_| Vec::<&str>::new());
    }
    let build = |_: &Rig, source: Script| source.flow().batch_ready(1);
    contract(Ends::Itself, true, &INPUT, build, |input| input.iter().map(|n| vec![*n]).collect());
}

#[test]
fn batch_ready_takes_what_is_there_up_to_the_bound() {
    let rig = Rig::default();
    let items = |range: std::ops::Range<u32>| range.map(Step::Item);
    let steps: Vec<_> =
        [Step::Pending].into_iter().chain(items(0..5)).chain([Step::Pending]).chain(items(5..6)).collect();
    let (source, seen) = Script::new(&rig, 0, &steps, Hint::Exact, true);
    let mut batches = pin!(source.flow().batch_ready(3));
    let mut next = || match poll(batches.as_mut()) {
        Poll::Ready(batch) => {
            Poll::Ready(batch.map(|batch| batch.iter().map(Item::value).collect::<Vec<_>>()))
        }
        Poll::Pending => Poll::Pending,
    };
    assert_eq!(next(), Poll::Pending, "nothing is there: no empty batch");
    assert_eq!(next(), Poll::Ready(Some(vec![0, 1, 2])));
    assert_eq!(next(), Poll::Ready(Some(vec![3, 4])));
    assert_eq!(next(), Poll::Ready(Some(vec![5])));
    assert!(seen.dropped.get(), "the end was seen together with the last item");
    assert_eq!(next(), Poll::Ready(None));
}

#[test]
fn equals_the_chunks_of_a_slice() {
    let mut random = Random::new();
    for round in 0..300 {
        let (length, max) = (random.below(200), 1 + random.below(40));
        let rig = Rig::default();
        let (steps, items) = random.steps(length, 1000);
        let (source, _) = Script::new(&rig, 0, &steps, Hint::Exact, true);
        let batches = format!("{:?}", drain(source.flow().batch(max)));
        let expected = format!("{:?}", items.chunks(max).collect::<Vec<_>>());
        assert_eq!(batches, expected, "round {round}, max {max}; {random}");
    }
}

#[test]
fn one_allocation_per_batch_of_exactly_its_size() {
    let mut batches = pin!(stream::iter(0..100).flow().batch(10));
    let (count, capacity) = allocations(|| {
        let mut capacity = 0;
        while let Poll::Ready(Some(batch)) = poll(batches.as_mut()) {
            capacity = batch.capacity();
        }
        capacity
    });
    assert_eq!((count, capacity), (10, 10));

    let mut runs = pin!(stream::iter(0..100).flow().batch_by(3, |n| n / 10));
    let (count, seen) = allocations(|| {
        let mut seen = 0;
        while let Poll::Ready(Some((_, run))) = poll(runs.as_mut()) {
            assert_eq!(run.capacity(), 3);
            seen += 1;
        }
        seen
    });
    assert_eq!((count, seen), (40, 40));

    let huge = drain(stream::iter(0..5000).flow().batch(5000));
    assert_eq!((huge[0].len(), huge[0].capacity()), (5000, 5000));
}

#[test]
fn what_is_gathered_can_be_taken_out() {
    let (sender, receiver) = mpsc::unbounded();
    let mut batches = pin!(receiver.flow().batch(3));
    sender.unbounded_send(1).unwrap();
    sender.unbounded_send(2).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    assert_eq!(batches.as_mut().get_pin_mut().take_buffered(), [1, 2]);
    sender.unbounded_send(3).unwrap();
    drop(sender);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![3])));

    let (sender, receiver) = mpsc::unbounded();
    let mut runs = pin!(receiver.flow().batch_by(3, |n| n % 2));
    sender.unbounded_send(1).unwrap();
    assert!(poll(runs.as_mut()).is_pending());
    assert_eq!(runs.as_mut().get_pin_mut().take_buffered(), Some((1, vec![1])));
    assert_eq!(runs.as_mut().get_pin_mut().take_buffered(), None);

    let (sender, receiver) = mpsc::unbounded();
    let mut results = pin!(receiver.flow().batch_ok(3));
    sender.unbounded_send(Ok::<_, ()>(1)).unwrap();
    assert!(poll(results.as_mut()).is_pending());
    assert_eq!(results.as_mut().get_pin_mut().take_buffered(), [1]);
}

#[test]
fn an_error_leaves_after_what_came_before_it() {
    let steps = stream::iter([Ok(1), Ok(2), Err("lag"), Err("lag"), Ok(3)]);
    let expected = [Ok(vec![1, 2]), Err("lag"), Err("lag"), Ok(vec![3])];
    assert_eq!(drain(steps.flow().batch_ok(3)), expected);
}

#[test]
fn a_large_batch_gives_way_behind_yielding() {
    let mut batches = pin!(stream::repeat(1).flow().yielding(100).batch(1000));
    // The tenth turn is owed when the batch is full, and given before the next.
    for turns in [9, 10, 10] {
        for _ in 0..turns {
            assert!(poll(batches.as_mut()).is_pending());
        }
        assert!(matches!(poll(batches.as_mut()), Poll::Ready(Some(batch)) if batch.len() == 1000));
    }
}

#[test]
fn nothing_is_taken_beyond_a_full_batch() {
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, INPUT);
    let mut batches = pin!(source.flow().batch(2));
    assert!(poll(batches.as_mut()).is_ready());
    assert_eq!(seen.polls.get(), 2);
}

#[test]
fn a_size_of_zero_is_refused() {
    let numbers = || stream::iter([Ok::<_, ()>(1)]).flow();
    let hint = "pass the number of items of a full batch, at least 1";
    assert_eq!(panic_message(|| drain(numbers().batch(0))), format!("batch(0) would hold nothing: {hint}"));
    assert_eq!(
        panic_message(|| drain(numbers().batch_ready(0))),
        format!("batch_ready(0) would hold nothing: {hint}")
    );
    assert_eq!(
        panic_message(|| drain(numbers().batch_ok(0))),
        format!("batch_ok(0) would hold nothing: {hint}")
    );
    assert_eq!(
        panic_message(|| drain(numbers().batch_by(0, |_| 1))),
        format!("batch_by(0, ..) would hold nothing: {hint}")
    );
}
