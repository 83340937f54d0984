//! Random numbers that can be had again.

use std::fmt;

use super::Step;

/// A small generator (SplitMix64). Every run is the same, unless `OPERATORS_SEED` in the environment says another seed;
/// a test that fails prints it.
pub(crate) struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    pub(crate) fn new() -> Self {
        let seed = match std::env::var("OPERATORS_SEED") {
            Ok(seed) => seed.parse().expect("OPERATORS_SEED is a number"),
            Err(_) => 20_260_101,
        };
        Self { seed, state: seed }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Says how to repeat the run.
impl fmt::Display for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "repeat with OPERATORS_SEED={}", self.seed)
    }
}

/// Scripts of random items and waits.
impl Random {
    /// `length` items below `values`, with waits among them, and the items alone.
    pub(crate) fn steps(&mut self, length: usize, values: usize) -> (Vec<Step>, Vec<u32>) {
        let mut steps = Vec::new();
        let mut items = Vec::new();
        for _ in 0..length {
            while self.below(4) == 0 {
                steps.push(Step::Pending);
            }
            let item = self.below(values) as u32;
            steps.push(Step::Item(item));
            items.push(item);
        }
        (steps, items)
    }
}
