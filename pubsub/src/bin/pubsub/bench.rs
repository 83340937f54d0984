//! `pubsub bench`: how many events go through, and how long each takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hdrhistogram::Histogram;
use pubsub_transports::{Address, Body, Frame, Header, Patience, SendError};
use tokio::task::JoinSet;

use crate::Failure;
use crate::follow::{self, Incoming, Incomings};
use crate::url::Target;

/// Measure: publish as fast as the other side answers, and print rates and latencies while it runs
///
/// Each line has the events published and received in the last second, and percentiles of the time from publishing to
/// receiving. Both ends are in this process, each publisher and subscriber with a connection of its own.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// The topic that is used; nobody else should use it
    #[arg(long, default_value = "pubsub.bench")]
    topic: String,
    #[arg(long, default_value_t = 1)]
    publishers: u32,
    #[arg(long, default_value_t = 1)]
    subscribers: u32,
    /// Bytes of text in each payload
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Publications of each publisher that wait for their answer
    #[arg(long, default_value_t = 64)]
    in_flight: usize,
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// The longest latency that is told from longer ones.
const LONGEST: Duration = Duration::from_secs(60);

/// How many latencies wait to be counted.
const LATENCIES: usize = 65_536;

#[derive(Default)]
struct Counts {
    published: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let whole = Address::whole(&arguments.topic).map_err(Failure::usage)?;
    let begin = Instant::now();
    let counts = Arc::new(Counts::default());
    let (latency, mut latencies) = tokio::sync::mpsc::channel(LATENCIES);

    let mut links = Vec::new();
    for _ in 0..arguments.subscribers {
        let (inlet, mut incoming) = follow::channel();
        let link = arguments.target.connect(inlet).await?;
        link.subscribe(1, vec![whole.clone()]);
        subscribed(&mut incoming).await?;
        tokio::spawn(receive(incoming, begin, latency.clone(), Arc::clone(&counts)));
        links.push(link);
    }
    drop(latency);
    let filler = "x".repeat(arguments.size);
    let mut publishers = JoinSet::new();
    for number in 0..arguments.publishers {
        let (inlet, _) = follow::channel();
        let link = arguments.target.connect(inlet).await?;
        links.push(Arc::clone(&link));
        let (topic, filler, counts) = (arguments.topic.clone(), filler.clone(), Arc::clone(&counts));
        let in_flight = arguments.in_flight.max(1);
        publishers.spawn(async move {
            let mut sendings = FuturesUnordered::new();
            loop {
                while sendings.len() < in_flight {
                    let payload = format!("[{},\"{filler}\"]", begin.elapsed().as_nanos());
                    let header = Header::new(&topic, &number.to_string());
                    sendings.push(
                        link.publish(Frame { header, body: Body::Bytes(payload.into()) }, Patience::Wait),
                    );
                }
                match sendings.next().await {
                    Some(Ok(())) => _ = counts.published.fetch_add(1, Ordering::Relaxed),
                    Some(Err(error)) if error.is_retryable() || error == SendError::Ambiguous => {
                        counts.failed.fetch_add(1, Ordering::Relaxed);
                        // What is refused at once would be so again before anything else happens.
                        tokio::task::yield_now().await;
                    }
                    // So would be the next.
                    Some(Err(error)) => return error,
                    None => {}
                }
            }
        });
    }

    let mut report = Report::new()?;
    let end = tokio::time::sleep(Duration::from_secs(arguments.seconds));
    tokio::pin!(end);
    let mut second = tokio::time::interval_at(
        tokio::time::Instant::now() + Duration::from_secs(1),
        Duration::from_secs(1),
    );
    println!("{}", Report::HEAD);
    loop {
        tokio::select! {
            Some(one) = latencies.recv() => report.add(one),
            _ = second.tick() => report.line(&counts),
            Some(Ok(error)) = publishers.join_next() => return Err(Failure::unsent(error)),
            () = &mut end => break,
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    publishers.abort_all();
    let received = report.summary(&counts, begin.elapsed());
    futures_util::future::join_all(links.iter().map(|link| link.close())).await;
    if received == 0 && arguments.subscribers > 0 && arguments.publishers > 0 {
        return Err(Failure::failed("nothing was received"));
    }
    Ok(())
}

async fn subscribed(incoming: &mut Incomings) -> Result<(), Failure> {
    loop {
        match incoming.next().await {
            Some(Incoming::Subscribed) => return Ok(()),
            Some(Incoming::Refused(_, rejection)) => return Err(Failure::refused(rejection)),
            Some(_) => {}
            None => return Err(Failure::unconnected("the connection has ended")),
        }
    }
}

async fn receive(
    mut incoming: Incomings,
    begin: Instant,
    latencies: tokio::sync::mpsc::Sender<Duration>,
    counts: Arc<Counts>,
) {
    while let Some(one) = incoming.next().await {
        match one {
            Incoming::Event(Frame { body: Body::Bytes(payload), .. }) => {
                if let Ok((sent, _)) = serde_json::from_slice::<(u64, &str)>(&payload) {
                    let latency = begin.elapsed().saturating_sub(Duration::from_nanos(sent));
                    if latencies.send(latency).await.is_err() {
                        return;
                    }
                }
            }
            Incoming::Gap(_, gap) => {
                counts.lost.fetch_add(gap.missed.unwrap_or(1), Ordering::Relaxed);
            }
            Incoming::Missed(missed) => {
                counts.lost.fetch_add(missed, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

/// What is printed.
struct Report {
    /// Microseconds, of the last second and of all.
    second: Histogram<u64>,
    all: Histogram<u64>,
    published: u64,
    lines: u64,
}

impl Report {
    const HEAD: &str =
        "   s  published/s   received/s        p50        p90        p99       p999     lost   failed";

    fn new() -> Result<Self, Failure> {
        let highest = LONGEST.as_micros() as u64;
        let histogram = Histogram::new_with_bounds(1, highest, 3).map_err(Failure::failed)?;
        Ok(Self { second: histogram.clone(), all: histogram, published: 0, lines: 0 })
    }

    fn add(&mut self, latency: Duration) {
        self.second.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    fn line(&mut self, counts: &Counts) {
        let published = counts.published.load(Ordering::Relaxed);
        self.lines += 1;
        let rate = (published - self.published) as f64;
        print(&format!("{:4}", self.lines), rate, self.second.len() as f64, &self.second, counts);
        self.published = published;
        // Both have the same bounds.
        let _ = self.all.add(&self.second);
        self.second.reset();
    }

    /// How many events were received in all.
    fn summary(mut self, counts: &Counts, elapsed: Duration) -> u64 {
        let _ = self.all.add(&self.second);
        let per_second = |count: u64| count as f64 / elapsed.as_secs_f64();
        let published = counts.published.load(Ordering::Relaxed);
        print(" all", per_second(published), per_second(self.all.len()), &self.all, counts);
        self.all.len()
    }
}

fn print(name: &str, published: f64, received: f64, latencies: &Histogram<u64>, counts: &Counts) {
    let at = |quantile| format!("{:.3} ms", latencies.value_at_quantile(quantile) as f64 / 1e3);
    println!(
        "{name} {published:12.0} {received:12.0} {:>10} {:>10} {:>10} {:>10} {:8} {:8}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        counts.lost.load(Ordering::Relaxed),
        counts.failed.load(Ordering::Relaxed),
    );
}
