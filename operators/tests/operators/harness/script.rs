//! A source that does what it is told and minds how it is treated.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    marker::PhantomPinned,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::{Stream, stream::FusedStream};
use pin_project_lite::pin_project;

use super::{Item, Rig};

/// What a source does in one poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Item(u32),
    Pending,
}

/// What a source says of the items to come. All of it is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    Exact,
    /// Nothing is known.
    Vague,
    /// Half of what is to come, and twice as much.
    Loose,
}

/// Seen from outside the operator that holds the source.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) dropped: Cell<bool>,
    pub(crate) ended: Cell<bool>,
    /// The waker of a poll that gave `Pending`, until the source is polled again.
    pub(crate) waiting: RefCell<Option<Waker>>,
    pub(crate) polls: Cell<usize>,
}

pin_project! {
    /// A strict source: it panics if it is polled after its end, unless it is told to be fused. It cannot be moved
    /// once polled, like a source made of an async block.
    pub(crate) struct Script {
        steps: VecDeque<Step>,
        hint: Hint,
        strict: bool,
        early: bool,
        number: usize,
        rig: Rig,
        seen: Watch,
        #[pin]
        _pinned: PhantomPinned,
    }
}

/// Notices when the source that holds it is dropped.
struct Watch(Rc<Seen>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.dropped.set(true);
    }
}

impl Script {
    pub(crate) fn new(
        rig: &Rig,
        number: usize,
        steps: &[Step],
        hint: Hint,
        strict: bool,
    ) -> (Self, Rc<Seen>) {
        let seen = Rc::<Seen>::default();
        let steps = steps.iter().copied().collect();
        let watch = Watch(seen.clone());
        let rig = rig.clone();
        (Self { steps, hint, strict, early: false, number, rig, seen: watch, _pinned: PhantomPinned }, seen)
    }

    /// Says it is terminated as soon as it has given its last item, as `take(n)` does.
    pub(crate) fn terminated_early(mut self) -> Self {
        self.early = true;
        while self.steps.back() == Some(&Step::Pending) {
            self.steps.pop_back();
        }
        self
    }

    /// The simple form: items without waits, exact hints, strict.
    pub(crate) fn of(rig: &Rig, items: impl IntoIterator<Item = u32>) -> (Self, Rc<Seen>) {
        let steps: Vec<_> = items.into_iter().map(Step::Item).collect();
        Self::new(rig, 0, &steps, Hint::Exact, true)
    }
}

impl Stream for Script {
    type Item = Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let this = self.project();
        let seen = &this.seen.0;
        assert!(!(*this.strict && seen.ended.get()), "source {} is polled after its end", this.number);
        seen.polls.set(seen.polls.get() + 1);
        seen.waiting.replace(None);
        match this.steps.pop_front() {
            Some(Step::Item(value)) => Poll::Ready(Some(this.rig.deliver(*this.number, value))),
            Some(Step::Pending) => {
                seen.waiting.replace(Some(cx.waker().clone()));
                Poll::Pending
            }
            None => {
                seen.ended.set(true);
                Poll::Ready(None)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.steps.iter().filter(|step| matches!(step, Step::Item(_))).count();
        match self.hint {
            Hint::Exact => (left, Some(left)),
            Hint::Vague => (0, None),
            Hint::Loose => (left / 2, Some(left * 2)),
        }
    }
}

impl FusedStream for Script {
    fn is_terminated(&self) -> bool {
        self.seen.0.ended.get() || (self.early && self.steps.is_empty())
    }
}
