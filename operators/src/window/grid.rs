//! The grid of windows over time, and what lies in the window that is open longest.

use alloc::{collections::VecDeque, vec::Vec};
use core::{fmt, time::Duration};

use futures_core::Stream;

use crate::Clock;

/// All items held lie in the window that begins at `start`; those of the windows after it are among them.
pub(super) struct Grid<I, C: Clock> {
    items: VecDeque<(C::Instant, I)>,
    start: Start<C::Instant>,
    // The end of that window; None if the clock cannot tell it.
    end: Option<C::Instant>,
    span: Duration,
    slide: Duration,
    max: usize,
}

#[derive(Clone, Copy)]
enum Start<I> {
    /// The grid begins with the next item.
    Fresh,
    At(I),
    /// The clock cannot tell it, so there is no further window.
    Never,
}

impl<I> Start<I> {
    fn of(moment: Option<I>) -> Self {
        moment.map_or(Self::Never, Self::At)
    }
}

impl<I, C: Clock> Grid<I, C> {
    pub(super) fn new(span: Duration, slide: Duration, max: usize) -> Self {
        Self { items: VecDeque::new(), start: Start::Fresh, end: None, span, slide, max }
    }

    /// When the window that is open longest has to leave; never if it is empty or the clock cannot tell.
    pub(super) fn end(&self) -> Option<C::Instant> {
        self.end.filter(|_| !self.items.is_empty())
    }

    #[inline]
    pub(super) fn is_over(&self, now: C::Instant) -> bool {
        !self.items.is_empty() && self.end.is_some_and(|end| now >= end)
    }

    fn begin_at(&mut self, start: Start<C::Instant>) {
        self.start = start;
        self.end = match start {
            Start::At(start) => C::checked_add(start, self.span),
            Start::Fresh | Start::Never => None,
        };
    }

    /// Adds what arrives `now`, when no window `is_over`. True if the window is full.
    #[inline]
    pub(super) fn push(&mut self, item: I, now: C::Instant) -> bool {
        if self.items.is_empty() {
            match self.start {
                Start::At(_) if self.end.is_some_and(|end| now < end) => {}
                Start::At(start) => self.begin_at(Start::of(self.align(start, now))),
                Start::Fresh => self.begin_at(Start::At(now)),
                Start::Never => {}
            }
            // Between two windows, or after the last.
            if !matches!(self.start, Start::At(start) if start <= now) {
                return false;
            }
        }
        self.items.push_back((now, item));
        self.items.len() >= self.max
    }

    /// The start of the first window of the grid that ends after `now`.
    fn align(&self, start: C::Instant, now: C::Instant) -> Option<C::Instant> {
        let elapsed = C::duration_since(now, start);
        let Some(beyond) = elapsed.checked_sub(self.span) else {
            return Some(start);
        };
        let slides = beyond.as_nanos() / self.slide.as_nanos() + 1;
        C::checked_add(start, duration(slides * self.slide.as_nanos())?)
    }

    /// The items of the window that is over. What later windows need is cloned and stays.
    pub(super) fn slide(&mut self) -> Vec<I>
    where
        I: Clone,
    {
        let mut window = Vec::with_capacity(self.items.len());
        let next = match self.start {
            Start::At(start) => C::checked_add(start, self.slide),
            Start::Fresh | Start::Never => None,
        };
        self.begin_at(Start::of(next));
        while self.items.front().is_some_and(|(arrival, _)| next.is_none_or(|next| *arrival < next)) {
            window.extend(self.items.pop_front().map(|(_, item)| item));
        }
        window.extend(self.items.iter().map(|(_, item)| item.clone()));
        window
    }

    /// All items; the grid begins anew with the next.
    pub(super) fn take(&mut self) -> Vec<I> {
        self.begin_at(Start::Fresh);
        self.items.drain(..).map(|(_, item)| item).collect()
    }

    pub(super) fn size_hint<S: Stream>(&self, source: Option<&S>) -> (usize, Option<usize>) {
        let Some(source) = source else {
            return (0, Some(0));
        };
        let (lower, upper) = source.size_hint();
        let held = self.items.len();
        let windows_per_item = self.span.as_nanos().div_ceil(self.slide.as_nanos());
        let least = if self.slide <= self.span {
            lower.saturating_add(held).div_ceil(self.max)
        } else if matches!(self.start, Start::Fresh) {
            // The first item begins a window.
            lower.min(1)
        } else {
            held.min(1)
        };
        let most = upper
            .and_then(|upper| upper.checked_add(held))
            .zip(usize::try_from(windows_per_item).ok())
            .and_then(|(items, windows)| items.checked_mul(windows));
        (least, most)
    }
}

/// None if it is longer than a duration can be.
fn duration(nanos: u128) -> Option<Duration> {
    const NANOS_PER_SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / NANOS_PER_SECOND).ok()?;
    Some(Duration::new(seconds, (nanos % NANOS_PER_SECOND) as u32))
}

impl<I, C: Clock> fmt::Debug for Grid<I, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grid")
            .field("held", &self.items.len())
            .field("span", &self.span)
            .field("slide", &self.slide)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

/// Refuses what would never move or never fill.
pub(super) fn check(span: Duration, slide: Duration, max: usize) {
    assert!(!span.is_zero(), "a window of no time would show nothing: pass a span longer than zero");
    assert!(!slide.is_zero(), "windows that move by no time would never end: pass a slide longer than zero");
    assert!(max > 0, "a window of 0 items would show nothing: pass how many items it may hold, at least 1");
}
