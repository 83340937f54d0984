//! Tables of the reference against what they describe: the texts of errors, the rules of renaming.

use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::future::ready;
use std::path::Path;

use futures::executor::block_on;
use pubsub::prelude::*;
use pubsub::schema::Server;
use pubsub::{
    BusError, ErrorCode, EventId, FinishedError, ProcessFailure, Since, TestBus, WorkerError, WorkerHost,
};

#[derive(EventMap)]
enum App {
    #[event(topic = "t", constant = T)]
    Topic(u32),
}

/// The page has a row that begins with these cells.
fn row_of(page: &str, cells: &[&dyn Display]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("chapters/reference").join(page);
    let page = fs::read_to_string(path).unwrap();
    let row: String = cells.iter().map(|cell| format!("| {cell} ")).collect();
    assert!(page.lines().any(|line| line.starts_with(&row) && line.ends_with('|')), "no row {row}|");
}

fn row(cells: &[&dyn Display]) {
    row_of("errors.md", cells);
}

fn text(variant: &str, error: &dyn Display) {
    row(&[&format!("`{variant}`"), error]);
}

#[test]
fn errors_of_publishing() -> Result<(), Box<dyn Error>> {
    let bus = PubSub::<App>::default();
    let _full = bus.subscribe(App::T).bound(1).now()?;
    bus.publish(App::T, "i", 1).now()?;
    text("PublishError::Full", &bus.publish(App::T, "i", 2).now().unwrap_err());
    bus.close().now();
    text("PublishError::Closed", &bus.publish(App::T, "i", 2).now().unwrap_err());
    Ok(())
}

#[test]
fn errors_of_subscribing_and_reading() -> Result<(), Box<dyn Error>> {
    let bus = PubSub::<App>::default();
    let mut topic = bus.subscribe(App::T).now()?;
    text("SubscribeError::ZeroBound", &bus.subscribe(App::T).bound(0).now().unwrap_err());
    text("SubscribeError::NoTopic", &bus.subscribe(App::T.ids([])).now().unwrap_err());
    text("TryNextError::Empty", &topic.try_next().unwrap_err());
    bus.close().now();
    text("SubscribeError::Closed", &bus.subscribe(App::T).now().unwrap_err());
    text("TryNextError::Ended", &topic.try_next().unwrap_err());
    text("End::Closed", &End::Closed);
    text("End::Overflowed", &End::Overflowed);
    text("End::Rejected", &End::Rejected);
    text("SubscribeError::NoBackpressure", &SubscribeError::NoBackpressure);
    text("SubscribeError::NoHistory", &bus.subscribe(App::T).since(Since::Beginning).now().unwrap_err());
    Ok(())
}

#[test]
fn errors_of_handlers() -> Result<(), Box<dyn Error>> {
    block_on(async {
        let bus = PubSub::<App>::default();
        let mut errors = bus.errors();
        let handler = bus.on(App::T, async |event| match event.payload {
            1 => Err("failed"),
            _ => panic!("text of the panic"),
        });
        bus.publish(App::T, "i", 1).await?;
        bus.publish(App::T, "i", 2).await?;
        bus.close().await;
        handler.await?;
        drop(bus.on(App::T, async |_| {}));
        drop(bus);
        let mut reported = Vec::new();
        while let Some(error) = errors.next().await {
            let variant = match &error {
                BusError::HandlerFailed { .. } => "BusError::HandlerFailed",
                BusError::HandlerPanicked { .. } => "BusError::HandlerPanicked",
                BusError::HandlerNotSubscribed { .. } => "BusError::HandlerNotSubscribed",
                other => panic!("a new error: {other}"),
            };
            text(variant, &error);
            reported.push(variant);
        }
        assert_eq!(reported.len(), 3, "{reported:?}");
        text("FinishedError::NotSubscribed", &FinishedError::NotSubscribed(SubscribeError::Closed));
        text("FinishedError::Cancelled", &FinishedError::Cancelled);
        Ok(())
    })
}

#[test]
fn errors_of_workers() -> Result<(), Box<dyn Error>> {
    block_on(async {
        let host = WorkerHost::<App>::new();
        let mut errors = host.bus().errors();
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let worker = host.spawn("w", move |_| {
            let _ = wait.recv();
            panic!("text of the panic");
        })?;
        text("WorkerError::NameTaken", &host.spawn("w", drop).unwrap_err());
        text("WorkerError::InvalidName", &host.spawn("", drop).unwrap_err());
        drop(end);
        text("WorkerError::Panicked", &worker.finished().await.unwrap_err());
        text("BusError::WorkerPanicked", &errors.next().await.unwrap());
        text("WorkerError::Ended", &worker.follows(App::T).await.unwrap_err());
        host.close().await;
        text("WorkerError::Closed", &host.spawn("w", drop).unwrap_err());
        let error = std::sync::Arc::new(std::io::Error::other("no"));
        let failure = ProcessFailure::Garbage { reason: "what showed it".to_owned() };
        text("ProcessFailure::Garbage", &failure);
        let (name, worker) = ("w".to_owned(), "w".to_owned());
        text(
            "BusError::WorkerFailed",
            &BusError::WorkerFailed { worker, failure: failure.clone(), restarts: false },
        );
        text("WorkerError::Failed", &WorkerError::Failed { name, failure, restarts: 0 });
        let seconds = std::time::Duration::from_secs;
        text("ProcessFailure::NoHandshake", &ProcessFailure::NoHandshake { after: seconds(10) });
        text("ProcessFailure::Silent", &ProcessFailure::Silent { after: seconds(30) });
        text("ProcessFailure::NotReading", &ProcessFailure::NotReading { after: seconds(30) });
        text("ProcessFailure::NotExited", &ProcessFailure::NotExited { after: seconds(5) });
        text("ProcessFailure::Killed", &ProcessFailure::Killed);
        text("WorkerError::NotStarted", &WorkerError::NotStarted { name: "w".to_owned(), error });
        Ok(())
    })
}

#[test]
fn errors_of_pools() -> Result<(), Box<dyn Error>> {
    let host = WorkerHost::<App>::new();
    let read = |bus: PubSub<App>| {
        let mut events = bus.queue_subscribe(App::T, "p").now().expect("there is such a pool");
        while block_on(events.next()).is_some() {}
    };
    let _pool = host.pool("p", App::T).start(1, |_| host.spawn("w", read))?;
    let start = |name: &str| host.pool(name, App::T).start(1, |_| host.spawn("w", read)).unwrap_err();
    text("PoolError::NameTaken", &start("p"));
    text("PoolError::Worker", &start("other"));
    let nobody = host.pool("q", App::T).start(0, |_| host.spawn("x", drop));
    text("PoolError::NoWorkers", &nobody.unwrap_err());
    let nothing = host.pool("q", App::T.ids([])).start(1, |_| host.spawn("x", drop));
    text("PoolError::NoTopic", &nothing.unwrap_err());
    host.close().now();
    text("PoolError::Closed", &start("q"));
    let elsewhere = PubSub::<App>::default().queue_subscribe(App::T, "p").now();
    text("SubscribeError::NoQueueGroups", &elsewhere.unwrap_err());
    let [pool, worker, topic] = ["p", "w", "t"].map(str::to_owned);
    let unfinished = BusError::Unfinished {
        pool: pool.clone(),
        worker: worker.clone(),
        topic: topic.clone(),
        id: "i".into(),
    };
    text("BusError::Unfinished", &unfinished);
    let reason = "what is wrong with it".to_owned();
    let undecodable =
        BusError::UndecodableInPool { pool: pool.clone(), worker, topic, id: "i".into(), reason };
    text("BusError::UndecodableInPool", &undecodable);
    text("BusError::PoolLost", &BusError::PoolLost { pool, events: 3 });
    Ok(())
}

#[test]
fn errors_of_servers() {
    text("ServerUrlError::Protocol", &Server::at("localhost").unwrap_err());
    text("ServerUrlError::Host", &Server::at("ws://").unwrap_err());
}

#[test]
fn errors_of_hubs() {
    use pubsub::websocket::{BehindError, Identity};
    text("BehindError::NotDurable", &BehindError::NotDurable);
    text("InvalidIdentity::Empty", &Identity::new("").unwrap_err());
    text("InvalidIdentity::Reserved", &Identity::new("@self").unwrap_err());
    for code in [
        ErrorCode::RateLimited,
        ErrorCode::Backpressure,
        ErrorCode::Denied,
        ErrorCode::Unauthenticated,
        ErrorCode::NotFound,
        ErrorCode::BadRequest,
        ErrorCode::TooLarge,
        ErrorCode::UnrecoverablePosition,
        ErrorCode::AlreadySubscribed,
        ErrorCode::Limit,
        ErrorCode::Internal,
    ] {
        row(&[&format!("`ErrorCode::{code:?}`"), &format!("`{code}`")]);
    }
}

#[test]
fn errors_of_tests_and_of_ids() -> Result<(), Box<dyn Error>> {
    block_on(async {
        let mut bus = TestBus::<App>::new();
        let missing = bus.expect_next(App::T.id("i"), ready(())).await.unwrap_err();
        row(&[&"nothing came before the deadline", &missing]);
        bus.publish(App::T, "j", 1).await?;
        let missing = bus.expect_next(App::T.id("i"), ready(())).await.unwrap_err();
        row(&[&"something else came", &missing]);
        let mut bus = TestBus::<App>::new();
        bus.close().await;
        let missing = bus.expect_next(App::T.id("i"), std::future::pending::<()>()).await.unwrap_err();
        row(&[&"the bus was closed first", &missing]);
        row(&[&"x".parse::<EventId>().unwrap_err()]);
        Ok(())
    })
}

#[test]
fn renaming() {
    macro_rules! renamed {
        ($($map:ident $rule:literal)+) => {$(
            #[derive(EventMap)]
            #[event_map(rename_all = $rule)]
            enum $map {
                HTTPServerUp2,
            }
            let topic = $map::TOPICS[0].name;
            row_of("event-maps.md", &[&concat!("`", $rule, "`"), &format!("`{topic}`")]);
        )+};
    }
    renamed! {
        Camel "camelCase"
        Pascal "PascalCase"
        Snake "snake_case"
        ScreamingSnake "SCREAMING_SNAKE_CASE"
        Kebab "kebab-case"
        ScreamingKebab "SCREAMING-KEBAB-CASE"
        Dot "dot.case"
        Path "path/case"
        Lower "lowercase"
        Upper "UPPERCASE"
    }
}
