//! Each bound of a spoke: what is at it, and one more.

use std::time::Duration;

use pubsub_transports::SendError;
use pubsub_transports::websocket::{CloseCode, SpokeConfig, SpokeOutput, SpokeState};

use crate::alone::{Alone, CONNECTED, address};

const MOMENT: Duration = Duration::from_millis(1);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One of these bounds that has a connection.
fn connected(config: SpokeConfig) -> Alone {
    let mut alone = Alone::new(config);
    alone.connect();
    alone.outputs();
    alone
}

/// A refusal for now, of `a` and for as long as this.
fn refused(retry_after: Option<u64>) -> String {
    let retry_after = retry_after.map(|ms| format!(r#","retryAfterMs":{ms}"#)).unwrap_or_default();
    format!(
        r#"{{"type":"__error","id":"2","payload":{{"code":"internal","message":"","retryable":true{retry_after},"topic":"a"}}}}"#
    )
}

/// After how long what was followed before and is refused for now is asked for again.
fn asked_again(config: SpokeConfig, retry_after: Option<u64>) -> Duration {
    let mut alone = connected(config);
    alone.spoke.subscribe(&address("a"), 1);
    alone.hears(r#"{"type":"__subscribed","id":"1","payload":{"topic":"a","epoch":"e","offset":7,"recovered":false,"replay":0}}"#);
    alone.spoke.lost(alone.now, CloseCode::Abnormal);
    alone.wait(seconds(1));
    alone.connect();
    alone.hears(&refused(retry_after));
    alone.outputs();
    let due = alone.spoke.next_timer().expect("it asks again") - alone.now;
    alone.wait(due - MOMENT);
    assert!(alone.sent().is_empty(), "it is too early");
    alone.wait(MOMENT);
    assert!(alone.sent()[0].contains("__subscribe"));
    due
}

#[test]
fn retry_after_max() {
    let config = || SpokeConfig { retry_after_max: seconds(7), ..Default::default() };
    for (asked, waited) in [(6_999, 6_999), (7_000, 7_000), (7_001, 7_000), (u64::MAX, 7_000)] {
        let waited = Duration::from_millis(waited);
        let mut alone = connected(config());
        alone.hears(&format!(
            r#"{{"type":"__disconnect","id":"","payload":{{"code":4000,"reason":"r","retry":true,"retryAfterMs":{asked}}}}}"#
        ));
        alone.spoke.lost(alone.now, CloseCode::Shutdown);
        let waiting = SpokeState::Waiting { code: CloseCode::Shutdown, delay: waited };
        assert_eq!(alone.last_state(), Some(waiting), "{asked}");
        assert_eq!(asked_again(config(), Some(asked)), waited, "{asked}");
    }
    assert_eq!(SpokeConfig::default().retry_after_max, seconds(300));
}

#[test]
fn resubscribe_after() {
    assert_eq!(asked_again(SpokeConfig::default(), None), seconds(1));
    let config = SpokeConfig { resubscribe_after: seconds(3), ..Default::default() };
    assert_eq!(asked_again(config.clone(), None), seconds(3));
    assert_eq!(asked_again(config, Some(500)), Duration::from_millis(500), "the hub knows better");
}

#[test]
fn connect_timeout() {
    for opened in [false, true] {
        let mut alone = Alone::new(SpokeConfig::default());
        if opened {
            alone.spoke.opened(alone.now);
        }
        alone.outputs();
        alone.wait(seconds(10) - MOMENT);
        assert!(alone.outputs().is_empty());
        alone.wait(MOMENT);
        assert!(matches!(alone.outputs()[0], SpokeOutput::Close(CloseCode::Abnormal)), "{opened}");
    }
}

#[test]
fn ping_every_and_pong_timeout() {
    let mut alone = Alone::connected();
    alone.wait(seconds(25) - MOMENT);
    assert!(alone.outputs().is_empty());
    alone.wait(MOMENT);
    assert!(matches!(alone.outputs()[..], [SpokeOutput::Ping]));
    alone.wait(seconds(10) - MOMENT);
    assert!(alone.outputs().is_empty());
    alone.wait(MOMENT);
    assert!(matches!(alone.outputs()[0], SpokeOutput::Close(CloseCode::NoPong)));
}

#[test]
fn pending_events() {
    let mut alone = Alone::new(SpokeConfig::default());
    assert!((0..1024).all(|number| alone.publish(number, "1").is_ok()));
    assert_eq!(alone.publish(1024, "1"), Err(SendError::Full));
}

#[test]
fn pending_bytes() {
    let sized = |bytes| Alone::new(SpokeConfig { pending_bytes: bytes, ..Default::default() });
    let message = {
        let mut alone = connected(SpokeConfig::default());
        alone.publish(1, "1").unwrap();
        alone.sent()[0].len()
    };
    for (bytes, second) in [(2 * message, Ok(())), (2 * message - 1, Err(SendError::Full))] {
        let mut alone = sized(bytes);
        assert_eq!((alone.publish(1, "1"), alone.publish(2, "2")), (Ok(()), second), "{bytes}");
        assert_eq!(alone.publish(3, "3"), Err(SendError::Full), "{bytes}");
    }
    assert_eq!(SpokeConfig::default().pending_bytes, 1 << 20);
}

#[test]
fn publish_timeout() {
    let mut alone = Alone::new(SpokeConfig::default());
    alone.publish(1, "1").unwrap();
    alone.wait(seconds(60) - MOMENT);
    assert!(alone.outcomes().is_empty());
    alone.wait(MOMENT);
    assert!(matches!(alone.outcomes()[..], [(_, Err(SendError::NotSent))]));
}

/// Of what the hub takes, as it says when it greets.
#[test]
fn max_frame() {
    let published = |frame: usize| {
        let mut alone = Alone::new(SpokeConfig::default());
        alone.spoke.opened(alone.now);
        alone.hears(&CONNECTED.replace("65536", &frame.to_string()));
        alone.outputs();
        let result = alone.publish(1, "1");
        (result, alone.sent().pop().map_or(0, |message| message.len()))
    };
    let (taken, message) = published(65_536);
    assert_eq!(taken, Ok(()));
    assert_eq!(published(message), (Ok(()), message));
    assert!(matches!(published(message - 1), (Err(SendError::Rejected(_)), 0)));
}
