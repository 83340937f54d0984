//! Events that are kept: one Redis stream for each type, read from wherever one has been before.
//!
//! # On the server
//! * The stream of a type is the key prefix and `{type}`. The braces make Redis Cluster keep it beside the key below.
//! * An event is an entry with the fields `id` and `event`: the id of the topic, and the envelope as the codec writes it.
//! * The ids of the entries are `<epoch>-<offset>`. The offset rises by one with each event, so the difference of two is how
//!   many are between them. The epoch is that of the history: microseconds, always ahead of the clock in milliseconds, so
//!   that `XADD key *` counts the offset up. Nobody who publishes has to know it.
//! * An epoch begins with the entry `<epoch>-0`, which is no event: its fields are `run`, the run of the server, and
//!   `prev`, the last entry before it, if there was one. A run is the run id of the server with its `master_replid`: one that was a replica
//!   of another meanwhile has what the other had.
//! * The key of the stream with `:run` behind it holds the run of the server on which the epoch began.
//! * The one with `:ends` holds where the stream ended when, where events are kept by age.
//!
//! # When a history begins anew
//! Whoever is about to publish on a new connection looks whether the stream is there, and whether the run is still that
//! of the server. If not, the stream was deleted, or the server restarted or another one took over, with or without the last
//! of what it had accepted: a new epoch begins. It does so once, by WATCH. An event is added only to a stream that is there
//! (NOMKSTREAM); of one that was deleted a moment ago the event comes back, to be sent again.
//!
//! So whoever reads sees each loss in the ids: a hole in the offsets is exactly as many events, and another epoch is another
//! history, of which nobody can say what is missing. Where no entry follows, the server is asked: a stream that was quiet for as long as a
//! read waits is looked at, however busy others are. One that ends before what was read went back; one that ends further on, of
//! which the next read brings nothing, was trimmed.
//!
//! A stream that somebody else made, with ids of his own, begins an epoch of ours as soon as all of it was read.

mod cursor;
mod entry;
mod epoch;
mod keep;
mod keys;
mod live;
mod reader;
mod replay;
mod replays;
mod retention;
mod session;
mod stream;

pub(super) use self::keep::{Adding, Kept};
pub(super) use self::keys::Keys;
pub(super) use self::reader::Reader;
pub use self::retention::Retention;
pub(super) use self::session::Session;
