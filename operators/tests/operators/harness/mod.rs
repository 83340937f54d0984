//! What every adaptor is put through: see [`contract`].

pub(crate) mod alloc;
mod contract;
mod item;
mod random;
mod script;
mod waker;

pub(crate) use self::{
    contract::{Ends, contract, contract_future, contract2},
    item::{Item, Rig},
    random::Random,
    script::{Hint, Script, Step},
    waker::Waking,
};

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures::Stream;

/// Polls once, with a waker nobody listens to.
pub(crate) fn poll<S: Stream>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut Context::from_waker(std::task::Waker::noop()))
}

/// Polls a future once, with a waker nobody listens to.
pub(crate) fn poll_future<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(std::task::Waker::noop()))
}

/// Polls to the end, through every `Pending`.
pub(crate) fn drain<S: Stream>(stream: S) -> Vec<S::Item> {
    let mut stream = std::pin::pin!(stream);
    let mut items = Vec::new();
    loop {
        match poll(stream.as_mut()) {
            Poll::Ready(Some(item)) => items.push(item),
            Poll::Ready(None) => return items,
            Poll::Pending => {}
        }
    }
}

/// Polls to completion, through every `Pending`.
pub(crate) fn finish<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(output) = poll_future(future.as_mut()) {
            return output;
        }
    }
}

/// The message of a panic that has to happen.
pub(crate) fn panic_message<T>(f: impl FnOnce() -> T) -> String {
    let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) else {
        panic!("it should have panicked");
    };
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).expect("a panic with a message")
}
