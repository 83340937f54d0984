//! One promise, one test.

use super::*;
use crate::pipe::FrameReader;

fn message(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn outbox(bound: usize) -> Outbox {
    let outbox = Outbox::new(bound);
    outbox.grant(100);
    outbox
}

fn written(pipe: &[u8]) -> Vec<Bytes> {
    let mut reader = FrameReader::new(pipe, 1 << 20);
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

/// How long the end may take in these tests, where nobody answers.
const PATIENCE: Duration = Duration::from_millis(1);

fn write(outbox: &Outbox) -> Vec<Bytes> {
    let mut pipe = Vec::new();
    outbox.write_to(&mut pipe, None).unwrap();
    written(&pipe)
}

fn answer(sending: Sending) -> Result<(), SendError> {
    futures::executor::block_on(sending)
}

#[test]
fn what_was_taken_is_written_and_answered_in_order() {
    let outbox = outbox(4);
    let mut sendings = Vec::new();
    for text in ["one", "two", "three"] {
        sendings.push(outbox.send(message(text), Patience::Wait));
    }
    assert!(matches!(outbox.send(message("four"), Patience::Now), Sending::Done(Err(SendError::Full))));
    assert_eq!(outbox.in_flight(), 3);
    outbox.finish(message("last"), PATIENCE);
    assert!(matches!(outbox.send(message("late"), Patience::Wait), Sending::Done(Err(SendError::Closed))));
    assert_eq!(write(&outbox), ["one", "two", "three", "last"]);
    assert_eq!(outbox.in_flight(), 3);
    for sending in sendings {
        outbox.answer(Ok(()));
        assert_eq!(answer(sending), Ok(()));
    }
    assert_eq!((outbox.in_flight(), outbox.end()), (0, 0));
}

#[test]
fn what_was_cancelled_before_it_was_written_is_not() {
    let outbox = outbox(4);
    let kept = outbox.send(message("kept"), Patience::Wait);
    drop(outbox.send(message("dropped in the line"), Patience::Wait));
    outbox.finish(message("last"), PATIENCE);
    assert_eq!(write(&outbox), ["kept", "last"]);
    outbox.answer(Ok(()));
    assert_eq!(answer(kept), Ok(()));
}

#[test]
fn an_event_waits_for_room_on_the_other_side_and_control_passes_it() {
    let outbox = Outbox::new(100);
    outbox.grant(2);
    outbox.push(message("control 1"));
    for text in ["one", "two", "three"] {
        outbox.deliver(message(text));
    }
    outbox.push(message("control 2"));
    outbox.deliver_last(message("end"));
    outbox.finish(message("last"), PATIENCE);
    assert_eq!(write(&outbox), ["control 1", "one", "two", "control 2"], "in order, as far as there is room");
    outbox.push(message("control 3"));
    outbox.grant(1);
    assert_eq!(write(&outbox), ["three", "end", "last", "control 3"]);
}

#[test]
fn an_answer_makes_room_for_another() {
    let outbox = Outbox::new(100);
    outbox.grant(1);
    let first = outbox.send(message("one"), Patience::Wait);
    let second = outbox.send(message("two"), Patience::Wait);
    outbox.finish(message("last"), PATIENCE);
    assert_eq!(write(&outbox), ["one"]);
    outbox.answer(Ok(()));
    // One that was not asked for makes none.
    outbox.answer(Ok(()));
    assert_eq!(write(&outbox), ["two", "last"]);
    assert_eq!(outbox.end(), 1, "the second was not answered");
    assert_eq!((answer(first), answer(second)), (Ok(()), Err(SendError::Ambiguous)));
}

#[test]
fn each_lane_has_its_bound() {
    let outbox = Outbox::new(4);
    let waker = Waker::noop();
    outbox.deliver(message("1234"));
    assert!(outbox.poll_room(waker).is_pending() && outbox.poll_control(waker).is_ready());
    outbox.push(message("1234"));
    assert!(outbox.poll_control(waker).is_pending());
    assert_eq!(outbox.lock().wakers.len(), 1, "who asks twice waits once");
    outbox.end();
    assert!(outbox.poll_room(waker).is_ready() && outbox.poll_control(waker).is_ready());
    outbox.until_control();
    assert_eq!(outbox.end(), 1, "what controls is no event");
}

#[test]
fn the_end_waits_for_answers_and_the_other_sides_last_word() {
    let outbox = std::sync::Arc::new(outbox(4));
    let sending = outbox.send(message("one"), Patience::Wait);
    outbox.finish(message("last"), Duration::from_secs(60));
    let (read, write) = io::pipe().unwrap();
    let writer = std::sync::Arc::clone(&outbox);
    let thread = std::thread::spawn(move || writer.write_to(write, None));
    let mut reader = FrameReader::new(read, 10);
    assert_eq!(reader.next().unwrap().unwrap(), "one");
    assert_eq!(reader.next().unwrap().unwrap(), "last");
    outbox.push(message("room"));
    assert_eq!(reader.next().unwrap().unwrap(), "room", "what it says now may be waited for");
    outbox.answer(Ok(()));
    outbox.release();
    thread.join().unwrap().unwrap();
    assert_eq!(answer(sending), Ok(()));
}

#[test]
fn a_broken_pipe_tells_what_may_have_been_written() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let outbox = outbox(4);
    let (first, second) =
        (outbox.send(message("12345"), Patience::Wait), outbox.send(message("second"), Patience::Wait));
    outbox.push(message("no event"));
    assert!(outbox.write_to(Broken, None).is_err());
    assert_eq!(answer(first), Err(SendError::Ambiguous));
    assert_eq!(answer(second), Err(SendError::NotSent), "there was no room for it before");
    assert_eq!(outbox.end(), 2);
    assert!(outbox.poll_room(Waker::noop()).is_ready(), "nobody waits for a pipe that is no more");
}

#[test]
fn silence_is_broken_by_a_sign_of_life() {
    let outbox = std::sync::Arc::new(outbox(4));
    let (read, write) = io::pipe().unwrap();
    let writer = std::sync::Arc::clone(&outbox);
    let idle = (Duration::from_millis(1), message("alive"));
    let thread = std::thread::spawn(move || writer.write_to(write, Some(idle)));
    let mut reader = FrameReader::new(read, 10);
    for _ in 0..3 {
        assert_eq!(reader.next().unwrap().unwrap(), "alive");
    }
    outbox.end();
    thread.join().unwrap().unwrap();
}

/// A pipe that nobody reads holds 64 KiB, and then whoever writes to it.
#[test]
fn a_pipe_that_takes_nothing_is_seen() {
    let outbox = std::sync::Arc::new(Outbox::new(1));
    assert_eq!(outbox.blocked_for(), Duration::ZERO);
    outbox.push(vec![0; 1 << 20].into());
    let (read, write) = io::pipe().unwrap();
    let writer = std::sync::Arc::clone(&outbox);
    let thread = std::thread::spawn(move || writer.write_to(write, None));
    while outbox.blocked_for() < Duration::from_millis(20) {
        std::thread::yield_now();
    }
    drop(read);
    assert!(thread.join().unwrap().is_err());
    assert_eq!(outbox.blocked_for(), Duration::ZERO);
}
