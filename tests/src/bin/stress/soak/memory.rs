//! How much memory the process has, second by second, and whether that is flat.
//!
//! What it has is what was allocated and not freed. What is resident is more: glibc's allocator gives threads arenas of their own, up to
//! eight for each core, and each keeps what its threads took at most. So that grows for as long as new threads come by chance to new
//! arenas, whoever leaks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pubsub_tests::memory::allocated;
use tokio::task::JoinHandle;

use crate::check::{Mismatch, Outcome};

const MIB: u64 = 1 << 20;
/// What may come on top, beside one in twenty.
const ALLOWANCE: u64 = MIB;

/// Taken until it is dropped.
pub(crate) struct Samples {
    taken: Arc<Mutex<Vec<u64>>>,
    task: JoinHandle<()>,
}

impl Samples {
    pub(crate) fn every_second() -> Self {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let samples = Arc::clone(&taken);
        let task = tokio::spawn(async move {
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            loop {
                seconds.tick().await;
                samples.lock().unwrap_or_else(PoisonError::into_inner).push(allocated());
            }
        });
        Self { taken, task }
    }

    /// In the middle of the last so many seconds, in MiB.
    pub(crate) fn median_of_last(&self, seconds: usize) -> f64 {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let last = &taken[taken.len().saturating_sub(seconds)..];
        mebibytes(median(last).unwrap_or_else(allocated))
    }

    pub(crate) fn verdict(self) -> Outcome {
        flat(&self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Samples {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MIB as f64
}

/// Memory is flat if, without the first fifth, in which what is kept by intent fills, the median of the last third is at most that of the
/// first third, a twentieth of it, and 1 MiB. Medians, since a scenario may take a lot for a moment.
pub(crate) fn flat(samples: &[u64]) -> Outcome {
    let warm = &samples[samples.len() / 5..];
    let third = warm.len() / 3;
    let (Some(before), Some(after)) = (median(&warm[..third]), median(&warm[warm.len() - third..])) else {
        return Err(Mismatch::new("enough samples", format!("{} of them", samples.len())));
    };
    let most = before + before / 20 + ALLOWANCE;
    let text = format!("{:.1} MiB at first, {:.1} MiB in the end", mebibytes(before), mebibytes(after));
    match after <= most {
        true => Ok(text),
        false => Err(Mismatch::new(format!("at most {:.1} MiB in the end", mebibytes(most)), text)),
    }
}

fn median(samples: &[u64]) -> Option<u64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// `VmRSS` of this process, in MiB.
pub(crate) fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    mebibytes(kibibytes.unwrap_or(0) * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: u64 = 30;

    /// 12 MiB and what is said for each second.
    fn samples(more: impl Fn(u64) -> u64) -> Vec<u64> {
        (0..MINUTES * 60).map(|second| 12 * MIB + more(second)).collect()
    }

    #[test]
    fn what_stays_is_flat_and_so_is_what_comes_and_goes() {
        flat(&samples(|_| 0)).expect("flat");
        flat(&samples(|second| if second % 7 == 0 { 500 * MIB } else { 0 })).expect("spikes");
        flat(&samples(|second| (second * MIB / 10).min(30 * MIB))).expect("what fills in the first fifth");
    }

    #[test]
    fn what_grows_is_not() {
        let slope = |per_minute: u64| samples(move |second| second * per_minute / 60);
        flat(&slope(MIB / 4)).expect_err("a quarter of a MiB in a minute");
        flat(&slope(MIB / 20)).expect("1.5 MiB in half an hour");
        flat(&samples(|second| if second > 1200 { 10 * MIB } else { 0 })).expect_err("a step");
        flat(&[]).expect_err("nothing");
    }

    #[test]
    fn this_process_has_memory() {
        let before = allocated();
        let block = std::hint::black_box(vec![0_u8; 64 << 20]);
        assert!(allocated() >= before + (32 << 20), "what other tests free meanwhile is less");
        drop(block);
        assert!(resident() > 1.0);
    }
}
