//! The spoke alone, with a hub that does what it likes.

use std::time::Duration;

use pubsub_transports::websocket::wire::{ControlError, GapReason, Message, Token};
use pubsub_transports::websocket::{CloseCode, SpokeConfig, SpokeOutput, SpokeState};
use pubsub_transports::{ErrorCode, EventId, SendError};

use crate::alone::{Alone, CONNECTED, address};

#[test]
fn accept_then_close_backs_off() {
    let mut alone = Alone::new(SpokeConfig::default());
    let mut delays = Vec::new();
    for _ in 0..200 {
        alone.connect();
        alone.wait(Duration::from_millis(4_999));
        alone.spoke.lost(alone.now, CloseCode::Abnormal);
        let Some(SpokeState::Waiting { delay, .. }) = alone.last_state() else { panic!("it comes back") };
        assert!(delay <= Duration::from_secs(20));
        delays.push(delay);
        assert_eq!(alone.spoke.next_timer(), Some(alone.now + delay));
        alone.wait(delay);
    }
    assert!(delays[0] <= Duration::from_millis(500));
    let late = delays[6..].iter().sum::<Duration>() / 194;
    assert!(late > Duration::from_secs(8), "on average half the highest ceiling: {late:?}");
    // Only a connection that has lasted begins anew.
    alone.connect();
    alone.wait(Duration::from_secs(5));
    alone.spoke.lost(alone.now, CloseCode::Abnormal);
    let Some(SpokeState::Waiting { delay, .. }) = alone.last_state() else { panic!("it comes back") };
    assert!(delay <= Duration::from_millis(500), "{delay:?}");
}

#[test]
fn a_connection_that_cannot_be_had_backs_off_too() {
    let mut alone = Alone::new(SpokeConfig::default());
    alone.outputs();
    alone.spoke.lost(alone.now, CloseCode::Abnormal);
    assert!(matches!(alone.last_state(), Some(SpokeState::Waiting { .. })));
    alone.wait(Duration::from_secs(1));
    assert!(alone.outputs().iter().any(|output| matches!(output, SpokeOutput::Connect)));
    // One that opens, and a hub that says nothing.
    alone.spoke.opened(alone.now);
    alone.outputs();
    alone.wait(Duration::from_secs(10));
    let outputs = alone.outputs();
    assert!(matches!(outputs[0], SpokeOutput::Close(_)), "{outputs:?}");
    assert!(matches!(outputs[1], SpokeOutput::State(SpokeState::Waiting { .. })), "{outputs:?}");
}

#[test]
fn terminal_codes_stop() {
    for code in
        [4500, 4501, 4502, 4503, 4504, 4505, 4506, 4507, 4508, 4509, 4999, 1002, 1003, 1007, 1008, 1009]
    {
        let mut alone = Alone::connected();
        alone.publish(1, "1").unwrap();
        alone.outputs();
        alone.spoke.lost(alone.now, CloseCode::from(code));
        let outputs = alone.outputs();
        let ambiguous =
            matches!(&outputs[0], SpokeOutput::Published { result: Err(SendError::Ambiguous), .. });
        assert!(ambiguous, "{code}: {outputs:?}");
        let stopped = SpokeState::Stopped(CloseCode::from(code));
        assert!(matches!(&outputs[1], SpokeOutput::State(state) if *state == stopped), "{code}: {outputs:?}");
        assert_eq!(alone.spoke.next_timer(), None);
        assert_eq!(alone.publish(2, "2"), Err(SendError::Closed));
        alone.wait(Duration::from_secs(1000));
        assert!(alone.outputs().is_empty());
    }
}

#[test]
fn retryable_resume() {
    for code in
        [4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4010, 4499, 1001, 1006, 1011, 1012, 1013]
    {
        let mut alone = Alone::connected();
        alone.spoke.subscribe(&address("a"), 1);
        alone.hears(
            r#"{"type":"__subscribed","id":"1","payload":{"topic":"a","epoch":"e","offset":7,"recovered":false,"replay":0}}"#,
        );
        alone.outputs();
        alone.spoke.lost(alone.now, CloseCode::from(code));
        assert!(matches!(alone.last_state(), Some(SpokeState::Waiting { .. })), "{code}");
        alone.wait(Duration::from_secs(1));
        alone.spoke.opened(alone.now);
        let sent = alone.sent();
        assert!(sent[1].contains(r#""topic":"a","since":{"epoch":"e","offset":7}"#), "{code}: {sent:?}");
    }
}

#[test]
fn what_the_hub_says_of_coming_back_is_believed() {
    let goodbye = |retry, after: &str| {
        format!(
            r#"{{"type":"__disconnect","id":"","payload":{{"code":4000,"reason":"r","retry":{retry}{after}}}}}"#
        )
    };
    let after = |text: &str| {
        let mut alone = Alone::connected();
        alone.hears(text);
        alone.spoke.lost(alone.now, CloseCode::Shutdown);
        alone.last_state().unwrap()
    };
    assert_eq!(after(&goodbye(false, "")), SpokeState::Stopped(CloseCode::Shutdown));
    let waiting =
        |delay| SpokeState::Waiting { code: CloseCode::Shutdown, delay: Duration::from_millis(delay) };
    assert_eq!(after(&goodbye(true, r#","retryAfterMs":12345"#)), waiting(12_345));
    assert_eq!(after(&goodbye(true, r#","retryAfterMs":18446744073709551615"#)), waiting(300_000));
}

#[test]
fn no_pong() {
    let mut alone = Alone::connected();
    alone.wait(Duration::from_secs(25));
    assert!(matches!(alone.outputs()[..], [SpokeOutput::Ping]));
    alone.wait(Duration::from_secs(9));
    alone.spoke.pong(alone.now);
    alone.wait(Duration::from_secs(25));
    assert!(matches!(alone.outputs()[..], [SpokeOutput::Ping]));
    alone.wait(Duration::from_secs(10));
    let outputs = alone.outputs();
    assert!(matches!(outputs[0], SpokeOutput::Close(CloseCode::NoPong)), "{outputs:?}");
    assert!(matches!(outputs[1], SpokeOutput::State(SpokeState::Waiting { code: CloseCode::NoPong, .. })));
}

#[test]
fn malformed_frames() {
    for sent in [
        "",
        "hello",
        r#"{"type":"__reboot","id":"","payload":{}}"#,
        r#"{"type":"__gap","id":"","payload":7}"#,
    ] {
        let mut alone = Alone::connected();
        alone.hears(sent);
        let outputs = alone.outputs();
        assert!(matches!(outputs[..], [SpokeOutput::Malformed(_)]), "{sent}: {outputs:?}");
    }
    let mut alone = Alone::connected();
    alone.spoke.receive(alone.now, &Message::Binary(CONNECTED.into()));
    assert!(matches!(alone.outputs()[..], [SpokeOutput::Malformed(ControlError::Payload(_))]));
    // What nobody asked for is passed over.
    for sent in [
        r#"{"type":"__subscribed","id":"9","payload":{"topic":"a","epoch":"e","offset":7,"recovered":true,"replay":0}}"#,
        r#"{"type":"__unsubscribed","id":"9","payload":{"topic":"a"}}"#,
        r#"{"type":"__gap","id":"","payload":{"topic":"a","reason":"overflow","missed":1}}"#,
        r#"{"type":"__error","id":"9","payload":{"code":"denied","message":"","retryable":false}}"#,
        r#"{"type":"a","id":"1","payload":1}"#,
    ] {
        alone.hears(sent);
        assert!(alone.outputs().is_empty(), "{sent}");
    }
}

#[test]
fn a_hole_on_a_living_connection_is_recovered() {
    let mut alone = Alone::connected();
    alone.spoke.subscribe(&address("a"), 1);
    let subscribed = |id: u64, offset: u64, recovered: bool, replay: u64| {
        format!(
            r#"{{"type":"__subscribed","id":"{id}","payload":{{"topic":"a","epoch":"e","offset":{offset},"recovered":{recovered},"replay":{replay}}}}}"#
        )
    };
    let event = |offset: u64, after: u64| {
        format!(r#"{{"type":"a","id":"1","offset":{offset},"after":{after},"epoch":"e","payload":1}}"#)
    };
    let delivered = |alone: &mut Alone| {
        let outputs = alone.outputs();
        outputs.iter().filter(|output| matches!(output, SpokeOutput::Deliver { .. })).count()
    };
    alone.hears(&subscribed(1, 10, false, 0));
    alone.hears(&event(11, 10));
    alone.hears(&event(11, 10));
    // An address on which nothing happened for long: what came before is older than what is known.
    alone.hears(&event(12, 4));
    assert_eq!(delivered(&mut alone), 2);
    alone.hears(&event(14, 13));
    let sent = alone.sent();
    assert!(sent[0].starts_with(r#"{"type":"__unsubscribe","id":"2""#), "{sent:?}");
    assert!(sent[1].contains(r#""topic":"a","since":{"epoch":"e","offset":12}"#), "{sent:?}");
    alone.hears(&event(15, 14));
    alone.hears(r#"{"type":"__unsubscribed","id":"2","payload":{"topic":"a"}}"#);
    alone.hears(&subscribed(3, 15, true, 3));
    assert_eq!(delivered(&mut alone), 0);
    (13..=15).for_each(|offset| alone.hears(&event(offset, offset - 1)));
    assert_eq!(delivered(&mut alone), 3);
    // A hub that leaves the same hole again is left.
    alone.hears(&event(20, 18));
    alone.hears(&subscribed(5, 20, true, 1));
    alone.hears(&event(20, 18));
    let outputs = alone.outputs();
    let closed = |output: &SpokeOutput| matches!(output, SpokeOutput::Close(CloseCode::InsufficientState));
    assert!(outputs.iter().any(closed), "{outputs:?}");
}

#[test]
fn a_gap_without_a_place_is_taken_as_it_is() {
    let mut alone = Alone::connected();
    alone.spoke.subscribe(&address("a"), 1);
    alone.hears(
        r#"{"type":"__subscribed","id":"1","payload":{"topic":"a","epoch":"e","offset":7,"recovered":false,"replay":0}}"#,
    );
    alone.hears(r#"{"type":"__gap","id":"","payload":{"topic":"a","reason":"overflow","missed":2}}"#);
    alone.hears(r#"{"type":"a","id":"1","offset":10,"after":9,"epoch":"e","payload":1}"#);
    let outputs = alone.outputs();
    let gap = outputs.iter().position(|output| {
        matches!(output, SpokeOutput::Gap { reason: GapReason::Overflow, missed: Some(2), .. })
    });
    let event = outputs.iter().position(|output| matches!(output, SpokeOutput::Deliver { .. }));
    assert!(gap.is_some() && gap < event, "{outputs:?}");
}

#[test]
fn a_subscription_that_is_refused_ends_and_others_live() {
    let mut alone = Alone::connected();
    alone.spoke.subscribe(&address("a"), 1);
    alone.spoke.subscribe(&address("b"), 1);
    alone.outputs();
    alone.hears(
        r#"{"type":"__error","id":"1","payload":{"code":"denied","message":"no","retryable":false,"topic":"a"}}"#,
    );
    let outputs = alone.outputs();
    let [SpokeOutput::Refused { address: refused, rejection, .. }] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!((refused, rejection.code()), (&address("a"), &ErrorCode::Denied));
    alone.spoke.lost(alone.now, CloseCode::Abnormal);
    alone.wait(Duration::from_secs(1));
    alone.spoke.opened(alone.now);
    let sent = alone.sent();
    assert!(sent[1].contains(r#""topic":"b""#) && !sent[1].contains(r#""topic":"a""#), "{sent:?}");
    // And one that is withdrawn.
    alone.hears(
        r#"{"type":"__unsubscribed","id":"","payload":{"topic":"b","code":"denied","reason":"withdrawn"}}"#,
    );
    assert!(matches!(alone.outputs()[..], [SpokeOutput::Refused { .. }]));
}

#[test]
fn what_is_published_has_bounds() {
    let config = SpokeConfig { pending_events: 2, pending_bytes: 1000, ..Default::default() };
    let mut alone = Alone::new(config);
    assert_eq!([alone.publish(1, "1"), alone.publish(2, "2")], [Ok(()), Ok(())]);
    assert_eq!(alone.publish(3, "3"), Err(SendError::Full));
    alone.wait(Duration::from_secs(60));
    let not_sent = |number| (EventId::from_u128(number), Err(SendError::NotSent));
    assert_eq!(alone.outcomes(), [not_sent(1), not_sent(2)]);
    assert_eq!(alone.publish(3, &"3".repeat(2000)), Err(SendError::Full), "by bytes");
    let Err(SendError::Rejected(rejection)) = alone.publish(4, &"4".repeat(70_000)) else {
        panic!("too large")
    };
    assert_eq!(*rejection.code(), ErrorCode::TooLarge);

    // What was written and not answered may have been accepted.
    let mut alone = Alone::connected();
    alone.publish(1, "1").unwrap();
    alone.wait(Duration::from_secs(60));
    assert_eq!(alone.outcomes(), [(EventId::from_u128(1), Err(SendError::Ambiguous))]);
}

#[test]
fn what_the_hub_refuses_is_told() {
    let mut alone = Alone::connected();
    alone.publish(1, "1").unwrap();
    let id = EventId::from_u128(1);
    alone.hears(&format!(
        r#"{{"type":"__error","id":"{id}","payload":{{"code":"rate_limited","message":"slow down","retryable":true,"retryAfterMs":250}}}}"#
    ));
    let outcomes = alone.outcomes();
    let (_, Err(error)) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(error.is_retryable());
    assert_eq!(error.retry_after(), Some(Duration::from_millis(250)));
}

#[test]
fn a_hub_with_smaller_messages_is_not_sent_larger_ones() {
    let mut alone = Alone::new(SpokeConfig::default());
    alone.publish(1, &"1".repeat(500)).unwrap();
    alone.spoke.opened(alone.now);
    alone.hears(&CONNECTED.replace("65536", "300"));
    assert!(matches!(alone.publish(2, &"2".repeat(500)), Err(SendError::Rejected(_))));
    let outcomes = alone.outcomes();
    assert!(matches!(&outcomes[..], [(_, Err(SendError::Rejected(_)))]), "{outcomes:?}");
}

#[test]
fn closing_ends_everything() {
    let mut alone = Alone::connected();
    alone.publish(1, "1").unwrap();
    alone.outputs();
    alone.spoke.close();
    alone.spoke.close();
    let outputs = alone.outputs();
    assert!(matches!(
        outputs[..],
        [
            SpokeOutput::Close(CloseCode::Normal),
            SpokeOutput::Published { result: Err(SendError::Ambiguous), .. },
            SpokeOutput::State(SpokeState::Stopped(CloseCode::Normal)),
        ]
    ));
}

#[test]
fn nothing_prints_a_payload() {
    let mut alone = Alone::connected();
    alone.publish(1, r#""secret""#).unwrap();
    let outputs = alone.outputs();
    assert!(outputs.iter().any(|output| matches!(output, SpokeOutput::Send(_))));
    assert!(!format!("{outputs:?}").contains("secret"));
    assert!(!format!("{:?}", alone.spoke).contains("secret"));
}

#[test]
fn an_event_can_be_taken_back_until_it_is_written() {
    let mut alone = Alone::new(SpokeConfig::default());
    alone.publish(1, "1").unwrap();
    alone.publish(2, "2").unwrap();
    assert!(alone.spoke.withdraw(EventId::from_u128(1)));
    assert!(!alone.spoke.withdraw(EventId::from_u128(1)));
    alone.connect();
    assert!(!alone.spoke.withdraw(EventId::from_u128(2)));
    assert_eq!(alone.spoke.in_flight(), 1);
    let sent = alone.sent();
    assert!(sent.last().unwrap().ends_with(r#""payload":2}"#), "{sent:?}");
}

#[test]
fn many_addresses_are_asked_for_in_several_messages() {
    let mut alone = Alone::new(SpokeConfig::default());
    let long = "x".repeat(240);
    for number in 0..1000 {
        alone.spoke.subscribe(&address(&format!("a:{long}{number}")), 1);
    }
    alone.spoke.opened(alone.now);
    let sent = alone.sent();
    assert!(sent.iter().all(|message| message.len() < 65_536));
    let asked: usize = sent.iter().map(|message| message.matches(r#"{"topic":"#).count()).sum();
    assert_eq!(asked, 1000);
}

fn refused(id: u64, code: &str, retryable: bool) -> String {
    format!(
        r#"{{"type":"__error","id":"{id}","payload":{{"code":"{code}","message":"no","retryable":{retryable},"retryAfterMs":300,"topic":"a:1"}}}}"#
    )
}

/// A hub that cannot say yes just now costs nobody the subscription that they have.
#[test]
fn what_is_refused_for_now_is_asked_for_again() {
    let mut alone = Alone::connected();
    alone.spoke.subscribe(&address("a:1"), 1);
    alone.hears(r#"{"type":"__subscribed","id":"1","payload":{"topic":"a:1","epoch":"e","offset":7,"recovered":false,"replay":0}}"#);
    alone.spoke.lost(alone.now, CloseCode::Restart);
    alone.wait(Duration::from_secs(30));
    alone.outputs();
    alone.connect();
    let since = r#""since":{"epoch":"e","offset":7}"#;
    assert!(alone.sent()[1].contains(since));
    alone.hears(&refused(2, "internal", true));
    assert!(alone.outputs().is_empty(), "the bus is told nothing");
    alone.wait(Duration::from_millis(299));
    assert!(alone.sent().is_empty());
    alone.wait(Duration::from_millis(1));
    let sent = alone.sent();
    assert!(sent.len() == 1 && sent[0].contains(since), "{sent:?}");
    alone.hears(&refused(3, "denied", false));
    assert!(alone.outputs().iter().any(|output| matches!(output, SpokeOutput::Refused { .. })));
    // Who asks for the first time is told.
    alone.spoke.subscribe(&address("a:1"), 2);
    alone.hears(&refused(4, "rate_limited", true));
    assert!(alone.outputs().iter().any(|output| matches!(output, SpokeOutput::Refused { .. })));
}

#[test]
fn a_token_is_renewed_before_its_end() {
    let config = SpokeConfig { ping_every: Duration::from_secs(3600), ..SpokeConfig::default() };
    for (lifetime, asked_at) in [(600_000, 540_000), (100_000, 75_000), (4, 3)] {
        let mut alone = Alone::new(config.clone());
        alone.spoke.prove(Some(Token("first".to_owned())));
        let connected =
            CONNECTED.replace(r#""epoch":"m""#, &format!(r#""epoch":"m","expiresMs":{lifetime}"#));
        alone.spoke.opened(alone.now);
        alone.hears(&connected);
        let sent = alone.sent();
        assert!(sent.len() == 1 && sent[0].contains("first"));
        let is_asked =
            |alone: &mut Alone| alone.outputs().iter().any(|it| matches!(it, SpokeOutput::Refresh));
        assert_eq!(alone.spoke.next_timer(), Some(Duration::from_millis(asked_at)));
        alone.wait(Duration::from_millis(asked_at - 1));
        assert!(!is_asked(&mut alone));
        alone.wait(Duration::from_millis(1));
        assert!(is_asked(&mut alone));
        alone.spoke.prove(Some(Token("second".to_owned())));
        let sent = alone.sent();
        assert!(sent.len() == 1 && sent[0].contains("__connect") && sent[0].contains("second"));
        // The hub believes it, for as long again.
        alone.hears(&connected);
        alone.wait(Duration::from_millis(asked_at));
        assert!(is_asked(&mut alone));
    }
}

#[test]
fn each_refusal_of_a_connection_has_its_end() {
    for (code, retryable, stops) in [
        ("unauthenticated", false, Some(CloseCode::Unauthenticated)),
        ("denied", false, Some(CloseCode::Denied)),
        ("limit", false, Some(CloseCode::ConnectionLimit)),
        ("internal", true, None),
        ("rate_limited", true, None),
    ] {
        let mut alone = Alone::new(SpokeConfig::default());
        alone.spoke.opened(alone.now);
        alone.hears(&refused(0, code, retryable));
        let states: Vec<_> = alone
            .outputs()
            .into_iter()
            .filter_map(|output| match output {
                SpokeOutput::State(state) => Some(state),
                _ => None,
            })
            .collect();
        match (states.last(), stops) {
            (Some(SpokeState::Stopped(code)), Some(expected)) => assert_eq!(*code, expected),
            (Some(SpokeState::Waiting { delay, .. }), None) => assert_eq!(*delay, Duration::from_millis(300)),
            other => panic!("{other:?}"),
        }
    }
}
