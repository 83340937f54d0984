//! The program `stress` with little to do, and how it ends. Without `--load` it does ten times as much.

use std::process::{Command, Output};

/// Those that `stress` must have.
const SCENARIOS: [&str; 32] = [
    "accept_then_close_backs_off",
    "boundary_event_replayed_once",
    "close_reports_what_was_left",
    "connect_churn",
    "derived_ids_keep_part_boundaries",
    "duplicate_subscribe_race",
    "epoch_change_is_a_gap",
    "event_without_id_never_deduplicated",
    "fan_out",
    "garbage_on_redis_channel",
    "half_open_incumbent_superseded",
    "handler_panic_loses_no_later_event",
    "handlers_in_order",
    "history_evicted_says_so",
    "lag_is_a_typed_gap_and_the_loop_goes_on",
    "limits",
    "malformed_frames",
    "no_pong",
    "oversized_frame",
    "publish_to_full_backpressured_subscription_waits_and_cancels_cleanly",
    "recover_with_zero_events_seen",
    "recovery_storm",
    "redis_restart_resubscribes_before_resuming",
    "replay_larger_than_queue_does_not_loop",
    "retryable_resume",
    "shutdown_spreads_reconnects",
    "slow_consumer",
    "stale_handshake",
    "subscribe_is_live_when_it_returns",
    "terminal_codes_stop",
    "token_expiry_and_refresh",
    "unsubscribe_during_replay_delivers_nothing_after",
];

fn stress(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stress"));
    command.args(arguments);
    command
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn every_scenario_holds_and_nothing_is_left() {
    let (status, stdout, stderr) = run(&mut stress(&["--load", "10"]));
    assert_eq!(status, Some(0), "{stdout}\n{stderr}");
    let all = format!("{} passed, 0 failed", SCENARIOS.len() + 1);
    assert_eq!(stdout.lines().last(), Some(&*all), "{stdout}");
}

#[test]
fn every_scenario_is_there_by_name() {
    let (status, stdout, _) = run(&mut stress(&["--list"]));
    let mut names: Vec<&str> = stdout.lines().collect();
    names.sort_unstable();
    assert_eq!((status, &names[..]), (Some(0), &SCENARIOS[..]));
}

#[test]
fn one_alone_is_run_as_often_as_asked() {
    let arguments = ["--only", "history_evicted_says_so", "--load", "10", "--seed", "7", "--repeat", "2"];
    let (status, stdout, stderr) = run(&mut stress(&arguments));
    assert_eq!(status, Some(0), "{stdout}\n{stderr}");
    assert!(
        stderr.contains("round 1 of 2, seed 7\n") && stderr.contains("round 2 of 2, seed 8\n"),
        "{stderr}"
    );
    assert_eq!(stdout.lines().last(), Some("4 passed, 0 failed"), "{stdout}");
}

#[test]
fn wrong_arguments_are_2_and_what_cannot_begin_is_1() {
    for wrong in
        [&["--only", "nothing"][..], &["--repeat", "0"], &["--load", "0"], &["--soak", "long"], &["more"]]
    {
        let (status, stdout, stderr) = run(&mut stress(wrong));
        assert_eq!((status, &*stdout), (Some(2), ""), "{wrong:?}: {stderr}");
    }
    let (status, _, stderr) = run(stress(&["--load", "10"]).env("PATH", ""));
    assert!(status == Some(1) && stderr.contains("redis-server"), "{status:?}: {stderr}");
}
