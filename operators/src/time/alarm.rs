//! The one sleep of an adaptor: made when it is first waited for, set anew after that.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{Clock, Sleep, Timer, time::Monotonic};

pin_project! {
    pub(crate) struct Alarm<T: Timer> {
        #[pin]
        sleep: Option<T::Sleep>,
        // What the sleep is set to, unless it has completed.
        set_to: Option<<T as Clock>::Instant>,
    }
}

impl<T: Timer> Alarm<T> {
    pub(crate) fn new() -> Self {
        Self { sleep: None, set_to: None }
    }

    /// Ready if the time of `timer` has reached `deadline`; else the task is woken when it has. `None` never comes.
    ///
    /// The clock is asked first: a sleep may be coarser than its clock, and what is due should not wait for it. After
    /// `Ready` it is `deadline` by `time` too, also if the sleep has ended while the clock reads earlier.
    pub(crate) fn poll_at(
        self: Pin<&mut Self>,
        timer: &T,
        time: &mut Monotonic<T>,
        deadline: Option<T::Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(deadline) = deadline else {
            return Poll::Pending;
        };
        if time.read(timer) >= deadline {
            return Poll::Ready(());
        }
        let mut this = self.project();
        if *this.set_to != Some(deadline) {
            match this.sleep.as_mut().as_pin_mut() {
                Some(sleep) => sleep.reset(deadline),
                None => this.sleep.set(Some(timer.sleep_until(deadline))),
            }
            *this.set_to = Some(deadline);
        }
        if let Some(sleep) = this.sleep.as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        *this.set_to = None;
        time.raise(deadline);
        Poll::Ready(())
    }

    /// Drops the sleep, when there is nothing more to wait for.
    pub(crate) fn release(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.sleep.set(None);
        *this.set_to = None;
    }
}
