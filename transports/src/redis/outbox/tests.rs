use tokio::time::advance;

use super::*;

const COMMAND: &[u8] = b"0123456789";

fn outbox(limits: Limits) -> Outbox {
    Outbox::new(limits, false)
}

fn offer(outbox: &Outbox, command: &[u8], patience: Patience) -> Sending {
    outbox.offer(command, Header::new("a", "1"), patience)
}

/// Whether one more is taken.
fn takes(outbox: &Outbox, command: &[u8]) -> bool {
    !matches!(offer(outbox, command, Patience::Now), Sending::Done(Err(SendError::Full)))
}

#[test]
fn there_are_as_many_frames_as_are_allowed_and_no_more() {
    for (frames, bytes, fit) in [(3, 1000, 3), (1, 1000, 1), (1000, 30, 3), (1000, 29, 2)] {
        let outbox = outbox(Limits { outbound_frames: frames, outbound_bytes: bytes, ..Limits::default() });
        assert!((0..fit).all(|_| takes(&outbox, COMMAND)), "{frames} frames, {bytes} bytes");
        assert!(!takes(&outbox, COMMAND), "{frames} frames, {bytes} bytes");
        let _waits = offer(&outbox, COMMAND, Patience::Wait);
        outbox.answered(1, COMMAND.len());
        assert!(!takes(&outbox, COMMAND), "the room is of who waits in line");
        outbox.answered(1, COMMAND.len());
        assert!(takes(&outbox, COMMAND) && !takes(&outbox, COMMAND));
    }
    assert_eq!(Limits::default().outbound_frames, 65_536);
    assert_eq!(Limits::default().outbound_bytes, 16 << 20);
}

#[test]
fn a_frame_larger_than_the_bound_goes_alone() {
    let outbox = outbox(Limits { outbound_bytes: COMMAND.len() - 1, ..Limits::default() });
    assert!(takes(&outbox, COMMAND) && !takes(&outbox, b"1"));
    outbox.answered(1, COMMAND.len());
    assert!(takes(&outbox, b"1") && !takes(&outbox, COMMAND), "not beside another");
}

#[tokio::test(start_paused = true)]
async fn a_frame_waits_for_a_connection_until_its_time_is_over() {
    let limits = Limits { outbound_frames: 1, ..Limits::default() };
    let time = limits.publish_timeout;
    let outbox = outbox(limits);
    outbox.connected(false, &[], Vec::new());
    let _sendings = [(); 2].map(|()| offer(&outbox, COMMAND, Patience::Wait));
    let moment = Duration::from_millis(1);
    advance(time - moment).await;
    assert!(outbox.expired(Instant::now()).0.is_empty());
    advance(moment).await;
    assert_eq!(outbox.expired(Instant::now()).0.len(), 2, "that which was taken, and that in line");
    assert_eq!((outbox.in_flight(), time), (0, Duration::from_secs(5)));
}
