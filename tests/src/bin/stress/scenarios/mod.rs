//! The scenarios by name.

mod bus;
mod comings;
mod crowd;
mod handling;
mod hostile;
mod ids;
mod recovery;
mod redis;
mod slow;

use crate::suite::Scenario;

macro_rules! scenarios {
    ($($family:ident: $($name:ident)*;)*) => {
        /// All of them.
        pub(crate) const ALL: &[Scenario] = &[$($(
            Scenario { name: stringify!($name), run: |work| Box::pin($family::$name(work)) },
        )*)*];
    };
}

scenarios! {
    crowd: connect_churn fan_out duplicate_subscribe_race subscribe_is_live_when_it_returns;
    recovery: recovery_storm recover_with_zero_events_seen epoch_change_is_a_gap boundary_event_replayed_once
        history_evicted_says_so replay_larger_than_queue_does_not_loop unsubscribe_during_replay_delivers_nothing_after;
    slow: lag_is_a_typed_gap_and_the_loop_goes_on slow_consumer;
    comings: accept_then_close_backs_off terminal_codes_stop retryable_resume half_open_incumbent_superseded no_pong
        token_expiry_and_refresh shutdown_spreads_reconnects;
    hostile: malformed_frames stale_handshake oversized_frame limits;
    handling: handler_panic_loses_no_later_event handlers_in_order;
    ids: event_without_id_never_deduplicated derived_ids_keep_part_boundaries;
    redis: garbage_on_redis_channel redis_restart_resubscribes_before_resuming;
    bus: publish_to_full_backpressured_subscription_waits_and_cancels_cleanly close_reports_what_was_left;
}
