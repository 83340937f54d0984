//! Redis Cluster: which node is asked.
//!
//! PUBLISH and SUBSCRIBE are of the whole cluster: any node will do, and when it is lost another. Streams are where the slot of
//! their keys is; a hash tag in the prefix puts all of them into one, and so on one node at a time, which XREAD and WATCH ask
//! for: keys of several slots in one command are refused as CROSSSLOT. Whoever is told MOVED, or loses the node, asks the nodes that
//! it knows who has the slot now.
//!
//! A node that was cut off from its cluster may answer all the same, and would be followed in silence. So others are asked, at
//! intervals, whether those that are connected to are still of it; one that is not counts as lost.
//!
//! Sharded channels are where the slot of their names is: a task follows each there, by a subscriber for each node.

mod link;
mod nodes;
mod owners;
mod routes;
mod shards;
mod slot;
mod view;

pub(super) use self::link::ShardedLink;
pub(super) use self::nodes::Nodes;
pub(super) use self::slot::{hash_tag, slot};
