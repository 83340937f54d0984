//! What almost everyone needs: `use pubsub::prelude::*;`.

pub use crate::{
    All, Delivery, End, Event, EventMap, EventSubset, Overflow, PubSub, PublishError, SubscribeError,
    Subscription, Topic, TopicId, TryNextError,
};
