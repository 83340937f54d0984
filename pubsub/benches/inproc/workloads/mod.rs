//! What is measured. Each function runs its workload once and gives nanoseconds for each event or delivery.

mod backpressure;
mod churn;
mod fan_out;
mod large;
mod latency;
mod routing;
mod several;

pub(crate) use self::backpressure::{backpressure, bare_mpsc};
pub(crate) use self::churn::{fresh_ids, same_id};
pub(crate) use self::fan_out::fan_out;
pub(crate) use self::large::{large, large_by_broadcast};
pub(crate) use self::latency::latency;
pub(crate) use self::routing::{nobody, routing};
pub(crate) use self::several::several;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

/// Everything on one thread: what is measured is the work, not the machine's second core.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("project-{number}")).collect()
}

/// Xorshift: the same order of ids for all.
struct Order(u64);

impl Order {
    fn new() -> Self {
        Self(88_172_645_463_325_252)
    }

    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % count as u64) as usize
    }
}

/// Bursts in flight: a burst is over when every subscriber has read it.
#[derive(Clone)]
struct Pace {
    permits: Arc<Semaphore>,
    done: Arc<[AtomicUsize; 16]>,
    subscribers: usize,
}

impl Pace {
    fn new(window: usize, subscribers: usize) -> Self {
        let permits = Arc::new(Semaphore::new(window));
        Self { permits, done: Arc::new(std::array::from_fn(|_| AtomicUsize::new(0))), subscribers }
    }

    async fn start(&self) {
        self.permits.acquire().await.expect("never closed").forget();
    }

    fn read(&self, burst: u64) {
        let done = &self.done[(burst % 16) as usize];
        if self.subscribers == 1 || done.fetch_add(1, Ordering::AcqRel) == self.subscribers - 1 {
            done.store(0, Ordering::Release);
            self.permits.add_permits(1);
        }
    }
}
