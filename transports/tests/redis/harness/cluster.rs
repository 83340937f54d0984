//! A cluster of one's own.

use std::time::{Duration, Instant};

use super::server::{Server, free_port};

pub(crate) struct Cluster {
    /// Masters of a third of the slots each, in their order; behind them one replica of the first, if it has one.
    pub nodes: Vec<Server>,
}

const MASTERS: usize = 3;
const SLOTS: usize = 16_384;

impl Cluster {
    pub(crate) fn start() -> Self {
        Self::with(0, &[])
    }

    pub(crate) fn with_replica() -> Self {
        Self::with(1, &[])
    }

    /// That speaks TLS on other ports, which are given too; `tls` is what each server needs for that.
    pub(crate) fn secure(tls: &[&str]) -> (Self, Vec<u16>) {
        let cluster = Self::with(0, &[tls, &["--tls-cluster", "yes"]].concat());
        let port = |node: &Server| node.cli(&["CONFIG", "GET", "tls-port"]).lines().nth(1)?.parse().ok();
        let ports = cluster.nodes.iter().map(|node| port(node).expect("a port")).collect();
        (cluster, ports)
    }

    fn with(replicas: usize, more: &[&str]) -> Self {
        let nodes: Vec<(Server, String)> = (0..MASTERS + replicas)
            .map(|_| {
                let (bus, tls) = (free_port().to_string(), free_port().to_string());
                let mut arguments =
                    vec!["--cluster-enabled", "yes", "--cluster-node-timeout", "800", "--cluster-port", &bus];
                if !more.is_empty() {
                    arguments.extend(["--tls-port", &tls]);
                    arguments.extend(more);
                }
                (Server::with(&arguments), bus)
            })
            .collect();
        for (number, (node, _)) in nodes.iter().enumerate() {
            if number < MASTERS {
                let (first, last) = (number * SLOTS / MASTERS, (number + 1) * SLOTS / MASTERS - 1);
                node.cli(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            }
            node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            for (other, bus) in &nodes[..number] {
                node.cli(&["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string(), bus]);
            }
        }
        let cluster = Self { nodes: nodes.into_iter().map(|(node, _)| node).collect() };
        let known = format!("cluster_known_nodes:{}", cluster.nodes.len());
        cluster.until("all nodes know each other", |node| node.cli(&["CLUSTER", "INFO"]).contains(&known));
        let first = cluster.id(0);
        for replica in &cluster.nodes[MASTERS..] {
            replica.cli(&["CLUSTER", "REPLICATE", &first]);
        }
        cluster
            .until("the cluster serves", |node| node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
        for replica in &cluster.nodes[MASTERS..] {
            replica.until_it_replicates();
        }
        // Each has a connection to each other and one from it: what is published is broadcast to those that there are.
        let links = 2 * (cluster.nodes.len() - 1);
        cluster.until("all are connected", |node| {
            node.cli(&["CLUSTER", "LINKS"]).lines().filter(|line| *line == "direction").count() == links
        });
        // Where nobody is to take another's place, one that is late is not given up, and what it publishes not lost.
        if replicas == 0 {
            for node in &cluster.nodes {
                node.cli(&["CONFIG", "SET", "cluster-node-timeout", "15000"]);
            }
        }
        cluster
    }

    /// The first master is alone from now on, which answers all the same: its replica, the last node, has its slots, and the
    /// others do not know it any more.
    pub(crate) fn cut_off_the_first(&self) {
        let ids: Vec<String> = (0..self.nodes.len()).map(|node| self.id(node)).collect();
        // It knows nobody, so it believes nobody who says that its slots are another's.
        for other in &ids[1..] {
            self.nodes[0].cli(&["CLUSTER", "FORGET", other]);
        }
        self.nodes[MASTERS].cli(&["CLUSTER", "FAILOVER", "TAKEOVER"]);
        wait("the replica has taken over", || {
            self.nodes[MASTERS].cli(&["INFO", "replication"]).contains("role:master")
        });
        for node in &self.nodes[1..] {
            node.cli(&["CLUSTER", "FORGET", &ids[0]]);
        }
        wait("the others serve without it", || {
            let serves = |node: &Server| node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok");
            self.nodes[1..].iter().all(serves)
        });
    }

    fn until(&self, what: &str, holds: impl Fn(&Server) -> bool) {
        wait(what, || self.nodes.iter().all(&holds));
    }

    pub(crate) fn id(&self, node: usize) -> String {
        self.nodes[node].cli(&["CLUSTER", "MYID"])
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Server::url).collect()
    }

    /// Which master has the slot of this key at first.
    pub(crate) fn master_of(&self, key: &str) -> usize {
        let slot: usize = self.slot(key).parse().expect("a slot");
        (0..MASTERS).find(|number| slot < (number + 1) * SLOTS / MASTERS).expect("all slots are served")
    }

    pub(crate) fn slot(&self, key: &str) -> String {
        self.nodes[1].cli(&["CLUSTER", "KEYSLOT", key])
    }

    /// All slots of the first master become another's, as when a node is taken out, and the other way round.
    pub(crate) fn hand_over(&self, from: usize, to: usize) {
        let last = (SLOTS / MASTERS - 1).to_string();
        for node in [from, to] {
            self.nodes[node].cli(&["CLUSTER", "DELSLOTSRANGE", "0", &last]);
        }
        self.nodes[to].cli(&["CLUSTER", "ADDSLOTSRANGE", "0", &last]);
        self.nodes[to].cli(&["CLUSTER", "BUMPEPOCH"]);
        let owner = format!("{} 127.0.0.1:{}@", self.id(to), self.nodes[to].port);
        self.until("all nodes know who has them", |node| {
            let nodes = node.cli(&["CLUSTER", "NODES"]);
            nodes.lines().any(|line| line.starts_with(&owner) && line.contains(" 0-"))
        });
    }

    /// Moves the slot of a key, with all keys in it, as redis-cli does.
    pub(crate) fn migrate(&self, key: &str, from: usize, to: usize) {
        self.begin_to_migrate(key, from, to, &[]);
        self.finish_migrating(key, from, to);
    }

    /// The same, of which only these keys are moved so far.
    pub(crate) fn begin_to_migrate(&self, key: &str, from: usize, to: usize, moved: &[&str]) {
        let slot = self.slot(key);
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        target.cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &self.id(from)]);
        source.cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &self.id(to)]);
        for key in moved {
            source.cli(&["MIGRATE", "127.0.0.1", &target.port.to_string(), key, "0", "5000"]);
        }
    }

    pub(crate) fn finish_migrating(&self, key: &str, from: usize, to: usize) {
        let slot = self.slot(key);
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        wait("all keys are moved", || {
            let keys = source.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
            let keys: Vec<&str> = keys.lines().filter(|line| !line.is_empty()).collect();
            if !keys.is_empty() {
                let port = target.port.to_string();
                let command = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
                source.cli(&[&command[..], &keys].concat());
            }
            keys.is_empty()
        });
        for node in [target, source] {
            node.cli(&["CLUSTER", "SETSLOT", &slot, "NODE", &self.id(to)]);
        }
    }
}

/// Asked again and again, since nobody tells.
fn wait(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + super::DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
