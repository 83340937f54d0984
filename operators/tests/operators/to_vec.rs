use std::{
    cell::RefCell,
    convert::identity,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
};

use futures::{Stream, stream};
use pubsub_operators::{Flow, Overflow, StreamOps};

use crate::harness::{
    Hint, Rig, Script, Step, alloc::allocations, contract_future, finish, panic_message, poll_future,
};

const INPUT: [u32; 5] = [1, 2, 3, 4, 5];

#[test]
fn to_vec_keeps_the_contract() {
    for input in [&INPUT[..], &[]] {
        let build = |_: &Rig, source: Script| source.flow().to_vec();
        contract_future("`ToVec` polled after it completed", input, build, identity, <[u32]>::to_vec);
    }
}

#[test]
fn to_vec_max_keeps_the_contract() {
    for (input, maxima) in [(&INPUT[..], &[0, 1, 4, 5, 6, usize::MAX][..]), (&[], &[0, 1])] {
        for max in maxima {
            let build = |_: &Rig, source: Script| source.flow().to_vec_max(*max);
            let show = |collected: Result<_, Overflow<_>>| collected.map_err(|over| (over.items, over.next));
            contract_future("`ToVecMax` polled after it completed", input, build, show, |input| match input
                .get(*max)
            {
                Some(next) => Err((input[..*max].to_vec(), *next)),
                None => Ok(input.to_vec()),
            });
        }
    }
}

#[test]
fn try_to_vec_keeps_the_contract() {
    for fails_at in [1, 4, 5, 9] {
        let build = |_: &Rig, source: Script| {
            let results =
                source.flow().map(move |item| if item.value() == fails_at { Err(item) } else { Ok(item) });
            results.try_to_vec()
        };
        contract_future("`TryToVec` polled after it completed", &INPUT, build, identity, |input| {
            if fails_at == 9 { Ok(input.to_vec()) } else { Err(fails_at) }
        });
    }
}

#[test]
fn try_to_vec_drops_what_it_collected_in_order_at_the_first_error() {
    struct Noisy(u32, Rc<RefCell<Vec<u32>>>);
    impl Drop for Noisy {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }
    struct Source(u32, Rc<RefCell<Vec<u32>>>);
    impl Stream for Source {
        type Item = Result<Noisy, Noisy>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.0 += 1;
            let item = Noisy(self.0, self.1.clone());
            Poll::Ready(Some(if self.0 < 4 { Ok(item) } else { Err(item) }))
        }
    }
    impl Drop for Source {
        fn drop(&mut self) {
            self.1.borrow_mut().push(0);
        }
    }
    let dropped = Rc::<RefCell<Vec<u32>>>::default();
    let mut collected = pin!(Source(0, dropped.clone()).flow().try_to_vec());
    let Poll::Ready(Err(error)) = poll_future(collected.as_mut()) else { panic!("it fails at the fourth") };
    assert_eq!(error.0, 4);
    assert_eq!(*dropped.borrow(), [0, 1, 2, 3], "the source, then the items, all before the error is out");
    drop(error);
    assert_eq!(*dropped.borrow(), [0, 1, 2, 3, 4]);
}

#[test]
fn to_vec_max_takes_one_more_than_it_may_hold_and_no_further() {
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, INPUT);
    let overflow = finish(source.flow().to_vec_max(2)).unwrap_err();
    assert_eq!(seen.polls.get(), 3);
    assert_eq!(overflow.to_string(), "the stream has more than the 2 items it may have");
    assert_eq!(format!("{overflow:?}"), "Overflow { max: 2, .. }");
    assert_eq!(rig.live(), 3);
}

/// Has any number of items, and says another.
struct Said<S>(S, usize);

impl<S: Stream + Unpin> Stream for Said<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, Some(self.1))
    }
}

/// Says what it is told to, and has three items.
struct Lying(u32, usize);

impl Stream for Lying {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        self.0 += 1;
        Poll::Ready((self.0 <= 3).then_some(self.0))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, Some(self.1))
    }
}

#[test]
fn a_hint_that_lies_aborts_nothing() {
    let lying = |hint| Lying(0, hint).flow();
    for hint in [0, 1, usize::MAX] {
        let (_, items) = allocations(|| finish(lying(hint).to_vec()));
        assert_eq!(items, [1, 2, 3]);
        assert!(items.capacity() * size_of::<u32>() <= 1024 * 1024);
        assert_eq!(finish(lying(hint).to_vec_max(3)).unwrap(), [1, 2, 3]);
        assert_eq!(finish(lying(hint).map(Ok::<_, ()>).try_to_vec()).unwrap(), [1, 2, 3]);
        let large = finish(lying(hint).map(|n| [n; 20_000]).to_vec());
        assert!(large.capacity() <= 13, "the hint counts items, and what is trusted is bytes");
        assert_eq!(finish(lying(hint).batch(2).to_vec()), [vec![1, 2], vec![3]]);
        assert_eq!(finish(lying(hint).window(2, 1).to_vec()), [[1, 2], [2, 3]]);
        assert_eq!(finish(lying(hint).dedupe(4, |n| *n).to_vec()), [1, 2, 3]);
        assert_eq!(finish(lying(hint).take(2).chain(lying(hint)).to_vec()), [1, 2, 1, 2, 3]);
        assert_eq!(finish(lying(hint).zip(lying(hint)).to_vec()), [(1, 1), (2, 2), (3, 3)]);
        assert_eq!(finish(lying(hint).merge(lying(hint)).to_vec()), [1, 1, 2, 2, 3, 3]);
        assert_eq!(finish(lying(hint).latest(lying(hint)).to_vec()).len(), 5);
        assert_eq!(
            finish(lying(hint).flat_map(|n| lying(hint).take(n as usize)).to_vec()),
            [1, 1, 2, 1, 2, 3]
        );
    }
}

#[test]
fn empty_allocates_nothing_and_an_exact_hint_once() {
    assert_eq!(allocations(|| finish(stream::iter(0..0).flow().to_vec())).0, 0);
    assert_eq!(allocations(|| finish(stream::iter(0..500).flow().to_vec())).0, 1);
    assert_eq!(allocations(|| finish(stream::iter(0..500).flow().to_vec_max(500))).0, 1);
    assert_eq!(allocations(|| finish(stream::iter(0..100_000).flow().to_vec())).0, 1);
    assert_eq!(finish(stream::iter(0..500).flow().to_vec()).capacity(), 500);
}

#[test]
fn to_vec_max_makes_no_room_beyond_its_bound() {
    for (length, max) in [(1, 1), (3, 3), (5, 5), (9, 9), (100, 100), (5000, 5000), (3, 2), (1000, 7)] {
        for hint in [0, 1, length, usize::MAX] {
            let said = Said(stream::iter(0..length), hint).flow();
            let (items, beyond) = match finish(said.to_vec_max(max)) {
                Ok(items) => (items, 0),
                Err(overflow) => (overflow.items, 1),
            };
            assert_eq!(items.len() + beyond, if length > max { max + 1 } else { length });
            assert!(items.capacity() <= max, "max {max}, hint {hint}: {}", items.capacity());
        }
    }
}

#[test]
fn items_without_a_size() {
    assert_eq!(finish(stream::iter([(), (), ()]).flow().to_vec()).len(), 3);
    assert_eq!(finish(stream::iter([(), (), ()]).flow().batch(2).to_vec()).len(), 2);
    assert_eq!(finish(stream::iter([(); 9]).flow().window(2, 1).to_vec()).len(), 8);
}

#[test]
fn a_wait_in_the_middle_keeps_what_is_collected() {
    let rig = Rig::default();
    let steps = [Step::Item(1), Step::Pending, Step::Item(2)];
    let (source, seen) = Script::new(&rig, 0, &steps, Hint::Vague, true);
    let mut all = pin!(source.flow().to_vec());
    assert!(poll_future(all.as_mut()).is_pending());
    assert_eq!(rig.live(), 1);
    assert!(poll_future(all.as_mut()).is_ready());
    assert!(seen.dropped.get());
    assert_eq!(panic_message(|| poll_future(all.as_mut())), "`ToVec` polled after it completed");
}

#[test]
fn an_endless_source_with_take() {
    fn first<S: Stream>(numbers: Flow<S>) -> Vec<S::Item> {
        finish(numbers.take(2).to_vec())
    }
    assert_eq!(first(stream::iter(1..).flow()), [1, 2]);
}
