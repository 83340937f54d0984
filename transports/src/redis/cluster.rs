//! Redis Cluster: which node is asked.
//!
//! PUBLISH and SUBSCRIBE are of the whole cluster: any node will do, and when it is lost another. Streams are where the slot of
//! their keys is; a hash tag in the prefix puts all of them into one, and so on one node at a time, which XREAD and WATCH ask
//! for: keys of several slots in one command are refused as CROSSSLOT. Whoever is told MOVED, or loses the node, asks the nodes that
//! it knows who has the slot now.
//!
//! A node that is cut off from the others goes on as if nothing was, and so do those who follow there and hear nothing: so it is
//! compared with what another node says of the cluster, again and again, and left when it has been behind for a while.
//!
//! Sharded channels are where the slot of their names is: a task follows each there, by a subscriber for each node.

mod link;
mod nodes;
mod owners;
mod routes;
mod shards;
mod slot;

pub(super) use self::link::ShardedLink;
pub(super) use self::nodes::{Nodes, overtaken};
pub(super) use self::slot::{hash_tag, slot};
