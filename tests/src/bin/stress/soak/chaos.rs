//! What happens to a crowd: its connections are cut and stalled, its hubs end at once and come back, and so does their Redis.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use pubsub::Hub;
use pubsub_tests::hub::{address, hub_with};
use pubsub_tests::proxy::{Proxy, Weather};
use pubsub_tests::server::Server;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, block_in_place};
use tokio::time::sleep;

use super::crowd::Tally;
use super::forgetful;
use crate::check::{Mismatch, OrMismatch as _, in_time};
use crate::world::hub_behind;

/// Where a part of the crowd is: the proxies before hubs that are one bus.
pub(crate) struct Site {
    pub(crate) name: &'static str,
    /// Whether what was published is known after a hub has come back.
    pub(crate) remembers: bool,
    proxies: Vec<Arc<Proxy>>,
}

const PROXIES: usize = 4;

impl Site {
    async fn before(name: &'static str, remembers: bool, hubs: &[Hub]) -> Self {
        let mut proxies = Vec::new();
        for number in 0..PROXIES {
            proxies.push(Arc::new(Proxy::to(address(&hubs[number % hubs.len()])).await));
        }
        Self { name, remembers, proxies }
    }

    pub(crate) fn proxy(&self, number: usize) -> Arc<Proxy> {
        Arc::clone(&self.proxies[number % PROXIES])
    }

    /// The hub ends at once, and the proxies before it lead to the next, at another port: somebody else may have this one by then.
    async fn replace(
        &self,
        hub: Hub,
        next: impl Future<Output = Result<Hub, Mismatch>>,
    ) -> Result<Hub, Mismatch> {
        let old = address(&hub);
        self.change_before(old, |weather| weather.refuses = true);
        drop(hub);
        let next = next.await?;
        self.change_before(old, |weather| (weather.refuses, weather.target) = (false, address(&next)));
        Ok(next)
    }

    fn change_before(&self, hub: SocketAddr, change: impl Fn(&mut Weather)) {
        for proxy in &self.proxies {
            proxy.change(|weather| {
                if weather.target == hub {
                    change(weather);
                }
            });
        }
    }
}

pub(crate) struct Chaos {
    sites: Arc<[Site; 2]>,
    stop: watch::Sender<bool>,
    /// Gives back what is there in the end.
    task: Option<JoinHandle<Result<Hubs, Mismatch>>>,
    hubs: Option<Hubs>,
}

struct Hubs {
    redis: Server,
    pair: Vec<Hub>,
    alone: Vec<Hub>,
}

impl Chaos {
    pub(crate) async fn begin(random: Rng, tally: Arc<Tally>) -> Result<Self, Mismatch> {
        let redis = block_in_place(|| Server::with(&["--appendonly", "yes"]));
        let pair = vec![hub_behind(&redis, forgetful()).await?, hub_behind(&redis, forgetful()).await?];
        let alone = vec![hub_with(forgetful()).await];
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
        let site = random.usize(..2);
        let proxy = &sites[site].proxies[random.usize(..PROXIES)];
        match random.u8(..12) {
            0..4 => proxy.cut(),
            4..6 => {
                let there = [&hubs.pair, &hubs.alone][site];
                let target = address(&there[random.usize(..there.len())]);
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
                let next = async { Ok(hub_with(forgetful()).await) };
                let hub = hubs.alone.remove(0);
                hubs.alone.push(sites[1].replace(hub, next).await?);
            }
            9 => {
                let at = random.usize(..2);
                let hub = hubs.pair.remove(at);
                let next = sites[0].replace(hub, hub_behind(&hubs.redis, forgetful())).await?;
                hubs.pair.insert(at, next);
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
