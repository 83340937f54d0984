//! An inlet that writes down what it is told.

use std::sync::Mutex;
use std::task::{Poll, Waker};

use pubsub_transports::{
    Address, Body, ConnectError, ConnectionState, ErrorCode, Frame, Gap, Header, Inlet, Past, Position,
    Rejection, SendError, Undecodable,
};
use tokio::sync::Notify;

#[derive(Clone, Debug)]
pub(crate) enum Said {
    Event {
        topic: String,
        id: String,
        payload: String,
    },
    Subscribed(u64),
    Refused(String, ErrorCode),
    Gap(Option<String>, Gap),
    Undecodable(Undecodable),
    NotSent(String, SendError),
    Connected,
    ReceiveOnly,
    Reconnecting(u32, ConnectError),
    Closed,
    Position(String, Position),
    /// Where a replay begins.
    ReplayBegins(u64, String, Position),
    /// What a replay brought.
    Past(u64, Past),
    Replayed(u64),
}

#[derive(Default)]
pub(crate) struct Recorder {
    said: Mutex<Vec<Said>>,
    more: Notify,
    /// The positions of the events.
    positions: Mutex<Vec<Position>>,
    /// How much room replays have, and who waits for more.
    room: Mutex<(Option<usize>, Option<Waker>)>,
}

impl Recorder {
    fn write(&self, said: Said) {
        self.said.lock().expect("the record").push(said);
        self.more.notify_waiters();
    }

    pub(crate) fn all(&self) -> Vec<Said> {
        self.said.lock().expect("the record").clone()
    }

    /// What `find` finds in the record, as soon as it does.
    ///
    /// # Panics
    /// If it takes too long.
    pub(crate) async fn until<T>(&self, what: &str, mut find: impl FnMut(&[Said]) -> Option<T>) -> T {
        let search = async {
            loop {
                let more = self.more.notified();
                tokio::pin!(more);
                more.as_mut().enable();
                if let Some(found) = find(&self.said.lock().expect("the record")) {
                    return found;
                }
                more.await;
            }
        };
        match tokio::time::timeout(super::DEADLINE, search).await {
            Ok(found) => found,
            Err(_) => {
                let all = self.all();
                let last = &all[all.len().saturating_sub(20)..];
                panic!("no {what} after {} entries, the last of which are {last:#?}", all.len())
            }
        }
    }

    pub(crate) async fn subscribed(&self, request: u64) {
        self.until("answer", |said| {
            said.iter().any(|it| matches!(it, Said::Subscribed(own) if *own == request)).then_some(())
        })
        .await;
    }

    /// At least `count` entries of a kind.
    pub(crate) async fn count(&self, what: &str, count: usize, is: impl Fn(&Said) -> bool) {
        self.until(what, |said| (said.iter().filter(|it| is(it)).count() >= count).then_some(())).await;
    }

    pub(crate) async fn events(&self, count: usize) {
        self.count("events", count, |said| matches!(said, Said::Event { .. })).await;
    }

    pub(crate) async fn gaps(&self, count: usize) {
        self.count("gap", count, |said| matches!(said, Said::Gap(..))).await;
    }

    pub(crate) async fn reconnecting(&self) {
        self.count("loss", 1, |said| matches!(said, Said::Reconnecting(..))).await;
    }

    pub(crate) async fn receive_only(&self) {
        self.count("loss of the other", 1, |said| matches!(said, Said::ReceiveOnly)).await;
    }

    /// All of it, with runs of events told by their first and last.
    pub(crate) fn story(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        let mut run: Option<(String, String)> = None;
        for said in self.all() {
            if let Said::Event { payload, .. } = said {
                run = Some((run.map_or_else(|| payload.clone(), |(first, _)| first), payload));
                continue;
            }
            lines.extend(run.take().map(|(first, last)| format!("events {first} to {last}")));
            lines.push(format!("{said:?}"));
        }
        lines.extend(run.map(|(first, last)| format!("events {first} to {last}")));
        lines.join("\n")
    }

    /// Whether it was told so last.
    pub(crate) fn is_connected(&self) -> bool {
        let all = self.said.lock().expect("the record");
        let is_state =
            |said: &&Said| matches!(said, Said::Connected | Said::ReceiveOnly | Said::Reconnecting(..));
        let states = all.iter().rev().find(is_state);
        matches!(states, Some(Said::Connected))
    }

    pub(crate) fn gaps_so_far(&self) -> usize {
        self.all().iter().filter(|said| matches!(said, Said::Gap(..))).count()
    }

    /// The positions of all events so far.
    pub(crate) fn positions(&self) -> Vec<Position> {
        self.positions.lock().expect("the positions").clone()
    }

    /// From now on replays have room for so many more.
    pub(crate) fn set_room(&self, room: Option<usize>) {
        let waiting = {
            let mut own = self.room.lock().expect("the room");
            own.0 = room;
            own.1.take()
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// What a replay has brought so far: payloads, gaps as `reason missed`, and `live` when it was over. Events that came to all
    /// after that are in it too.
    pub(crate) fn replay(&self, replay: u64) -> Vec<String> {
        let mut told = Vec::new();
        let mut is_live = false;
        for said in self.all() {
            match said {
                Said::Past(own, past) if own == replay => told.push(match past {
                    Past::Event(Frame { body: Body::Bytes(payload), .. }) => {
                        String::from_utf8(payload.to_vec()).expect("JSON")
                    }
                    Past::Gap(gap) => format!("{:?} {:?}", gap.reason, gap.missed),
                    other => format!("{other:?}"),
                }),
                Said::Replayed(own) if own == replay => {
                    is_live = true;
                    told.push("live".to_owned());
                }
                Said::Event { payload, .. } if is_live => told.push(payload),
                _ => {}
            }
        }
        told
    }

    /// The payloads of the events to an address.
    pub(crate) fn payloads(&self, address: &str) -> Vec<String> {
        let is_at = |topic: &str, id: &str| format!("{topic}:{id}") == address;
        let payload = |said| match said {
            Said::Event { topic, id, payload } if is_at(&topic, &id) => Some(payload),
            _ => None,
        };
        self.all().into_iter().filter_map(payload).collect()
    }
}

impl Inlet for Recorder {
    fn poll_ready(&self, _: &Waker) -> Poll<()> {
        Poll::Ready(())
    }

    fn position(&self, topic: &str, position: Position) {
        self.write(Said::Position(topic.to_owned(), position));
    }

    fn replay_begins(&self, replay: u64, topic: &str, position: Position) {
        self.write(Said::ReplayBegins(replay, topic.to_owned(), position));
    }

    fn poll_replay(&self, _: u64, waker: &Waker) -> Poll<bool> {
        let mut room = self.room.lock().expect("the room");
        match room.0 {
            None => Poll::Ready(true),
            Some(0) => {
                room.1 = Some(waker.clone());
                Poll::Pending
            }
            Some(_) => Poll::Ready(true),
        }
    }

    fn replay(&self, replay: u64, past: Past) {
        if let Some(room) = &mut self.room.lock().expect("the room").0 {
            *room = room.checked_sub(1).expect("it was asked whether there is room");
        }
        self.write(Said::Past(replay, past));
    }

    fn replayed(&self, replay: u64) {
        self.write(Said::Replayed(replay));
    }

    fn deliver(&self, frame: Frame) {
        self.positions.lock().expect("the positions").extend(frame.header.position().cloned());
        let Body::Bytes(payload) = frame.body else { panic!("a body that is not bytes") };
        let (topic, id) = (frame.header.topic().to_owned(), frame.header.id().to_owned());
        let payload = String::from_utf8(payload.to_vec()).expect("JSON");
        self.write(Said::Event { topic, id, payload });
    }

    fn subscribed(&self, request: u64) {
        self.write(Said::Subscribed(request));
    }

    fn refused(&self, _: u64, address: Address, rejection: Rejection) {
        self.write(Said::Refused(address.to_string(), rejection.code().clone()));
    }

    fn gap(&self, address: Option<Address>, gap: Gap) {
        self.write(Said::Gap(address.map(|address| address.to_string()), gap));
    }

    fn undecodable(&self, undecodable: Undecodable) {
        self.write(Said::Undecodable(undecodable));
    }

    fn not_sent(&self, header: Header, error: SendError) {
        self.write(Said::NotSent(header.id().to_owned(), error));
    }

    fn state(&self, state: ConnectionState) {
        self.write(match state {
            ConnectionState::Connected => Said::Connected,
            ConnectionState::ReceiveOnly { .. } => Said::ReceiveOnly,
            ConnectionState::Reconnecting { attempt, error } => Said::Reconnecting(attempt, error),
            _ => Said::Closed,
        });
    }
}
