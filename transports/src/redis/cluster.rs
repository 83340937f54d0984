//! Redis Cluster: which node is asked.
//!
//! PUBLISH and SUBSCRIBE are of the whole cluster: any node will do, and when it is lost another. Streams are where the slot of
//! their keys is; a hash tag in the prefix puts all of them into one, and so on one node at a time, which XREAD and WATCH ask
//! for: keys of several slots in one command are refused as CROSSSLOT. Whoever is told MOVED, or loses the node, asks the nodes that
//! it knows who has the slot now.

mod nodes;
mod slot;

pub(super) use self::nodes::Nodes;
pub(super) use self::slot::{hash_tag, slot};
