//! The bus's half of the seam, against a link whose every word the test says.

mod ends;
mod past;
mod refusals;
mod seam;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use pubsub_transports::codec::Json;
use pubsub_transports::{
    Address, Body, Carries as CarriedAs, Closing, Delivery as Times, Encoded, Frame, Guarantees, Header,
    Inlet, Link, Ordering, OwnEvents, Patience, Position, SendError, Sending, Start,
};
use serde::{Deserialize, Serialize};

use super::{Carries, Driver, Parts};
use crate::prelude::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EventMap)]
enum App {
    Note(String),
    #[event(id = u64)]
    Room(u32),
}

/// What the bus asked for, and what the other side has for it.
#[derive(Default)]
struct Wire {
    asked: Mutex<Vec<String>>,
    frames: Mutex<Vec<Frame>>,
    answers: Mutex<Vec<futures::channel::oneshot::Sender<Result<(), SendError>>>>,
    full: AtomicBool,
    /// Closing takes until these are answered.
    closes_slowly: AtomicBool,
    closing: Mutex<Vec<futures::channel::oneshot::Sender<u64>>>,
    inlet: Mutex<Option<Arc<dyn Inlet>>>,
}

impl Wire {
    fn inlet(&self) -> Arc<dyn Inlet> {
        self.inlet.lock().unwrap().clone().expect("the link is open")
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn note(&self, id: &str, text: &str) {
        self.come("Note", id, &format!("{text:?}"));
    }

    fn come(&self, topic: &str, id: &str, json: &str) {
        let header = Header::new(topic, id).with_position(Position::new(7));
        self.inlet().deliver(Frame { header, body: Body::Bytes(json.to_owned().into()) });
    }
}

impl Link for Wire {
    fn publish(&self, frame: Frame, patience: Patience) -> Sending {
        if self.full.load(Relaxed) && patience == Patience::Now {
            return Sending::Done(Err(SendError::Full));
        }
        self.frames.lock().unwrap().push(frame);
        match patience {
            Patience::Now => Sending::Done(Ok(())),
            Patience::Wait => {
                let (answer, sending) = futures::channel::oneshot::channel();
                self.answers.lock().unwrap().push(answer);
                Sending::Pending(sending)
            }
        }
    }

    fn in_flight(&self) -> u64 {
        self.answers.lock().unwrap().len() as u64
    }

    fn subscribe(&self, request: u64, addresses: Vec<Address>) {
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        self.asked.lock().unwrap().push(format!("+{request} {}", addresses.join(" ")));
    }

    fn unsubscribe(&self, addresses: Vec<Address>) {
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        self.asked.lock().unwrap().push(format!("- {}", addresses.join(" ")));
    }

    fn replay(&self, replay: u64, addresses: Vec<(Address, Start)>) {
        let addresses: Vec<String> = addresses.iter().map(|(it, start)| format!("{it} {start:?}")).collect();
        self.asked.lock().unwrap().push(format!("replay {replay} {}", addresses.join(" ")));
    }

    fn close(&self) -> Closing {
        self.asked.lock().unwrap().push("close".to_owned());
        if self.closes_slowly.load(Relaxed) {
            let (answer, closing) = futures::channel::oneshot::channel();
            self.closing.lock().unwrap().push(answer);
            return Closing::Pending(closing);
        }
        let inlet = self.inlet.lock().unwrap().take();
        drop(inlet);
        Closing::Done(self.in_flight())
    }
}

const GUARANTEES: Guarantees = Guarantees {
    ordering: Ordering::PerTopic,
    delivery: Times::AtMostOnce,
    own_events: OwnEvents::Echoed,
    carries: CarriedAs::Bytes,
    backpressure: false,
    history: false,
    acknowledgement: false,
};

fn bus() -> (PubSub<App>, Arc<Wire>) {
    bus_of(Encoded::new(Arc::new(Json::default())))
}

fn bus_of<M: EventMap>(body: impl Carries<M>) -> (PubSub<M>, Arc<Wire>) {
    bus_with(body, GUARANTEES)
}

fn bus_with<M: EventMap>(body: impl Carries<M>, guarantees: Guarantees) -> (PubSub<M>, Arc<Wire>) {
    let wire = Arc::<Wire>::default();
    let bus = PubSub::with_driver(|parts: Parts| {
        let attach = |inlet| {
            *wire.inlet.lock().unwrap() = Some(inlet);
            Arc::clone(&wire) as Arc<dyn Link>
        };
        Some(Driver::new::<M>(parts, body.__edge(), guarantees, attach))
    });
    (bus, wire)
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn texts(subscription: &mut Subscription<Event<String>>) -> Vec<String> {
    std::iter::from_fn(|| subscription.try_next().ok()).map(Event::into_payload).collect()
}

fn counting_waker() -> (std::task::Waker, Arc<AtomicUsize>) {
    struct Count(Arc<AtomicUsize>);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let count = Arc::default();
    (Arc::new(Count(Arc::clone(&count))).into(), count)
}
