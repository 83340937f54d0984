//! Bare channels of values between two threads: no topics, no ids, no sharing. Whoever waits does so by the same executor.

use std::thread;

use futures::executor::block_on;
use tokio::sync::mpsc;

use crate::{BOUND, EVENTS, ROUND_TRIPS, Status, timed};

pub(crate) const TOKIO: &str = "tokio mpsc";
pub(crate) const CROSSBEAM: &str = "crossbeam-channel";

pub(crate) fn tokio_one_way() -> f64 {
    let (sender, mut receiver) = mpsc::channel(BOUND);
    let reader = thread::spawn(move || {
        for number in 0..EVENTS {
            let status: Status = block_on(receiver.recv()).expect("not closed");
            assert_eq!(status.number, number, "lost or out of order");
        }
    });
    timed(EVENTS, || {
        for number in 0..EVENTS {
            block_on(sender.send(Status::new(number))).expect("not closed");
        }
        reader.join().expect("no panic");
    })
}

pub(crate) fn tokio_round_trips() -> f64 {
    let (there, mut arrives) = mpsc::channel(BOUND);
    let (back, mut returns) = mpsc::channel(BOUND);
    let echo = thread::spawn(move || {
        for _ in 0..ROUND_TRIPS {
            let status: Status = block_on(arrives.recv()).expect("not closed");
            block_on(back.send(status)).expect("not closed");
        }
    });
    timed(ROUND_TRIPS, || {
        for number in 0..ROUND_TRIPS {
            block_on(there.send(Status::new(number))).expect("not closed");
            assert_eq!(block_on(returns.recv()).expect("not closed").number, number);
        }
        echo.join().expect("no panic");
    })
}

pub(crate) fn crossbeam_one_way() -> f64 {
    let (sender, receiver) = crossbeam_channel::bounded::<Status>(BOUND);
    let reader = thread::spawn(move || {
        for number in 0..EVENTS {
            assert_eq!(receiver.recv().expect("not closed").number, number, "lost or out of order");
        }
    });
    timed(EVENTS, || {
        for number in 0..EVENTS {
            sender.send(Status::new(number)).expect("not closed");
        }
        reader.join().expect("no panic");
    })
}

pub(crate) fn crossbeam_round_trips() -> f64 {
    let (there, arrives) = crossbeam_channel::bounded::<Status>(BOUND);
    let (back, returns) = crossbeam_channel::bounded::<Status>(BOUND);
    let echo = thread::spawn(move || {
        for _ in 0..ROUND_TRIPS {
            back.send(arrives.recv().expect("not closed")).expect("not closed");
        }
    });
    timed(ROUND_TRIPS, || {
        for number in 0..ROUND_TRIPS {
            there.send(Status::new(number)).expect("not closed");
            assert_eq!(returns.recv().expect("not closed").number, number);
        }
        echo.join().expect("no panic");
    })
}
