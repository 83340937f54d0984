//! The steady crowd: publishers and subscribers at two hubs behind a Redis and at one that is behind nothing, which lose their
//! connections, their hubs and their Redis. What each subscriber gets is audited as long as it lives.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use pubsub::prelude::*;
use pubsub::{Delivery, EventId, PublishError, Spoke};
use pubsub_tests::proxy::Proxy;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::chaos::{Chaos, Site};
use crate::auditor::{Auditor, Published};
use crate::check::{Mismatch, OrMismatch as _, Outcome, in_time, until};
use crate::events::App;
use crate::reading::{Reader, tell};
use crate::world::steady_spoke;

const SUBSCRIBERS: usize = 8;
const PUBLISHERS: usize = 2;

/// How far the soak is, for those of one site.
#[derive(Debug, Clone)]
enum Phase {
    Going,
    /// Nothing fails any more, and nobody new comes.
    Calm,
    /// Nothing more is published: so many were.
    Over(Published),
}

/// Counted over all.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) events: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) missed: AtomicU64,
    pub(crate) kills: AtomicU64,
}

pub(crate) struct Crowd {
    pub(crate) tally: Arc<Tally>,
    chaos: Chaos,
    places: Vec<Place>,
}

/// Those at one site.
struct Place {
    phase: watch::Sender<Phase>,
    subscribed: Arc<AtomicUsize>,
    subscribers: JoinSet<Result<(), Mismatch>>,
    publishers: JoinSet<Result<(String, u64), Mismatch>>,
}

impl Crowd {
    pub(crate) async fn gather(random: &mut Rng) -> Result<Self, Mismatch> {
        let tally = Arc::new(Tally::default());
        let chaos = Chaos::begin(random.fork(), Arc::clone(&tally)).await?;
        let places = chaos.sites().iter().map(|site| Place::at(site, &tally, random)).collect();
        Ok(Self { tally, chaos, places })
    }

    /// Why somebody has ended, which nobody should.
    pub(crate) async fn failure(&mut self) -> Mismatch {
        let early = |what| Mismatch::new("a crowd that goes on", format!("the end of {what}"));
        let ended = self.places.iter_mut().map(|place| {
            Box::pin(async {
                tokio::select! {
                    Some(ended) = place.subscribers.join_next() => failed(ended, early("a subscriber")),
                    Some(ended) = place.publishers.join_next() => failed(ended, early("a publisher")),
                    mismatch = pending() => mismatch,
                }
            })
        });
        let ended = futures::future::select_all(ended);
        tokio::select! {
            (mismatch, ..) = ended => mismatch,
            ended = self.chaos.ended() => failed(ended, early("the chaos")),
        }
    }

    /// Lets it become calm, and looks at what everybody has got.
    pub(crate) async fn disperse(&mut self) -> Outcome {
        self.chaos.stop().await?;
        for place in &mut self.places {
            place.disperse().await?;
        }
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Tally { events, gaps, missed, kills } = &*self.tally;
        let outcome = format!(
            "{} events came, {} gaps of {} and more, through {} kills",
            of(events),
            of(gaps),
            of(missed),
            of(kills)
        );
        self.chaos.close().await?;
        Ok(outcome)
    }
}

fn failed<T>(ended: Result<Result<T, Mismatch>, tokio::task::JoinError>, early: Mismatch) -> Mismatch {
    match ended {
        Ok(Err(mismatch)) => mismatch,
        Ok(Ok(_)) => early,
        Err(error) => Mismatch::new("no panic", error.to_string()),
    }
}

impl Place {
    fn at(site: &Site, tally: &Arc<Tally>, random: &mut Rng) -> Self {
        let (phase, phases) = watch::channel(Phase::Going);
        let subscribed = Arc::new(AtomicUsize::new(0));
        let (mut subscribers, mut publishers) = (JoinSet::new(), JoinSet::new());
        for number in 0..SUBSCRIBERS {
            let subscriber = Subscriber {
                proxy: site.proxy(number),
                random: random.fork(),
                phases: phases.clone(),
                subscribed: Arc::clone(&subscribed),
                tally: Arc::clone(tally),
            };
            subscribers.spawn(subscriber.run());
        }
        for number in 0..PUBLISHERS {
            let publisher = Publisher {
                name: format!("{}{number}", site.name),
                proxy: site.proxy(number),
                random: random.fork(),
                phases: phases.clone(),
                remembers: site.remembers,
            };
            publishers.spawn(publisher.run());
        }
        Self { phase, subscribed, subscribers, publishers }
    }

    async fn disperse(&mut self) -> Result<(), Mismatch> {
        self.phase.send_replace(Phase::Calm);
        let subscribed = &self.subscribed;
        until("all subscribed", || subscribed.load(Ordering::Relaxed) == SUBSCRIBERS).await?;
        self.phase.send_replace(Phase::Over(Published::new()));
        let mut published = Published::new();
        while let Some(ended) = in_time("the end of a publisher", self.publishers.join_next()).await? {
            let (name, count) = ended.or_mismatch("a publisher that ends")??;
            published.insert(name, count);
        }
        self.phase.send_replace(Phase::Over(published));
        while let Some(ended) = in_time("the last event", self.subscribers.join_next()).await? {
            ended.or_mismatch("a subscriber that ends")??;
        }
        Ok(())
    }
}

async fn connect(proxy: &Proxy) -> PubSub<App> {
    loop {
        let builder = Spoke::builder().config(steady_spoke()).close_timeout(Duration::from_millis(500));
        match builder.connect(format!("ws://{}", proxy.address)).await {
            Ok(spoke) => return PubSub::new(spoke),
            // It is away.
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

struct Subscriber {
    proxy: Arc<Proxy>,
    random: Rng,
    phases: watch::Receiver<Phase>,
    subscribed: Arc<AtomicUsize>,
    tally: Arc<Tally>,
}

impl Subscriber {
    /// One life after the other: a bus ends at once, and another knows nothing of what was before.
    async fn run(mut self) -> Result<(), Mismatch> {
        loop {
            let bus = connect(&self.proxy).await;
            let mut reader = match bus.subscribe(App::CROWD).await {
                Ok(reader) => reader,
                // The hub's Redis is away.
                Err(error) if error.is_retryable() => continue,
                Err(error) => return Err(Mismatch::new("it is subscribed", error.to_string())),
            };
            self.subscribed.fetch_add(1, Ordering::Relaxed);
            let mut auditor = Auditor::late();
            let life = Duration::from_secs(self.random.u64(5..60));
            let mut lived = timeout(life, self.live(&mut reader, &mut auditor)).await.ok();
            // In the end nobody goes.
            if lived.is_none() && !matches!(*self.phases.borrow(), Phase::Going) {
                lived = Some(self.live(&mut reader, &mut auditor).await);
            }
            if let Some(published) = lived {
                return self.finish(reader, auditor, &published?).await;
            }
            self.subscribed.fetch_sub(1, Ordering::Relaxed);
            self.tally.kills.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Until nothing more is published.
    async fn live(&mut self, reader: &mut Reader, auditor: &mut Auditor) -> Result<Published, Mismatch> {
        loop {
            let mut deliveries = reader.deliveries();
            tokio::select! {
                biased;
                delivery = deliveries.next() => {
                    self.note(auditor, delivery.or_mismatch("a subscription that goes on")?)?;
                }
                changed = self.phases.changed() => {
                    changed.or_mismatch("a crowd")?;
                    if let Phase::Over(published) = &*self.phases.borrow_and_update()
                        && !published.is_empty()
                    {
                        return Ok(published.clone());
                    }
                }
            }
        }
    }

    async fn finish(
        &self,
        mut reader: Reader,
        mut auditor: Auditor,
        published: &Published,
    ) -> Result<(), Mismatch> {
        while !auditor.has_all(published) {
            let delivery = in_time("the last event", reader.deliveries().next()).await?;
            self.note(&mut auditor, delivery.or_mismatch("a subscription that goes on")?)?;
        }
        auditor.finish(published).map(drop)
    }

    fn note(&self, auditor: &mut Auditor, delivery: Delivery<Event<u64>>) -> Result<(), Mismatch> {
        let before = (auditor.events, auditor.gaps, auditor.missed);
        tell(auditor, delivery)?;
        self.tally.events.fetch_add(auditor.events - before.0, Ordering::Relaxed);
        self.tally.gaps.fetch_add(auditor.gaps - before.1, Ordering::Relaxed);
        self.tally.missed.fetch_add(auditor.missed - before.2, Ordering::Relaxed);
        Ok(())
    }
}

struct Publisher {
    name: String,
    proxy: Arc<Proxy>,
    random: Rng,
    phases: watch::Receiver<Phase>,
    remembers: bool,
}

impl Publisher {
    /// Its name, and how many it has published.
    async fn run(mut self) -> Result<(String, u64), Mismatch> {
        let bus = connect(&self.proxy).await;
        let mut number = 0;
        // One more after all the others are there.
        let mut is_over = false;
        loop {
            self.publish(&bus, number).await?;
            number += 1;
            if is_over {
                return Ok((self.name, number));
            }
            is_over = matches!(*self.phases.borrow(), Phase::Over(_));
            sleep(Duration::from_millis(self.random.u64(0..10))).await;
        }
    }

    async fn publish(&mut self, bus: &PubSub<App>, number: u64) -> Result<(), Mismatch> {
        let event_id = EventId::from_u128(self.random.u128(..));
        loop {
            let publishing = bus.publish(App::CROWD, &*self.name, number).event_id(event_id);
            match in_time("an answer", publishing).await? {
                Ok(()) => return Ok(()),
                // It is known if it was accepted.
                Err(PublishError::Ambiguous(_)) if self.remembers => {}
                // Whoever follows it is told of the history that is lost.
                Err(PublishError::Ambiguous(_)) => return Ok(()),
                Err(error) if error.is_retryable() => {}
                Err(error) => return Err(Mismatch::new("it is accepted in the end", format!("{error:?}"))),
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}
