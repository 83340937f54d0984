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
        self.chaos.close().await;
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
