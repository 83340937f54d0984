//! Three nodes on this machine.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;

pub(crate) struct Cluster {
    nodes: Vec<Node>,
}

struct Node {
    child: Child,
    port: u16,
    directory: std::path::PathBuf,
}

const NODES: usize = 3;
const SLOTS: usize = 16_384;

impl Cluster {
    pub(crate) fn start() -> Result<Self> {
        let cluster = Self { nodes: (0..NODES).map(Node::start).collect::<Result<_>>()? };
        for (number, node) in cluster.nodes.iter().enumerate() {
            let (first, last) = (number * SLOTS / NODES, (number + 1) * SLOTS / NODES - 1);
            until("a node answers", || node.cli(&["PING"]).is_ok_and(|answer| answer.starts_with("PONG")))?;
            node.cli(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()])?;
            node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()])?;
            for other in &cluster.nodes[..number] {
                let bus = (other.port - 10_000).to_string();
                node.cli(&["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string(), &bus])?;
            }
        }
        until("the cluster serves", || {
            let is_whole = |info: String| {
                info.contains("cluster_state:ok") && info.contains(&format!("cluster_known_nodes:{NODES}"))
            };
            cluster.nodes.iter().all(|node| node.cli(&["CLUSTER", "INFO"]).is_ok_and(is_whole))
        })?;
        Ok(cluster)
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("redis://127.0.0.1:{}", node.port)).collect()
    }

    /// Seconds of CPU of all nodes, so far.
    pub(crate) fn cpu(&self) -> Result<f64> {
        let mut seconds = 0.0;
        for node in &self.nodes {
            for line in node.cli(&["INFO", "cpu"])?.lines() {
                if let Some(("used_cpu_sys" | "used_cpu_user", time)) = line.trim_end().split_once(':') {
                    seconds += time.parse::<f64>()?;
                }
            }
        }
        Ok(seconds)
    }
}

impl Node {
    fn start(number: usize) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let directory = std::env::temp_dir().join(format!("pubsub-cluster-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory)?;
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--cluster-enabled", "yes", "--cluster-port", &(port - 10_000).to_string()])
            .args(["--client-output-buffer-limit", "pubsub 0 0 0"])
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self { child, port, directory })
    }

    fn cli(&self, arguments: &[&str]) -> Result<String> {
        let output =
            Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(arguments).output()?;
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn until(what: &str, holds: impl Fn() -> bool) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        if Instant::now() > deadline {
            return Err(format!("not in time: {what}").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
