//! From publish to receive across two threads, both busy: the median, in nanoseconds.

use std::hint::spin_loop;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::bus::{Bus, Status};

const ID: &str = "project-42";
const TOTAL: u64 = 30_000;
const GAP: Duration = Duration::from_micros(2);

pub(crate) fn latency<B: Bus>() -> f64 {
    let bus = B::new(512);
    let mut subscription = bus.one(ID);
    let start = Instant::now();
    let now = move || start.elapsed().as_nanos() as u64;
    let reader = std::thread::spawn(move || {
        let mut cx = Context::from_waker(Waker::noop());
        let mut delays: Vec<u64> = Vec::with_capacity(TOTAL as usize);
        while delays.len() < TOTAL as usize {
            let mut next = pin!(B::receive(&mut subscription));
            let published = loop {
                match next.as_mut().poll(&mut cx) {
                    Poll::Ready((_, published)) => break published,
                    Poll::Pending => spin_loop(),
                }
            };
            delays.push(now() - published);
        }
        delays
    });
    for number in 0..TOTAL {
        let due = Instant::now() + GAP;
        while Instant::now() < due {
            spin_loop();
        }
        bus.publish_now(ID, Status::new(number + 1, now()));
    }
    let mut delays = reader.join().expect("no panic");
    delays.sort_unstable();
    delays[delays.len() / 2] as f64
}
