//! Who reads each event at once, on one thread with its connection, beside a publisher on another.

use std::fmt::Debug;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use futures::future::join_all;
use pubsub::{Event, Subscription};
use tokio::runtime;

use crate::waiting::next;

/// Many times the [`BOUND`], and some reads of a socket.
pub const BURST: u64 = 20_000;
/// Less than what one read of a socket brings.
pub const BOUND: usize = 256;

/// Runs on a thread of its own, with a runtime of its own. It is told when to go on.
pub fn elsewhere<F: Future>(
    run: impl FnOnce(Receiver<()>) -> F + Send + 'static,
) -> (Sender<()>, JoinHandle<F::Output>)
where
    F::Output: Send + 'static,
{
    let (tell, told) = channel();
    let run = move || {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(run(told))
    };
    (tell, thread::spawn(run))
}

/// Publishes the burst, all of it under way at once.
///
/// # Panics
/// If something is not accepted.
pub async fn publish_all<T, E: Debug, F: IntoFuture<Output = Result<T, E>>>(publish: impl Fn(u64) -> F) {
    for published in join_all((0..BURST).map(|number| publish(number).into_future())).await {
        published.expect("accepted");
    }
}

/// All of the burst, in order, and nothing missed.
///
/// # Panics
/// If that is not what comes.
pub async fn read_all(mut numbers: Subscription<Event<u64>>) {
    for number in 0..BURST {
        let event = next(&mut numbers).await;
        assert_eq!((event.payload, event.missed), (number, 0));
    }
}
