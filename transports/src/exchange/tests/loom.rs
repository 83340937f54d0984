//! The exchange between threads, under the model checker: `tests/loom-exchange` runs this. A wake that is lost shows as a
//! deadlock, in the one interleaving of many in which it is; two pumps of one member as an event without room, or out of
//! order.

use std::sync::Arc;

use loom::future::block_on;
use loom::thread;

use super::support::{Desk, address, frame};
use crate::exchange::{Exchange, Member};
use crate::{Link, Patience, SendError};

/// Threads may be interrupted this often at places where they would not have to wait.
const PREEMPTIONS: usize = 2;

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(model);
}

/// A member that follows `a`, with room for one frame in its inbox and one on its desk.
fn reader(exchange: &Exchange) -> (Member, Arc<Desk>) {
    let desk = Desk::new(1);
    let member = exchange.join(1, Arc::clone(&desk) as _);
    member.subscribe(0, vec![address("a")]);
    (member, desk)
}

fn publish(member: &Member, number: u64) -> Result<(), SendError> {
    block_on(member.publish(frame("a", "", number), Patience::Wait))
}

/// A member that follows nothing.
fn publisher(exchange: &Exchange) -> Member {
    exchange.join(1, Desk::new(1))
}

#[test]
fn two_publishers_and_a_slow_reader_lose_nothing_and_keep_their_order() {
    check(|| {
        let exchange = Exchange::new();
        let (_member, desk) = reader(&exchange);
        let (one, two) = (publisher(&exchange), publisher(&exchange));
        let other = thread::spawn(move || {
            publish(&two, 11).unwrap();
            publish(&two, 12).unwrap();
        });
        let first = thread::spawn(move || {
            publish(&one, 1).unwrap();
            publish(&one, 2).unwrap();
        });
        let got: Vec<u64> = (0..4).map(|_| block_on(desk.next()).unwrap()).collect();
        other.join().unwrap();
        first.join().unwrap();
        let of = |range: std::ops::Range<u64>| {
            got.iter().copied().filter(|number| range.contains(number)).collect::<Vec<_>>()
        };
        assert_eq!((of(0..10), of(10..20)), (vec![1, 2], vec![11, 12]));
        assert_eq!(exchange.entries().2, 0);
    });
}

#[test]
fn a_publish_that_is_cancelled_while_room_is_made_holds_up_nobody() {
    check(|| {
        let exchange = Exchange::new();
        let (_member, desk) = reader(&exchange);
        let one = publisher(&exchange);
        (1..=2).for_each(|number| publish(&one, number).unwrap());
        let waiting = one.publish(frame("a", "", 3), Patience::Wait);
        let behind = one.publish(frame("a", "", 4), Patience::Wait);
        let cancel = thread::spawn(move || drop(waiting));
        let mut got = vec![block_on(desk.next()).unwrap(), block_on(desk.next()).unwrap()];
        cancel.join().unwrap();
        block_on(behind).unwrap();
        while got.last() != Some(&4) {
            got.push(block_on(desk.next()).unwrap());
        }
        assert!(got == [1, 2, 4] || got == [1, 2, 3, 4], "{got:?}");
        assert_eq!(exchange.entries().2, 0);
    });
}

#[test]
fn what_was_accepted_arrives_before_the_end() {
    check(|| {
        let exchange = Exchange::new();
        let (member, desk) = reader(&exchange);
        let one = publisher(&exchange);
        let publisher = thread::spawn(move || {
            (1..=3).for_each(|number| publish(&one, number).unwrap());
        });
        let closer = thread::spawn(move || assert_eq!(block_on(member.close()), Some(0)));
        let mut got = Vec::new();
        while let Some(number) = block_on(desk.next()) {
            got.push(number);
        }
        publisher.join().unwrap();
        closer.join().unwrap();
        assert_eq!(got, (1..=got.len() as u64).collect::<Vec<_>>());
    });
}

#[test]
fn two_members_see_the_events_of_two_publishers_in_one_order() {
    check(|| {
        let exchange = Exchange::new();
        let (_one, one_desk) = reader(&exchange);
        let (_two, two_desk) = reader(&exchange);
        let (left, right) = (publisher(&exchange), publisher(&exchange));
        let left = thread::spawn(move || publish(&left, 1).unwrap());
        let right = thread::spawn(move || publish(&right, 2).unwrap());
        left.join().unwrap();
        right.join().unwrap();
        let read = |desk: &Desk| [block_on(desk.next()), block_on(desk.next())];
        assert_eq!(read(&one_desk), read(&two_desk));
    });
}

/// A `.now()` of who has just read is never refused.
#[test]
fn there_is_room_for_whoever_read_the_event_that_took_it() {
    check(|| {
        let exchange = Exchange::new();
        let (member, desk) = reader(&exchange);
        let one = publisher(&exchange);
        let publisher = thread::spawn(move || publish(&one, 1).unwrap());
        assert_eq!(block_on(desk.next()), Some(1));
        let answer = block_on(member.publish(frame("a", "", 2), Patience::Now));
        publisher.join().unwrap();
        assert_eq!(answer, Ok(()));
        assert_eq!(block_on(desk.next()), Some(2));
    });
}

/// The inlet tells of room only when somebody waits for it, and then of each place.
#[test]
fn who_comes_to_wait_while_room_is_made_finds_it_or_is_told() {
    check(|| {
        let exchange = Exchange::new();
        let (member, desk) = reader(&exchange);
        let one = publisher(&exchange);
        (1..=2).for_each(|number| publish(&one, number).unwrap());
        let publisher = thread::spawn(move || publish(&one, 3).unwrap());
        assert_eq!(desk.read_and_tell(|| member.is_waited_for()), Some(1));
        publisher.join().unwrap();
        assert_eq!(desk.read(), Some(2));
        assert_eq!(desk.read(), Some(3));
    });
}
