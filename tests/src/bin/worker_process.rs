//! A worker process for tests: what it does is its argument.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use futures::executor::block_on;
use pubsub::codec::Postcard;
use pubsub::prelude::*;
use pubsub::{Delivery, Overflow, WorkerProcess};
use pubsub_tests::processes::App;

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    match &*task {
        // No worker at all.
        "garbage" => println!("Hello, world!"),
        "deaf" => std::thread::sleep(Duration::from_secs(3600)),
        "swallow" => drop(std::io::stdin().read_to_end(&mut Vec::new())),
        "fail" => return ExitCode::from(7),
        "postcard" => echo(&PubSub::new(worker().codec(Postcard::default()))),
        _ => return work(&task, &PubSub::new(worker())),
    }
    ExitCode::SUCCESS
}

fn worker() -> WorkerProcess {
    WorkerProcess::from_stdio().expect("a host has started it").heartbeat(Duration::from_millis(50))
}

fn work(task: &str, bus: &PubSub<App>) -> ExitCode {
    match task {
        "echo" | "stopped" => echo(bus),
        // Until it is told to do the job with this number.
        "panic" => {
            let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
            while let Some(job) = block_on(jobs.next()) {
                assert_ne!(job.payload, 13, "an unlucky number");
                answer(bus, &job.id, job.payload);
            }
        }
        // Says a good thing and then a bad one.
        "babble" => {
            let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
            if let Some(job) = block_on(jobs.next()) {
                answer(bus, &job.id, job.payload);
                println!("a line for people");
                let _ = std::io::stdout().flush();
            }
            while block_on(jobs.next()).is_some() {}
        }
        // Reads its pipe, and no subscription.
        "lazy" => {
            let mut jobs = bus.subscribe(App::JOB).bound(4).now().expect("the bus is open");
            block_on(jobs.ready()).expect("it is followed");
            answer(bus, "lazy", 0);
            std::thread::sleep(Duration::from_secs(3600));
        }
        "noisy" => {
            eprintln!("one");
            eprint!("two\nthree");
            echo(bus);
        }
        // Says what happens on the way.
        "story" => {
            let mut jobs =
                bus.subscribe(App::JOB).overflow(Overflow::Backpressure).now().expect("the bus is open");
            let mut deliveries = jobs.deliveries();
            while let Some(delivery) = block_on(deliveries.next()) {
                match delivery {
                    Delivery::Event(job) => {
                        assert_ne!(job.payload, 13, "an unlucky number");
                        answer(bus, "event", job.payload);
                    }
                    Delivery::Gap(gap) => answer(bus, "gap", gap.missed.unwrap_or(u64::MAX)),
                    _ => {}
                }
            }
        }
        // The same of another topic.
        "picky" => {
            let mut picky = bus.subscribe(App::PICKY).now().expect("the bus is open");
            let mut deliveries = picky.deliveries();
            while let Some(delivery) = block_on(deliveries.next()) {
                match delivery {
                    Delivery::Event(_) => answer(bus, "event", 0),
                    Delivery::Gap(gap) => answer(bus, "gap", gap.missed.unwrap_or(u64::MAX)),
                    _ => {}
                }
            }
        }
        // One of a pool: answers each job under its own name.
        pool if pool.starts_with("pool") => {
            let name = std::env::var("PUBSUB_WORKER").unwrap_or_default();
            let prefetch = std::env::args().nth(2).and_then(|events| events.parse().ok()).unwrap_or(1);
            let jobs = bus.queue_subscribe(App::JOB, "jobs").prefetch(prefetch);
            let mut jobs = jobs.now().expect("the bus is open");
            while let Some(job) = block_on(jobs.next()) {
                assert_ne!(job.payload, 13, "an unlucky number");
                answer(bus, &name, job.payload);
            }
            if let Some(rejection) = jobs.rejection() {
                eprintln!("{rejection}");
                return ExitCode::from(3);
            }
        }
        // As many as the host asks for, as fast as it can.
        "stream" => {
            let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
            if let Some(job) = block_on(jobs.next()) {
                for number in 0..job.payload {
                    answer(bus, "stream", number);
                }
            }
            while block_on(jobs.next()).is_some() {}
        }
        other => {
            eprintln!("there is no task {other:?}");
            return ExitCode::from(2);
        }
    }
    block_on(bus.close().until(std::future::pending::<()>()));
    ExitCode::SUCCESS
}

fn answer(bus: &PubSub<App>, id: &str, number: u64) {
    block_on(bus.publish(App::DONE, id, number)).expect("the host is there");
}

fn echo(bus: &PubSub<App>) {
    let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
    while let Some(job) = block_on(jobs.next()) {
        answer(bus, &job.id, job.payload);
    }
    block_on(bus.close().until(std::future::pending::<()>()));
}
