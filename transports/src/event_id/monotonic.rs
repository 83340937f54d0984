//! UUIDv7 that rise: random once a millisecond, counted up within it.
//!
//! RFC 9562, section 6.2, method 2, with 74 bits of counter. Random bits for every id would be a system call for every
//! event that is published.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::{Builder, Uuid};

#[derive(Clone, Copy)]
struct Stamp {
    millis: u64,
    counter: u128,
}

const COUNTER_BITS: u32 = 74;
/// The bits of the counter behind the UUID's variant.
const LOW_BITS: u32 = 62;
const LOW: u128 = (1 << LOW_BITS) - 1;

impl Stamp {
    /// At a time without an id yet. The highest bit is left clear: there is room to count.
    fn fresh(millis: u64) -> Self {
        let random = Uuid::new_v4().as_u128();
        // Behind the version of a UUIDv4 there are 12 random bits, behind its variant 62.
        let high = (random >> 64) & 0x7FF;
        Self { millis, counter: high << LOW_BITS | random & LOW }
    }

    /// After this one, at the time `now`, which may have been set back.
    fn next(self, now: u64) -> Self {
        if now > self.millis {
            return Self::fresh(now);
        }
        match self.counter + 1 {
            counter if counter >> COUNTER_BITS == 0 => Self { counter, ..self },
            _ => Self::fresh(self.millis + 1),
        }
    }

    fn uuid(self) -> Uuid {
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&((self.counter >> LOW_BITS) as u16).to_be_bytes());
        bytes[2..].copy_from_slice(&((self.counter & LOW) as u64).to_be_bytes());
        Builder::from_unix_timestamp_millis(self.millis, &bytes).into_uuid()
    }
}

/// Greater than every one before, in this process.
pub(super) fn next() -> Uuid {
    static LAST: Mutex<Stamp> = Mutex::new(Stamp { millis: 0, counter: 0 });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    *last = last.next(u64::try_from(now).unwrap_or(u64::MAX));
    last.uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_within_a_millisecond_and_when_the_clock_is_set_back() {
        let mut last = Stamp::fresh(1000);
        for now in [1000, 1000, 999, 0, 1001, 1001, 1000] {
            let next = last.next(now);
            assert!(next.uuid() > last.uuid(), "at {now}");
            last = next;
        }
        assert_eq!(last.millis, 1001);
    }

    #[test]
    fn a_counter_that_is_full_goes_on_in_the_next_millisecond() {
        let full = Stamp { millis: 7, counter: (1 << COUNTER_BITS) - 1 };
        let next = full.next(7);
        assert_eq!(next.millis, 8);
        assert!(next.uuid() > full.uuid());
    }

    #[test]
    fn every_bit_of_the_counter_is_in_the_id() {
        for bit in 0..COUNTER_BITS {
            let uuid = Stamp { millis: 1, counter: 1 << bit }.uuid();
            assert_eq!(uuid.get_version_num(), 7);
            assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
            assert_eq!(uuid.as_u128().count_ones(), 1 + 3 + 1 + 1, "bit {bit} of {uuid}");
        }
    }

    #[test]
    fn two_milliseconds_have_nothing_in_common_but_their_time() {
        let [one, two] = [Stamp::fresh(1), Stamp::fresh(1)];
        assert_ne!(one.counter, two.counter);
    }
}
