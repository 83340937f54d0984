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
        "unread" => raw::never_reads(),
        "unread-pool" => raw::never_reads_what_its_pool_gives(),
        "sized" => raw::says_a_message_of_this_length(),
        "relay" => relay(),
        "host-without-threads" => host_without_threads(),
        "long-lines" => {
            let _bus = PubSub::<App>::new(worker());
            for length in [8_191, 8_192, 8_193] {
                eprintln!("{}", "x".repeat(length));
            }
            eprint!("end");
        }
        "pool-other" => other(),
        _ => return work(&task, &PubSub::new(worker())),
    }
    ExitCode::SUCCESS
}

fn worker() -> WorkerProcess {
    WorkerProcess::from_stdio().expect("a host has started it").heartbeat(Duration::from_millis(50))
}

fn work(task: &str, bus: &PubSub<App>) -> ExitCode {
    match task {
        "echo" | "stopped" | "reaped" => echo(bus),
        // With hardly any room for jobs while an answer is on its way.
        "echo-narrow" => {
            let mut jobs = bus.subscribe(App::JOB).bound(4).now().expect("the bus is open");
            while let Some(job) = block_on(jobs.next()) {
                answer(bus, &job.id, job.payload);
            }
        }
        // Answers the first many times before it reads the next.
        "answer-first" => {
            let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
            let first = block_on(jobs.next()).expect("the host publishes");
            for number in 0..1_000 {
                answer(bus, &first.id, number);
            }
            while let Some(job) = block_on(jobs.next()) {
                answer(bus, &job.id, job.payload);
            }
        }
        // Follows what it publishes itself, with hardly any room.
        "own" => own(bus),
        // One place feeds the pool that the other works for.
        "pool-feeds-itself" => feed(bus),
        // Leaves a child that holds its pipes, and fails.
        "orphan" => {
            let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
            block_on(jobs.ready()).expect("it is followed");
            answer(bus, "orphan", leave_a_child());
            if block_on(jobs.next()).is_some_and(|job| job.payload == 13) {
                std::process::exit(9);
            }
        }
        // Closes its bus, and takes so many milliseconds to end.
        "slow-exit" => {
            let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
            while block_on(jobs.next()).is_some() {}
            block_on(bus.close().until(std::future::pending::<()>()));
            let pause = std::env::args().nth(2).and_then(|pause| pause.parse().ok()).expect("a time");
            std::thread::sleep(Duration::from_millis(pause));
        }
        // As many as the host asks for, without waiting for it.
        "stream-now" => {
            let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
            if let Some(job) = block_on(jobs.next()) {
                for number in 0..job.payload {
                    bus.publish(App::DONE, "stream", number).now().expect("there is room");
                }
            }
            while block_on(jobs.next()).is_some() {}
        }
        // More than there can be.
        "many-places" => {
            let join = || bus.queue_subscribe(App::JOB, "jobs");
            let places: Vec<_> = (0..64).map(|_| block_on(join()).expect("there is a place")).collect();
            eprintln!("{} places", places.len());
            match block_on(join()) {
                Ok(_) => eprintln!("one more"),
                Err(error) => eprintln!("{error}"),
            }
        }
        // Does something of everything, and fails in the middle of it.
        "crash" => {
            let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().expect("the bus is open");
            let mut done = bus.subscribe(App::DONE).now().expect("the bus is open");
            if let Some(job) = block_on(jobs.next()) {
                eprintln!("at {}", job.payload);
                answer(bus, "crash", job.payload);
                assert!(block_on(done.next()).is_some());
                std::process::exit(9);
            }
        }
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

/// Gives its number. The test ends it.
#[allow(clippy::zombie_processes, reason = "that it outlives this process is what is tested")]
fn leave_a_child() -> u64 {
    std::process::Command::new("sleep").arg("600").spawn().expect("it starts").id().into()
}

/// Two threads: one publishes what the other reads.
fn own(bus: &PubSub<App>) {
    let mut jobs = bus.subscribe(App::JOB).bound(1).now().expect("the bus is open");
    block_on(jobs.ready()).expect("it is followed");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..2_000 {
                block_on(bus.publish(App::JOB, "own", number)).expect("the host is there");
            }
        });
        for number in 0..2_000 {
            assert_eq!(block_on(jobs.next()).expect("the host is there").payload, number);
        }
    });
    answer(bus, "own", 2_000);
    drop(jobs);
    block_on(bus.close().until(std::future::pending::<()>()));
}

/// Whichever place gets the job 1,000 publishes as many smaller ones, with backpressure; the other does them.
fn feed(bus: &PubSub<App>) {
    let work = || {
        let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().expect("the bus is open");
        while let Some(job) = block_on(jobs.next()) {
            let more = if job.payload == 1_000 { 200 } else { 0 };
            for number in 0..more {
                block_on(bus.publish(App::JOB, "fed", number)).expect("the host is there");
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
}

/// Knows jobs by another payload.
fn other() {
    #[derive(EventMap)]
    #[event_map(rename_all = "dot.case")]
    enum Other {
        Job(Vec<String>),
    }
    let bus = PubSub::<Other>::new(worker());
    let mut jobs = bus.queue_subscribe(Other::JOB, "jobs").now().expect("the bus is open");
    while block_on(jobs.next()).is_some() {}
    block_on(bus.close().until(std::future::pending::<()>()));
}

fn host_without_threads() {
    let host = pubsub::WorkerHost::<App>::new();
    let command = std::process::Command::new("cat");
    match host.command("worker", command).start() {
        Ok(worker) => println!("{} was started", worker.name()),
        Err(error) => println!("{error}"),
    }
    let children = std::fs::read_to_string("/proc/thread-self/children").expect("a Linux");
    println!("{} children", children.split_whitespace().count());
}

/// Between its standard input and output and the socket that is its argument: a worker whose bus is somewhere else.
fn relay() {
    let address = std::env::args().nth(2).expect("an address");
    let socket = std::net::TcpStream::connect(address).expect("somebody listens");
    socket.set_nodelay(true).expect("a socket");
    let mut there = socket.try_clone().expect("a socket");
    std::thread::spawn(move || {
        let _ended = std::io::copy(&mut std::io::stdin().lock(), &mut there);
        let _gone = there.shutdown(std::net::Shutdown::Write);
    });
    let mut back = socket;
    let mut output = std::io::stdout().lock();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = back.read(&mut buffer) {
        if output.write_all(&buffer[..read]).and_then(|()| output.flush()).is_err() {
            return;
        }
    }
}

/// Processes that speak as a worker does, and do not listen.
mod raw {
    use std::io::Write as _;

    fn say(text: &str) -> std::io::Result<()> {
        let mut output = std::io::stdout().lock();
        let length = u32::try_from(text.len()).expect("it is short");
        output.write_all(&length.to_be_bytes())?;
        output.write_all(text.as_bytes())
    }

    const CONNECT: &str = r#"{"type":"__connect","id":"0","payload":{"protocol":1,"room":100000}}"#;

    /// Publishes for ever.
    pub(crate) fn never_reads() {
        let _ = say(CONNECT);
        while say(r#"{"type":"done","id":"unread","payload":1}"#).is_ok() {}
    }

    /// An event whose message has as many bytes as the argument says.
    pub(crate) fn says_a_message_of_this_length() {
        let length: usize = std::env::args().nth(2).and_then(|it| it.parse().ok()).expect("a length");
        let message = |id: &str| format!(r#"{{"type":"done","id":"{id}","payload":1}}"#);
        let id = "x".repeat(length - message("").len());
        let _ = say(CONNECT).and_then(|()| say(&message(&id))).and_then(|()| std::io::stdout().flush());
    }

    pub(crate) fn never_reads_what_its_pool_gives() {
        let _ = say(CONNECT);
        let _ = say(
            r#"{"type":"__join","id":"1","payload":{"group":[{"name":"jobs"}],"prefetch":[{"events":"1000"}],"topics":[{"topic":"job"}]}}"#,
        );
        while say(r#"{"type":"__ping","id":"","payload":{}}"#).is_ok() {
            let _ = std::io::stdout().flush();
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
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
