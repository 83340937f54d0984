//! RESP2, as much as publish and subscribe need: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.
//!
//! Written here for the two hot paths: a PUBLISH with its reply, and a message. Every byte is checked, and nothing that a
//! server sends makes more be kept than the bound of the [`Reader`].

mod entries;
mod read;
#[cfg(feature = "test-util")]
pub(crate) mod seen;
mod value;
mod write;

pub(super) use self::entries::{Entry, EntryId, Item};
pub(super) use self::read::{Malformed, Parts, Reader, Reply};
pub(super) use self::value::Value;
pub(super) use self::write::{bulk, command, header, number};

/// What tests choose by: its seed is printed, and can be given.
#[cfg(test)]
pub(super) fn random() -> fastrand::Rng {
    let given = std::env::var("PUBSUB_REDIS_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("PUBSUB_REDIS_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}
