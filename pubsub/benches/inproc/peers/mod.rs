//! What users write instead, tuned as a good engineer would: hashing by foldhash, ids inline, one `Arc` an event.

mod async_broadcast;
mod tokio_broadcast;
mod vec_mpsc;

pub(crate) use self::async_broadcast::AsyncBroadcast;
pub(crate) use self::tokio_broadcast::TokioBroadcast;
pub(crate) use self::vec_mpsc::VecMpsc;

use std::sync::Arc;

use compact_str::CompactString;

use crate::bus::Envelope;

type Shared = Arc<Envelope>;
type Map<V> = dashmap::DashMap<CompactString, V, foldhash::fast::RandomState>;
