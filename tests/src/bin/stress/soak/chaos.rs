//! What happens to a crowd: its connections are cut and stalled, its hubs end at once and come back, and so does their Redis.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use pubsub::Hub;
use pubsub_tests::hub::{address, builder};
use pubsub_tests::proxy::Proxy;
use pubsub_tests::server::Server;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, block_in_place};
use tokio::time::sleep;

use super::crowd::Tally;
use super::forgetful;
use crate::check::{Mismatch, OrMismatch as _, in_time};
use crate::world::{bind, hub_behind, hub_behind_at};

/// Where a part of the crowd is: hubs that are one bus, and proxies before them.
pub(crate) struct Site {
    pub(crate) name: &'static str,
    /// Whether what was published is known after a hub has come back.
    pub(crate) remembers: bool,
    proxies: Vec<Arc<Proxy>>,
    hubs: Vec<SocketAddr>,
}

const PROXIES: usize = 4;

impl Site {
    async fn before(name: &'static str, remembers: bool, hubs: &[Hub]) -> Self {
        let hubs: Vec<SocketAddr> = hubs.iter().map(address).collect();
        let mut proxies = Vec::new();
        for number in 0..PROXIES {
            proxies.push(Arc::new(Proxy::to(hubs[number % hubs.len()]).await));
        }
        Self { name, remembers, proxies, hubs }
    }

    pub(crate) fn proxy(&self, number: usize) -> Arc<Proxy> {
        Arc::clone(&self.proxies[number % PROXIES])
    }
}

pub(crate) struct Chaos {
    sites: Arc<[Site; 2]>,
    stop: watch::Sender<bool>,
    /// Gives back what is there in the end.
    task: Option<JoinHandle<Result<Hubs, Mismatch>>>,
    hubs: Option<Hubs>,
}

/// At the ports that they began with.
struct Hubs {
    redis: Server,
    pair: Vec<Hub>,
    alone: Vec<Hub>,
}

impl Chaos {
    pub(crate) async fn begin(random: Rng, tally: Arc<Tally>) -> Result<Self, Mismatch> {
        let redis = block_in_place(|| Server::with(&["--appendonly", "yes"]));
        let pair = vec![hub_behind(&redis, forgetful()).await?, hub_behind(&redis, forgetful()).await?];
        let alone = vec![builder(forgetful()).bind("127.0.0.1:0").await.or_mismatch("a free port")?];
        let sites = [Site::before("pair", true, &pair).await, Site::before("alone", false, &alone).await];
        let sites = Arc::new(sites);
        let (stop, stopped) = watch::channel(false);
        let hubs = Hubs { redis, pair, alone };
        let task = tokio::spawn(wreak(hubs, Arc::clone(&sites), random, stopped, tally));
        Ok(Self { sites, stop, task: Some(task), hubs: None })
    }

    pub(crate) fn sites(&self) -> &[Site] {
        &*self.sites
    }

    /// Never, unless it cannot go on.
    pub(crate) async fn ended(&mut self) -> Result<Result<(), Mismatch>, JoinError> {
        match &mut self.task {
            Some(task) => task.await.map(|ended| ended.map(drop)),
            None => std::future::pending().await,
        }
    }

    /// Everything is there again, and stays.
    pub(crate) async fn stop(&mut self) -> Result<(), Mismatch> {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            self.hubs = Some(in_time("the end of the chaos", task).await?.or_mismatch("no panic")??);
        }
        Ok(())
    }

    pub(crate) async fn close(&mut self) -> Result<(), Mismatch> {
        for hub in self.hubs.take().into_iter().flat_map(|hubs| hubs.pair.into_iter().chain(hubs.alone)) {
            in_time("the end of a hub", hub.close()).await?;
        }
        Ok(())
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn wreak(
    mut hubs: Hubs,
    sites: Arc<[Site; 2]>,
    mut random: Rng,
    mut stopped: watch::Receiver<bool>,
    tally: Arc<Tally>,
) -> Result<Hubs, Mismatch> {
    loop {
        tokio::select! {
            () = sleep(Duration::from_millis(random.u64(50..800))) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(hubs),
        }
        let site = &sites[random.usize(..2)];
        let proxy = &site.proxies[random.usize(..PROXIES)];
        match random.u8(..12) {
            0..4 => proxy.cut(),
            4..6 => {
                let target = site.hubs[random.usize(..site.hubs.len())];
                proxy.change(|weather| weather.target = target);
                proxy.cut();
            }
            6 => {
                proxy.change(|weather| weather.stalled = true);
                sleep(Duration::from_millis(random.u64(10..1000))).await;
                proxy.change(|weather| weather.stalled = false);
            }
            7 => {
                proxy.change(|weather| weather.refuses = true);
                proxy.cut();
                sleep(Duration::from_millis(random.u64(10..1000))).await;
                proxy.change(|weather| weather.refuses = false);
            }
            8 => {
                drop(hubs.alone.pop());
                hubs.alone.push(bind(builder(forgetful()), sites[1].hubs[0]).await?);
            }
            9 => {
                let at = random.usize(..2);
                drop(hubs.pair.remove(at));
                let hub = hub_behind_at(&hubs.redis, forgetful(), sites[0].hubs[at]).await?;
                hubs.pair.insert(at, hub);
            }
            10 => block_in_place(|| drop(hubs.redis.cli(&["CLIENT", "KILL", "TYPE", "normal"]))),
            _ => {
                block_in_place(|| hubs.redis.kill());
                sleep(Duration::from_millis(random.u64(0..300))).await;
                block_in_place(|| hubs.redis.restart());
            }
        }
        tally.kills.fetch_add(1, Ordering::Relaxed);
    }
}
