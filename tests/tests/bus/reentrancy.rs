//! Code of users, wherever the bus runs it, may use the bus: no lock is held.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use pubsub::prelude::*;

use crate::harness::Task;

#[derive(EventMap)]
enum Nosy {
    #[event(id = NosyId)]
    Dropped(CallsWhenDropped),
    Plain(u8),
}

type Call = Arc<dyn Fn() + Send + Sync>;

struct CallsWhenDropped(Call);

impl Drop for CallsWhenDropped {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Its text asks the bus something.
#[derive(Clone)]
struct NosyId(u8, Call);

impl fmt::Display for NosyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.1)();
        self.0.fmt(f)
    }
}

impl FromStr for NosyId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.parse()?, Arc::new(|| {})))
    }
}

struct CallsWhenWoken(Call);

impl Wake for CallsWhenWoken {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

impl Drop for CallsWhenWoken {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Takes every lock that there is.
fn call(bus: &PubSub<Nosy>) -> Call {
    let bus = bus.clone();
    Arc::new(move || {
        let _ = bus.has_subscribers(Nosy::PLAIN.id("x"));
        let _ = bus.stats();
        drop(bus.subscribe(All).now());
        drop(bus.publish(Nosy::PLAIN, "x", 1).now());
    })
}

// `All` asks for it.
impl Clone for CallsWhenDropped {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

fn publish(bus: &PubSub<Nosy>, call: &Call, id: u8) {
    let id = NosyId(id, Arc::clone(call));
    drop(bus.publish(Nosy::DROPPED, &id, CallsWhenDropped(Arc::clone(call))).now());
}

#[test]
fn ids_that_are_written_and_payloads_that_are_dropped_may_use_the_bus() {
    let policies = [
        Overflow::Backpressure,
        Overflow::DropOldest,
        Overflow::DropNewest,
        Overflow::LatestPerId,
        Overflow::Fail,
    ];
    for overflow in policies {
        let bus = PubSub::<Nosy>::default();
        let call = call(&bus);
        let subscribe = || bus.subscribe(Nosy::DROPPED).bound(2).overflow(overflow);
        let mut one = subscribe().now().unwrap();
        let mut two = bus.subscribe((Nosy::DROPPED, Nosy::PLAIN)).bound(2).overflow(overflow).now().unwrap();
        (0..6).for_each(|n| publish(&bus, &call, n % 3));
        drop((one.try_next(), two.try_next()));
        (0..6).for_each(|n| publish(&bus, &call, n % 3));
        drop(one);
        futures::executor::block_on(bus.close().until(std::future::ready(())));
        drop(two);
    }
}

#[test]
fn a_waiting_publish_may_use_the_bus_when_it_is_cancelled() {
    let bus = PubSub::<Nosy>::default();
    let call = call(&bus);
    let _full = bus.subscribe(Nosy::DROPPED).bound(1).now().unwrap();
    publish(&bus, &call, 1);
    let id = NosyId(1, Arc::clone(&call));
    let mut waiting = bus.publish(Nosy::DROPPED, &id, CallsWhenDropped(Arc::clone(&call)));
    assert!(Task::new().poll(&mut waiting).is_pending());
    drop(waiting);
}

#[test]
fn wakers_may_use_the_bus_when_they_wake_and_when_they_are_dropped() {
    let bus = PubSub::<Nosy>::default();
    let call = call(&bus);
    let waker = || Waker::from(Arc::new(CallsWhenWoken(Arc::clone(&call))));
    let parked = Arc::new(Mutex::new(bus.subscribe(Nosy::PLAIN.id("y")).now().unwrap()));
    let mut all = bus.subscribe(All).bound(4).overflow(Overflow::DropOldest).now().unwrap();
    for _ in 0..3 {
        // Each poll replaces the waker of the one before, which is dropped.
        let mut reader = parked.lock().unwrap();
        let mut next = reader.next();
        assert!(std::pin::Pin::new(&mut next).poll(&mut Context::from_waker(&waker())).is_pending());
    }
    while all.try_next().is_ok() {}
    for _ in 0..3 {
        let mut next = all.next();
        let _ = std::pin::Pin::new(&mut next).poll(&mut Context::from_waker(&waker()));
    }
    bus.publish(Nosy::PLAIN, "y", 1).now().unwrap();
    drop(bus.close().now());
    drop((parked, all));
}
