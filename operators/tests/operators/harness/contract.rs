//! The contract of the crate's front page, as one function over any adaptor.

use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use futures::{FutureExt, Stream, StreamExt, future::FusedFuture, stream::FusedStream};
use pin_project_lite::pin_project;

use super::{
    Rig, Waking, panic_message,
    script::{Hint, Script, Seen, Step},
};

/// How an adaptor ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// It has state to finish: it is fused whatever its source is, and drops the source when that ends.
    Itself,
    /// It hands through the end of its source: it is fused if the source is.
    WithSource,
}

/// Runs `build` over one source of `input` and expects what `model` says, under every condition the contract names.
///
/// With `exact`, the size hint has to be exact when the source's is.
pub(crate) fn contract<S, O>(
    ends: Ends,
    exact: bool,
    input: &[u32],
    build: impl Fn(&Rig, Script) -> S,
    model: impl Fn(&[u32]) -> Vec<O>,
) where
    S: FusedStream,
    S::Item: Debug,
    O: Debug,
{
    let build = |rig: &Rig, mut sources: Vec<Script>| build(rig, sources.remove(0));
    let model = |_: &[(usize, u32)]| model(input);
    Case { ends, exact, future: false, inputs: &[input], build, model }.check();
}

/// The same for what gives a future. With its output the source is dropped, although the future is still there; it says
/// it is terminated, and panics with the words `polled_again` if it is polled once more. `show` makes of the output what
/// is compared with the model.
pub(crate) fn contract_future<F, R, O>(
    polled_again: &str,
    input: &[u32],
    build: impl Fn(&Rig, Script) -> F,
    show: impl Fn(F::Output) -> R,
    model: impl Fn(&[u32]) -> O,
) where
    F: FusedFuture,
    R: Debug,
    O: Debug,
{
    let (show, polled_again) = (&show, polled_again);
    let build = |rig: &Rig, mut sources: Vec<Script>| {
        let future = build(rig, sources.remove(0));
        Completing {
            future,
            show: move |output| show(output),
            polled_again: polled_again.to_owned(),
            done: false,
        }
    };
    let model = |_: &[(usize, u32)]| vec![model(input)];
    Case { ends: Ends::Itself, exact: true, future: true, inputs: &[input], build, model }.check();
}

pin_project! {
    /// The output of a future as the only item of a stream, which keeps the future.
    struct Completing<F, M> {
        #[pin]
        future: F,
        show: M,
        polled_again: String,
        done: bool,
    }
}

impl<F, R, M> Stream for Completing<F, M>
where
    F: FusedFuture,
    M: Fn(F::Output) -> R,
{
    type Item = R;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<R>> {
        let mut this = self.project();
        if *this.done {
            return Poll::Ready(None);
        }
        let Poll::Ready(output) = this.future.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        *this.done = true;
        assert!(this.future.is_terminated(), "it completed and does not say so");
        assert_eq!(panic_message(|| this.future.poll(cx).is_ready()), *this.polled_again);
        Poll::Ready(Some((this.show)(output)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(!self.done), Some(usize::from(!self.done)))
    }
}

impl<F, R, M> FusedStream for Completing<F, M>
where
    F: FusedFuture,
    M: Fn(F::Output) -> R,
{
    fn is_terminated(&self) -> bool {
        self.done
    }
}

/// The same for operators of two sources. The model is given what the sources delivered, and in which order, since
/// what comes out may depend on it.
pub(crate) fn contract2<S, O>(
    exact: bool,
    inputs: [&[u32]; 2],
    build: impl Fn(&Rig, Script, Script) -> S,
    model: impl Fn(&[(usize, u32)]) -> Vec<O>,
) where
    S: FusedStream,
    S::Item: Debug,
    O: Debug,
{
    let build = |rig: &Rig, mut sources: Vec<Script>| {
        let left = sources.remove(0);
        build(rig, left, sources.remove(0))
    };
    Case { ends: Ends::Itself, exact, future: false, inputs: &inputs, build, model }.check();
}

struct Case<'a, B, M> {
    ends: Ends,
    exact: bool,
    /// The only item is the output of a future, which releases the sources.
    future: bool,
    inputs: &'a [&'a [u32]],
    build: B,
    model: M,
}

/// How the sources of one run behave.
#[derive(Clone, Copy)]
struct Setting {
    /// A bit per place where a source can wait: before each of its items, and before its end.
    pattern: u32,
    hint: Hint,
    /// The sources say they are terminated together with their last item.
    early: bool,
    panic_at: Option<usize>,
}

impl Setting {
    fn new(pattern: u32) -> Self {
        Self { pattern, hint: Hint::Exact, early: false, panic_at: None }
    }
}

/// One run: the adaptor, its sources seen from outside, and what it gave so far.
struct Run<S: FusedStream> {
    rig: Rig,
    ends: Ends,
    future: bool,
    seen: Vec<Rc<Seen>>,
    stream: Pin<Box<S>>,
    items: Vec<S::Item>,
    hints: Vec<(usize, (usize, Option<usize>))>,
}

impl<S, O, B, M> Case<'_, B, M>
where
    S: FusedStream,
    S::Item: Debug,
    O: Debug,
    B: Fn(&Rig, Vec<Script>) -> S,
    M: Fn(&[(usize, u32)]) -> Vec<O>,
{
    fn check(&self) {
        let places: usize = self.inputs.iter().map(|input| input.len() + 1).sum();
        assert!(places <= 10, "all patterns of waits are tried: keep the inputs short");
        for pattern in 0..1_u32 << places {
            let mut polls = 0;
            for hint in [Hint::Exact, Hint::Vague, Hint::Loose] {
                polls = self.to_the_end(Setting { hint, ..Setting::new(pattern) });
            }
            for poll in 0..polls {
                self.dropped_after(pattern, poll);
            }
            if self.ends == Ends::WithSource {
                self.to_the_end(Setting { early: true, ..Setting::new(pattern) });
            }
        }
        for pattern in [0, (1 << places) - 1] {
            let mut calm = self.start(Setting::new(pattern));
            while calm.poll() != Poll::Ready(false) {}
            for call in 0..calm.rig.calls() {
                self.panicking_in(pattern, call);
            }
        }
    }

    fn start(&self, setting: Setting) -> Run<S> {
        let rig = Rig::default();
        rig.panic_at(setting.panic_at);
        let mut bits = setting.pattern;
        let mut wait = || {
            let wait = bits & 1 == 1;
            bits >>= 1;
            wait.then_some(Step::Pending)
        };
        let (sources, seen) = self
            .inputs
            .iter()
            .enumerate()
            .map(|(number, input)| {
                let mut steps = Vec::new();
                for value in *input {
                    steps.extend(wait());
                    steps.push(Step::Item(*value));
                }
                steps.extend(wait());
                let strict = self.ends == Ends::Itself;
                let (script, seen) = Script::new(&rig, number, &steps, setting.hint, strict);
                (if setting.early { script.terminated_early() } else { script }, seen)
            })
            .unzip();
        let stream = Box::pin((self.build)(&rig, sources));
        Run { rig, ends: self.ends, future: self.future, seen, stream, items: Vec::new(), hints: Vec::new() }
    }

    /// The right items, in order; hints that were true; no poll of a source after its end; the end is for ever, and
    /// the sources are released with it; nothing is left over. Gives the number of polls it took.
    fn to_the_end(&self, setting: Setting) -> usize {
        let Setting { pattern, hint, .. } = setting;
        let mut run = self.start(setting);
        assert_eq!(
            run.seen.iter().map(|seen| seen.polls.get()).sum::<usize>(),
            0,
            "nothing is polled at construction"
        );
        let mut polls = 1;
        while run.poll() != Poll::Ready(false) {
            polls += 1;
            assert!(polls < 1000, "pattern {pattern:b}: it does not end");
        }
        let expected = (self.model)(&run.rig.delivered());
        assert_eq!(format!("{:?}", run.items), format!("{expected:?}"), "pattern {pattern:b}");

        let total = run.items.len();
        for (emitted, (lower, upper)) in &run.hints {
            let left = total - emitted;
            let said = format!("pattern {pattern:b}: {left} followed, said was {lower}..={upper:?}");
            assert!(*lower <= left && upper.is_none_or(|upper| left <= upper), "{said}");
            if self.exact && hint == Hint::Exact {
                assert_eq!((*lower, *upper), (left, Some(left)), "{said}");
            }
        }

        if self.ends == Ends::Itself {
            assert!(
                run.seen.iter().all(|seen| seen.dropped.get()),
                "pattern {pattern:b}: a source outlives the end"
            );
        }
        run.items.clear();
        if self.ends == Ends::Itself {
            assert_eq!(run.rig.live(), 0, "pattern {pattern:b}: items are kept beyond the end");
        }
        assert!(run.stream.is_terminated(), "pattern {pattern:b}: it ended and does not say so");
        for _ in 0..3 {
            assert_eq!(run.poll(), Poll::Ready(false), "pattern {pattern:b}: an item after the end");
        }
        run.finish();
        polls
    }

    /// The adaptor may be dropped between any two polls.
    fn dropped_after(&self, pattern: u32, polls: usize) {
        let mut run = self.start(Setting::new(pattern));
        for _ in 0..polls {
            let _ = run.poll();
        }
        run.finish();
    }

    /// A callback may panic: what follows is up to the adaptor, but it can be polled and dropped and loses no count.
    fn panicking_in(&self, pattern: u32, call: usize) {
        let mut run = self.start(Setting { panic_at: Some(call), ..Setting::new(pattern) });
        let panicked = (0..1000).any(|_| catch_unwind(AssertUnwindSafe(|| run.stream_poll())).is_err());
        assert!(panicked, "call {call} did not happen");
        for _ in 0..3 {
            let _ = catch_unwind(AssertUnwindSafe(|| run.stream_poll()));
        }
        run.finish();
    }
}

impl<S: FusedStream> Run<S>
where
    S::Item: Debug,
{
    /// Polls a future of `next` made for this poll, with a waker made for this poll, and drops both. Ready is true with
    /// an item and false at the end.
    fn poll(&mut self) -> Poll<bool> {
        self.hints.push((self.items.len(), self.stream.size_hint()));
        let terminated = self.stream.is_terminated();
        let (waking, waker) = Waking::new();
        let next = self.stream.next().poll_unpin(&mut Context::from_waker(&waker));
        if self.ends == Ends::Itself {
            let kept = self.seen.iter().any(|seen| seen.ended.get() && !seen.dropped.get());
            assert!(!kept, "a source that ended outlives the poll in which it did");
        }
        if self.future && next.is_ready() {
            assert!(self.seen.iter().all(|seen| seen.dropped.get()), "a source outlives the output");
        }
        match next {
            Poll::Ready(Some(item)) => {
                assert!(!terminated, "an item of a stream that says it is terminated");
                self.items.push(item);
                Poll::Ready(true)
            }
            Poll::Ready(None) => Poll::Ready(false),
            Poll::Pending => {
                assert!(!terminated, "pending although it says it is terminated");
                let waiting: Vec<_> =
                    self.seen.iter().filter_map(|seen| seen.waiting.borrow().clone()).collect();
                assert!(!waiting.is_empty() || waking.count() > 0, "pending, and nothing will wake the task");
                assert!(
                    waiting.is_empty() || waking.count() == 0,
                    "a source waits, and the task is woken for nothing"
                );
                assert!(
                    waiting.iter().all(|source| source.will_wake(&waker)),
                    "a source will wake an earlier task"
                );
                Poll::Pending
            }
        }
    }

    fn stream_poll(&mut self) {
        if let Poll::Ready(Some(item)) = super::poll(self.stream.as_mut()) {
            self.items.push(item);
        }
    }

    /// Drops everything and expects that nothing is left, and nothing dropped twice.
    fn finish(self) {
        let Self { rig, seen, stream, items, .. } = self;
        drop(stream);
        assert!(seen.iter().all(|seen| seen.dropped.get()), "a source outlives the adaptor");
        drop(items);
        assert_eq!(rig.live(), 0, "items are left over");
    }
}
