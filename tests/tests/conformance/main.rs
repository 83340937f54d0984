//! What every transport promises: one suite of named scenarios, run over each.
//!
//! A transport joins with an [`Exchange`](exchange::Exchange), which makes connected buses, and a line at the end of this file.

mod exchange;
mod harness;
mod scenarios;
mod transports;

macro_rules! conformance {
    ($($transport:ident: $exchange:ty;)*) => {$(
        mod $transport {
            conformance!(@ $exchange:
                scoping::{
                    a_topic_follows_every_id_and_one_with_an_id_follows_that,
                    all_subset_and_tuple_select_what_they_name,
                    several_selectors_deliver_once,
                    ids_may_hold_anything,
                },
                order::{
                    own_events_come_once_and_in_the_order_of_the_exchange,
                    events_of_one_publisher_and_address_keep_their_order,
                },
                interest::{
                    subscribe_is_live_when_it_returns,
                    one_subscription_on_the_other_side_however_many_here,
                    nothing_comes_after_a_subscription_is_dropped,
                    nothing_is_left_behind,
                },
                publishing::{
                    a_publisher_and_its_sink_publish_as_the_bus_does,
                    event_ids_are_carried,
                    publishes_may_be_dropped_at_any_point,
                },
                handling::{
                    handlers_handle_in_order_and_a_failure_loses_no_later_event,
                },
                overflow::{
                    the_default_at_the_bound,
                    a_reader_that_lags_is_told_how_many_it_missed,
                    a_slow_subscription_costs_no_other_an_event,
                },
                closing::{
                    a_closed_bus_refuses_and_what_it_had_can_be_read,
                    closing_one_bus_leaves_the_others_alone,
                    a_dropped_bus_ends_its_subscriptions,
                },
                history::{
                    the_past_comes_once_where_it_is_kept_and_is_refused_elsewhere,
                },
                bad_input::{
                    what_cannot_be_read_is_one_visible_error_and_the_next_event_comes,
                },
            );
        }
    )*};
    (@ $exchange:ty: $($module:ident::{$($scenario:ident,)*},)*) => {
        $(mod $module {
            $(#[test]
            fn $scenario() {
                crate::harness::run(crate::scenarios::$module::$scenario::<$exchange>());
            })*
        })*
    };
}

conformance! {
    in_process: crate::transports::InProcess;
    worker_threads: crate::transports::Workers;
    worker_pipes: crate::transports::Pipes;
    worker_processes: crate::transports::Processes;
    loopback_json: crate::transports::LoopbackOf<pubsub::codec::Json>;
    loopback_messagepack: crate::transports::LoopbackOf<pubsub::codec::MessagePack>;
    loopback_postcard: crate::transports::LoopbackOf<pubsub::codec::Postcard>;
    redis: crate::transports::RedisServer;
    redis_streams: crate::transports::RedisStreams;
    redis_cluster: crate::transports::RedisCluster<false>;
    redis_cluster_streams: crate::transports::RedisCluster<true>;
    spokes: crate::transports::Sockets<false>;
    hub_and_spokes: crate::transports::Sockets<true>;
}
