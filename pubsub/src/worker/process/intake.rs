//! What a process has published and the exchange has not accepted yet.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll, Waker, ready};

use pubsub_transports::__private::{Control, Member, Work};
use pubsub_transports::codec::Codec;
use pubsub_transports::{Frame, Link, Patience, Sending};

use super::bridge::PipeInlet;
use super::watch::Told;

/// What keeps its place among the events of a process.
pub(super) enum Said {
    Publish(Frame),
    /// It waits for room, and with it all that comes after it.
    Sending(Sending),
    /// An event that is none.
    Refused(String),
    /// No more events.
    Disconnect,
    /// Nothing more can be read.
    End,
}

/// Publishes what the process says, in order, and answers it.
pub(super) struct Publish<C: Codec> {
    pub(super) member: Arc<Member>,
    pub(super) inlet: Arc<PipeInlet<C>>,
    pub(super) tell: Sender<Told>,
}

impl<C: Codec> Work for Publish<C> {
    type Item = Said;

    fn poll(&self, said: &mut Said, waker: &Waker) -> Poll<()> {
        if matches!(said, Said::Publish(_))
            && let Said::Publish(frame) = std::mem::replace(said, Said::End)
        {
            *said = Said::Sending(self.member.publish(frame, Patience::Wait));
        }
        match said {
            Said::Sending(sending) => {
                let result = ready!(Pin::new(sending).poll(&mut Context::from_waker(waker)));
                self.inlet.say(&Control::Published(result.map_err(|error| error.to_string())));
            }
            Said::Refused(reason) => self.inlet.say(&Control::Published(Err(std::mem::take(reason)))),
            Said::Disconnect => {
                let (exchange, member) = (&self.inlet.ends.exchange, self.member.id());
                // It wants nothing more than what is on its way.
                exchange.mute(member);
                exchange.end_intake(member);
            }
            Said::Publish(_) | Said::End => {
                let _gone = self.tell.send(Told::AllAccepted);
            }
        }
        Poll::Ready(())
    }
}
