//! What almost everyone needs: `use pubsub::prelude::*;`.

pub use crate::{
    All, Delivery, End, Event, EventMap, EventOperators, EventSubset, Overflow, PubSub, PublishError,
    SubscribeError, Subscription, Topic, TopicId, TryNextError,
};
