//! One promise, one test.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures::FutureExt;
use futures::executor::block_on;

use super::support::{Desk, address, frame};
use crate::exchange::{Exchange, Member};
use crate::{Closing, Link, Patience, SendError, Sending};

fn member(exchange: &Exchange, bound: usize, room: usize) -> (Member, Arc<Desk>) {
    let desk = Desk::new(room);
    (exchange.join(bound, Arc::clone(&desk) as _), desk)
}

fn follow(member: &Member, addresses: &[&str]) {
    member.subscribe(0, addresses.iter().map(|text| address(text)).collect());
}

fn now(member: &Member, id: &str, number: u64) -> Result<(), SendError> {
    block_on(member.publish(frame("a", id, number), Patience::Now))
}

fn wait(member: &Member, id: &str, number: u64) -> Sending {
    member.publish(frame("a", id, number), Patience::Wait)
}

fn answer(sending: &mut Sending) -> Option<Result<(), SendError>> {
    sending.now_or_never()
}

#[test]
fn an_event_comes_once_however_many_addresses_match_and_to_the_publisher_too() {
    let exchange = Exchange::new();
    let (one, one_desk) = member(&exchange, 4, 4);
    let (two, two_desk) = member(&exchange, 4, 4);
    follow(&one, &["a", "a:x", "a:y"]);
    follow(&two, &["a:x", "b"]);
    assert_eq!(one_desk.subscribed(), [0]);
    now(&one, "x", 1).unwrap();
    now(&two, "y", 2).unwrap();
    now(&two, "z", 3).unwrap();
    assert_eq!(one_desk.read_all(), [1, 2, 3]);
    assert_eq!(two_desk.read_all(), [1]);
}

#[test]
fn all_inboxes_accept_or_none() {
    let exchange = Exchange::new();
    let (one, one_desk) = member(&exchange, 1, 1);
    let (two, two_desk) = member(&exchange, 8, 8);
    follow(&one, &["a"]);
    follow(&two, &["a"]);
    now(&one, "", 1).unwrap();
    now(&one, "", 2).unwrap();
    assert_eq!(now(&one, "", 3), Err(SendError::Full));
    assert_eq!(two_desk.read_all(), [1, 2]);
    assert_eq!(exchange.depth(one.id()), 1);
    assert_eq!(one_desk.read_all(), [1, 2]);
}

#[test]
fn nobody_overtakes_one_that_waits_for_a_member_which_both_match() {
    let exchange = Exchange::new();
    let (full, full_desk) = member(&exchange, 1, 1);
    let (idle, idle_desk) = member(&exchange, 8, 8);
    follow(&full, &["a:x"]);
    follow(&idle, &["a"]);
    now(&idle, "x", 1).unwrap();
    now(&idle, "x", 2).unwrap();
    let mut first = wait(&idle, "x", 3);
    let mut second = wait(&full, "y", 4);
    assert_eq!((answer(&mut first), answer(&mut second)), (None, None));
    assert_eq!(now(&full, "y", 5), Err(SendError::Full), "it would overtake");
    assert_eq!(idle_desk.read_all(), [1, 2]);
    assert_eq!(full_desk.read(), Some(1));
    assert_eq!((answer(&mut first), answer(&mut second)), (Some(Ok(())), Some(Ok(()))));
    assert_eq!(idle_desk.read_all(), [3, 4]);
    assert_eq!(full_desk.read_all(), [2, 3]);
}

#[test]
fn a_publish_that_is_dropped_gives_up_its_turn_to_those_behind_it() {
    let exchange = Exchange::new();
    let (full, full_desk) = member(&exchange, 1, 1);
    let (idle, idle_desk) = member(&exchange, 8, 8);
    follow(&full, &["a:x"]);
    follow(&idle, &["a"]);
    now(&idle, "x", 1).unwrap();
    now(&idle, "x", 2).unwrap();
    let first = wait(&idle, "x", 3);
    let mut second = wait(&full, "y", 4);
    drop(first);
    assert_eq!(answer(&mut second), Some(Ok(())));
    assert_eq!(exchange.entries().2, 0);
    assert_eq!(idle_desk.read_all(), [1, 2, 4]);
    assert_eq!(full_desk.read_all(), [1, 2]);
}

#[test]
fn a_publish_that_waits_is_freed_when_who_was_full_leaves() {
    let exchange = Exchange::new();
    let (full, _desk) = member(&exchange, 1, 1);
    let (other, other_desk) = member(&exchange, 8, 8);
    follow(&full, &["a"]);
    follow(&other, &["a"]);
    (1..=2).for_each(|number| now(&other, "", number).unwrap());
    let mut waiting = wait(&other, "", 3);
    assert_eq!(answer(&mut waiting), None);
    assert_eq!(exchange.expel(full.id()), 1);
    assert_eq!(answer(&mut waiting), Some(Ok(())));
    assert_eq!(other_desk.read_all(), [1, 2, 3]);
    assert_eq!(now(&full, "", 4), Err(SendError::Closed));
    assert_eq!(exchange.entries(), (1, 1, 0));
}

#[test]
fn closing_gives_the_inlet_what_was_accepted_before_it_is_over() {
    let exchange = Exchange::new();
    let (one, desk) = member(&exchange, 4, 1);
    let (other, _other_desk) = member(&exchange, 4, 1);
    follow(&one, &["a"]);
    (1..=3).for_each(|number| now(&other, "", number).unwrap());
    let mut closing = one.close();
    assert_eq!(one.in_flight(), 2);
    assert!((&mut closing).now_or_never().is_none());
    now(&other, "", 4).unwrap(); // to nobody
    assert_eq!(now(&one, "", 5), Err(SendError::Closed));
    assert_eq!(desk.read(), Some(1));
    assert_eq!(desk.read(), Some(2));
    assert!(!desk.is_closed(), "what it has last may still have to find room");
    assert_eq!(desk.read(), Some(3));
    assert!(desk.is_closed());
    assert_eq!((&mut closing).now_or_never(), Some(Some(0)));
    assert!(matches!(one.close(), Closing::Done(0)));
    assert_eq!(exchange.entries(), (1, 0, 0));
    drop((one, other));
    assert_eq!(exchange.entries(), (0, 0, 0));
}

#[test]
fn a_member_that_is_expelled_says_what_it_gave_up() {
    let exchange = Exchange::new();
    let (one, _desk) = member(&exchange, 4, 1);
    follow(&one, &["a"]);
    (1..=3).for_each(|number| now(&one, "", number).unwrap());
    let closing = one.close();
    assert_eq!(exchange.expel(one.id()), 2);
    assert_eq!(block_on(closing), Some(2));
}

#[test]
fn a_member_whose_intake_ended_can_publish_and_a_muted_one_still_gets() {
    let exchange = Exchange::new();
    let (ended, ended_desk) = member(&exchange, 4, 4);
    let (muted, muted_desk) = member(&exchange, 4, 4);
    follow(&ended, &["a"]);
    follow(&muted, &["a"]);
    exchange.end_intake(ended.id());
    exchange.mute(muted.id());
    assert!(ended_desk.is_closed());
    now(&ended, "", 1).unwrap();
    assert_eq!(now(&muted, "", 2), Err(SendError::Closed));
    assert_eq!((ended_desk.read_all(), muted_desk.read_all()), (vec![], vec![1]));
    follow(&ended, &["a"]);
    assert!(exchange.followed(ended.id()).is_empty());
}

#[test]
fn what_a_muted_member_had_in_the_line_is_refused() {
    let exchange = Exchange::new();
    let (one, desk) = member(&exchange, 1, 1);
    follow(&one, &["a"]);
    (1..=2).for_each(|number| now(&one, "", number).unwrap());
    let mut waiting = wait(&one, "", 3);
    exchange.mute(one.id());
    assert_eq!(answer(&mut waiting), Some(Err(SendError::Closed)));
    assert_eq!(desk.read_all(), [1, 2]);
}

#[test]
fn one_member_alone_is_reached_if_it_follows_and_keeps_the_order() {
    let exchange = Exchange::new();
    let (host, host_desk) = member(&exchange, 1, 1);
    let (worker, worker_desk) = member(&exchange, 1, 1);
    follow(&host, &["a"]);
    follow(&worker, &["a:x"]);
    let to_worker =
        |id, number, patience| exchange.publish_to(host.id(), worker.id(), frame("a", id, number), patience);
    assert_eq!(block_on(to_worker("y", 1, Patience::Now)), Ok(()));
    assert_eq!(block_on(to_worker("x", 2, Patience::Now)), Ok(()));
    assert_eq!(block_on(to_worker("x", 3, Patience::Now)), Ok(()));
    assert_eq!(block_on(to_worker("x", 4, Patience::Now)), Err(SendError::Full));
    let mut waiting = to_worker("x", 5, Patience::Wait);
    let mut behind = wait(&host, "x", 6);
    assert_eq!((answer(&mut waiting), answer(&mut behind)), (None, None));
    assert_eq!(worker_desk.read_all(), [2, 3, 5, 6]);
    assert_eq!(host_desk.read_all(), [6]);
    drop(worker);
    let gone =
        exchange.publish_to(host.id(), crate::exchange::MemberId(2), frame("a", "x", 7), Patience::Wait);
    assert_eq!(block_on(gone), Err(SendError::Closed));
}

#[test]
fn who_waits_for_a_member_to_follow_hears_of_it_or_of_its_end() {
    let exchange = Exchange::new();
    let (one, _desk) = member(&exchange, 1, 1);
    let mut both = exchange.until_follows(one.id(), vec![address("a:x"), address("b")]);
    follow(&one, &["a"]);
    assert!((&mut both).now_or_never().is_none());
    follow(&one, &["b"]);
    assert_eq!((&mut both).now_or_never(), Some(Ok(())));
    assert_eq!(exchange.until_follows(one.id(), vec![address("b:y")]).now_or_never(), Some(Ok(())));
    let mut never = exchange.until_follows(one.id(), vec![address("c")]);
    assert!((&mut never).now_or_never().is_none());
    exchange.expel(one.id());
    assert!(matches!((&mut never).now_or_never(), Some(Err(_))));
    assert!(matches!(exchange.until_follows(one.id(), vec![]).now_or_never(), Some(Err(_))));
}

#[test]
fn room_that_was_not_told_of_is_found_by_who_publishes() {
    let exchange = Exchange::new();
    let (one, desk) = member(&exchange, 1, 2);
    follow(&one, &["a"]);
    (1..=3).for_each(|number| now(&one, "", number).unwrap());
    assert_eq!(now(&one, "", 4), Err(SendError::Full));
    assert_eq!(desk.read_and_tell(|| one.is_waited_for()), Some(1));
    assert_eq!(exchange.depth(one.id()), 1, "the inlet need not tell");
    now(&one, "", 4).unwrap();
    assert_eq!(now(&one, "", 5), Err(SendError::Full));
    let mut waiting = wait(&one, "", 5);
    assert!(one.is_waited_for());
    assert_eq!(desk.read_and_tell(|| one.is_waited_for()), Some(2));
    assert_eq!(answer(&mut waiting), Some(Ok(())));
    assert!(!one.is_waited_for());
    assert_eq!(desk.read_and_tell(|| false), Some(3));
    one.look_for_room();
    assert_eq!(exchange.depth(one.id()), 0);
    assert_eq!(desk.read_all(), [4, 5]);
}

/// A waker that publishes, on the thread that wakes it.
struct Relay(Member);

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        now(&self.0, "relay", 9).unwrap();
    }
}

#[test]
fn a_waker_may_publish() {
    let exchange = Exchange::new();
    let (one, desk) = member(&exchange, 1, 1);
    follow(&one, &["a:x"]);
    let (relay, relay_desk) = member(&exchange, 4, 4);
    follow(&relay, &["a:relay"]);
    (1..=2).for_each(|number| now(&one, "x", number).unwrap());
    let mut waiting = wait(&one, "x", 3);
    let waker = Waker::from(Arc::new(Relay(relay)));
    let mut cx = Context::from_waker(&waker);
    assert!(matches!(std::pin::Pin::new(&mut waiting).poll(&mut cx), Poll::Pending));
    assert_eq!(desk.read_all(), [1, 2, 3]);
    assert_eq!(relay_desk.read_all(), [9]);
}
