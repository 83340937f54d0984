//! A host and a worker process, against messages of the same length that are written to a child's pipe and read from it.
//!
//! The child is this program with an argument. It reads all, and says so at its end by exiting.

use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::process::{Command, Stdio};

use futures::executor::block_on;
use pubsub::codec::{Codec as _, Postcard};
use pubsub::prelude::*;
use pubsub::{Header, WorkerHost, WorkerProcess};
use serde::{Deserialize, Serialize};

use crate::{BOUND, EVENTS, timed};

pub(crate) const OURS: &str = "ours";
pub(crate) const RAW: &str = "raw framed writes";
pub(crate) const EACH: &str = "raw framed writes, one at a time";

const ID: &str = "project-42";

#[derive(EventMap)]
enum App {
    There(Status),
}

/// A payload of 32 bytes, as those of the threads.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Status([u64; 4]);

fn status(number: u64) -> Status {
    // Large numbers, so that no codec makes them short.
    Status([number | 1 << 63; 4])
}

fn child(task: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.arg(task);
    command
}

/// What a child does.
pub(crate) fn run(task: &str) {
    match task {
        "pipe-worker" => {
            let worker = WorkerProcess::from_stdio().expect("a host has started it");
            let bus = PubSub::<App>::new(worker.codec(Postcard::default()));
            let mut there = bus.subscribe(App::THERE.id(ID)).bound(BOUND).now().expect("the bus is open");
            for number in 0..EVENTS {
                let event = block_on(there.next()).expect("the bus is open");
                assert_eq!(event.payload.0[0], status(number).0[0], "lost or out of order");
            }
        }
        _ => {
            let mut input = BufReader::with_capacity(64 * 1024, std::io::stdin().lock());
            let mut message = Vec::new();
            for _ in 0..EVENTS {
                let mut length = [0; 4];
                input.read_exact(&mut length).expect("a length");
                message.resize(u32::from_be_bytes(length) as usize, 0);
                input.read_exact(&mut message).expect("a message");
                std::hint::black_box(&message);
            }
        }
    }
}

pub(crate) fn ours() -> f64 {
    let host = WorkerHost::<App>::with_inbox(BOUND);
    let worker = host.command("worker", child("pipe-worker")).codec(Postcard::default()).inbox(BOUND);
    let worker = worker.start().expect("a process");
    block_on(worker.follows(App::THERE.id(ID))).expect("it runs");
    timed(EVENTS, || {
        for number in 0..EVENTS {
            block_on(host.bus().publish(App::THERE, ID, status(number))).expect("it is accepted");
        }
        block_on(worker.finished()).expect("it ends well");
    })
}

pub(crate) fn raw() -> f64 {
    write(64 * 1024)
}

pub(crate) fn each() -> f64 {
    write(0)
}

/// With a buffer of so many bytes.
fn write(buffer: usize) -> f64 {
    let mut child = child("pipe-raw").stdin(Stdio::piped()).spawn().expect("a process");
    let mut pipe = BufWriter::with_capacity(buffer, child.stdin.take().expect("a pipe"));
    let mut message = Vec::new();
    timed(EVENTS, || {
        for number in 0..EVENTS {
            message.clear();
            message.extend_from_slice(&[0; 4]);
            Postcard::default()
                .encode(&Header::new("There", ID), &status(number), &mut message)
                .expect("it is encoded");
            let length = u32::try_from(message.len() - 4).expect("it is short");
            message[..4].copy_from_slice(&length.to_be_bytes());
            pipe.write_all(&message).expect("it is read");
        }
        pipe.flush().expect("it is read");
        drop(pipe);
        assert!(child.wait().expect("it ends").success());
    })
}
