//! What one connection was asked to follow, and what it answered: the protocol, without the socket.
//!
//! Every connection begins with a session of its own, which restores all that is followed. So a connection that is lost
//! while it restores leaves nothing half done.

use std::collections::{HashSet, VecDeque};

use compact_str::CompactString;

use super::interest::Interest;
use super::limits::{SUBSCRIBE_BATCH, SUBSCRIBES_IN_FLIGHT};
use super::names::Names;
use super::refusal;
use super::resp::{self, Malformed};
use crate::{Address, Rejection};

#[derive(Default)]
pub(super) struct Session {
    /// Channels are those of one slot each, at the node that has it.
    is_sharded: bool,
    /// What is to be asked.
    backlog: VecDeque<Step>,
    /// What was asked, in the order of the answers.
    asked: VecDeque<Asked>,
    commands_in_flight: usize,
    /// Steps that restore what was followed before, and are not answered.
    restoring: usize,
    /// Types that are followed whole.
    patterns: HashSet<CompactString>,
}

struct Step {
    begins: bool,
    address: Address,
    request: u64,
    restores: bool,
    /// In a command of its own: with others it was refused.
    alone: bool,
}

enum Asked {
    Ping,
    /// One command, all of one kind.
    Steps {
        steps: Vec<Step>,
        answered: usize,
    },
}

/// What an answer means for the bus.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Nothing,
    /// The answer to a PING: all that was asked before it is answered.
    Pong,
    Followed {
        address: Address,
        request: u64,
    },
    Refused {
        address: Address,
        request: u64,
        rejection: Rejection,
    },
    /// It is followed here no more.
    Moved {
        address: Address,
    },
    /// Not now: the connection is of no use.
    Unavailable(Rejection),
}

impl Session {
    /// A new connection, which follows nothing yet.
    pub(super) fn restore(interest: &Interest, is_sharded: bool) -> Self {
        let step = |(address, request): (&Address, u64)| Step {
            begins: true,
            address: address.clone(),
            request,
            restores: true,
            alone: false,
        };
        // Commands of one kind are batched, so the kinds are kept apart.
        let (whole, single): (Vec<_>, Vec<_>) =
            interest.all().map(step).partition(|step| step.address.id().is_none());
        let restoring = whole.len() + single.len();
        let backlog = whole.into_iter().chain(single).collect();
        Self { is_sharded, backlog, restoring, ..Self::default() }
    }

    pub(super) fn is_restored(&self) -> bool {
        self.restoring == 0
    }

    pub(super) fn is_owed(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether a message on a channel is the one that its pattern brings too.
    pub(super) fn comes_by_pattern(&self, topic: &[u8]) -> bool {
        !self.patterns.is_empty()
            && std::str::from_utf8(topic).is_ok_and(|topic| self.patterns.contains(topic))
    }

    pub(super) fn follow(&mut self, request: u64, addresses: Vec<Address>) {
        let step = |address| Step { begins: true, address, request, restores: false, alone: false };
        self.backlog.extend(addresses.into_iter().map(step));
    }

    pub(super) fn leave(&mut self, addresses: Vec<Address>) {
        let step = |address| Step { begins: false, address, request: 0, restores: false, alone: false };
        self.backlog.extend(addresses.into_iter().map(step));
    }

    pub(super) fn ping(&mut self, out: &mut Vec<u8>) {
        resp::command(out, &[b"PING"]);
        self.asked.push_back(Asked::Ping);
    }

    /// Writes what can be asked now.
    pub(super) fn write(&mut self, interest: &Interest, names: &Names, out: &mut Vec<u8>) {
        while self.commands_in_flight < SUBSCRIBES_IN_FLIGHT {
            let steps = self.next_steps(interest, names);
            let Some(first) = steps.first() else { return };
            let command: &[u8] = match (first.begins, first.address.id().is_some()) {
                (true, true) if self.is_sharded => b"SSUBSCRIBE",
                (false, true) if self.is_sharded => b"SUNSUBSCRIBE",
                (true, true) => b"SUBSCRIBE",
                (true, false) => b"PSUBSCRIBE",
                (false, true) => b"UNSUBSCRIBE",
                (false, false) => b"PUNSUBSCRIBE",
            };
            resp::header(out, b'*', 1 + steps.len());
            resp::bulk(out, &[command]);
            for step in &steps {
                resp::bulk(out, &names.of(&step.address));
            }
            self.commands_in_flight += 1;
            self.asked.push_back(Asked::Steps { steps, answered: 0 });
        }
    }

    /// A run of steps of one kind.
    fn next_steps(&mut self, interest: &Interest, names: &Names) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        while steps.len() < SUBSCRIBE_BATCH {
            // Channels of two slots in one command are refused as CROSSSLOT.
            let slot = |step: &Step| if self.is_sharded { names.slot(&step.address) } else { 0 };
            let kind = |step: &Step| (step.begins, step.address.id().is_some(), slot(step));
            let Some(next) = self.backlog.front() else { break };
            if steps.first().is_some_and(|first| first.alone || next.alone || kind(first) != kind(next)) {
                break;
            }
            let Some(next) = self.backlog.pop_front() else { break };
            // It may have been left since.
            if next.begins && !interest.has(&next.address, next.request) {
                self.restoring -= usize::from(next.restores);
                continue;
            }
            steps.push(next);
        }
        steps
    }

    /// `subscribe`, `unsubscribe` and the like, with the name that it is about.
    ///
    /// # Errors
    /// If this is not what was asked.
    pub(super) fn answer(&mut self, kind: &[u8], name: &[u8], names: &Names) -> Result<Answer, Malformed> {
        if self.is_sharded && kind == b"sunsubscribe" && !self.expects_to_leave(name, names) {
            // As a node says to those who follow channels of a slot that it has no more.
            let address = names.strip(name).and_then(super::names::address);
            return Ok(address.map_or(Answer::Nothing, |address| Answer::Moved { address }));
        }
        let Some(Asked::Steps { steps, answered }) = self.asked.front_mut() else {
            return Err(Malformed("an answer to a subscription that was not asked for"));
        };
        let step = &steps[*answered];
        let expected: &[u8] = match (step.begins, step.address.id().is_some()) {
            (true, true) if self.is_sharded => b"ssubscribe",
            (false, true) if self.is_sharded => b"sunsubscribe",
            (true, true) => b"subscribe",
            (true, false) => b"psubscribe",
            (false, true) => b"unsubscribe",
            (false, false) => b"punsubscribe",
        };
        if kind != expected || !names.is_of(&step.address, name) {
            return Err(Malformed("an answer to another subscription than was asked for"));
        }
        self.restoring -= usize::from(step.restores);
        let (address, request, begins) = (step.address.clone(), step.request, step.begins);
        *answered += 1;
        if *answered == steps.len() {
            self.asked.pop_front();
            self.commands_in_flight -= 1;
        }
        if address.id().is_none() {
            if begins {
                self.patterns.insert(address.topic().into());
            } else {
                self.patterns.remove(address.topic());
            }
        }
        Ok(if begins { Answer::Followed { address, request } } else { Answer::Nothing })
    }

    fn expects_to_leave(&self, name: &[u8], names: &Names) -> bool {
        let Some(Asked::Steps { steps, answered }) = self.asked.front() else { return false };
        let step = &steps[*answered];
        !step.begins && names.is_of(&step.address, name)
    }

    /// An answer to PING, while something is followed or not.
    ///
    /// # Errors
    /// If there was none.
    pub(super) fn pong(&mut self) -> Result<Answer, Malformed> {
        match self.asked.pop_front() {
            Some(Asked::Ping) => Ok(Answer::Pong),
            _ => Err(Malformed("an answer to PING that was not asked for")),
        }
    }

    /// An error, which is the answer to one whole command.
    ///
    /// # Errors
    /// If nothing was asked.
    pub(super) fn error(&mut self, error: &[u8]) -> Result<Answer, Malformed> {
        let mut steps = match self.asked.pop_front() {
            Some(Asked::Steps { steps, .. }) => steps,
            // A user who may not PING hears that the server is there all the same.
            Some(Asked::Ping) => return Ok(Answer::Pong),
            None => return Err(Malformed("an error without a command")),
        };
        self.commands_in_flight -= 1;
        let rejection = refusal::rejection(error);
        if rejection.is_retryable() && !(self.is_sharded && refusal::is_elsewhere(error)) {
            return Ok(Answer::Unavailable(rejection));
        }
        let is_alone = steps.len() == 1;
        // The first comes first again.
        while let Some(step) = steps.pop().filter(|step| step.begins) {
            if is_alone {
                self.restoring -= usize::from(step.restores);
                let Step { address, request, .. } = step;
                return Ok(Answer::Refused { address, request, rejection });
            }
            // One that is not allowed fails them all; one by one it shows which.
            self.backlog.push_front(Step { alone: true, ..step });
        }
        Ok(Answer::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().expect("an address")
    }

    struct Bench {
        interest: Interest,
        session: Session,
        names: Names,
    }

    impl Bench {
        fn new(addresses: &[&str]) -> Self {
            let mut interest = Interest::default();
            interest.follow(1, &addresses.iter().map(|text| address(text)).collect::<Vec<_>>());
            Self { session: Session::restore(&interest, false), interest, names: Names::new("") }
        }

        fn written(&mut self) -> Vec<String> {
            let mut out = Vec::new();
            self.session.write(&self.interest, &self.names, &mut out);
            let text = String::from_utf8(out).expect("text");
            let mut commands: Vec<String> = Vec::new();
            for line in text.split_terminator("\r\n").filter(|line| !line.starts_with('$')) {
                match commands.last_mut() {
                    _ if line.starts_with('*') => commands.push(String::new()),
                    Some(command) if command.is_empty() => command.push_str(line),
                    Some(command) => command.extend([" ", line]),
                    None => unreachable!("a command begins with `*`"),
                }
            }
            commands
        }

        fn answer(&mut self, kind: &str, name: &str) -> Result<Answer, Malformed> {
            self.session.answer(kind.as_bytes(), name.as_bytes(), &self.names)
        }
    }

    #[test]
    fn a_new_connection_restores_in_batches() {
        let ids: Vec<_> =
            (0..SUBSCRIBE_BATCH * (SUBSCRIBES_IN_FLIGHT + 1)).map(|id| format!("a:{id}")).collect();
        let mut bench = Bench::new(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        let commands = bench.written();
        assert_eq!(commands.len(), SUBSCRIBES_IN_FLIGHT);
        assert!(commands.iter().all(|command| command.split(' ').count() == 1 + SUBSCRIBE_BATCH));
        for name in commands.iter().flat_map(|command| command.split(' ').skip(1)) {
            assert!(!bench.session.is_restored());
            let answer = bench.answer("subscribe", name).expect("an answer");
            assert_eq!(answer, Answer::Followed { address: address(name), request: 1 });
        }
        let last = bench.written();
        assert_eq!(last.len(), 1);
        for name in last[0].split(' ').skip(1) {
            bench.answer("subscribe", name).expect("an answer");
        }
        assert!(bench.session.is_restored() && !bench.session.is_owed());
    }

    #[test]
    fn one_that_is_refused_does_not_take_others_with_it() {
        let mut bench = Bench::new(&["a:1", "a:2"]);
        assert_eq!(bench.written().len(), 1);
        assert_eq!(bench.session.error(b"NOPERM no"), Ok(Answer::Nothing));
        let commands = bench.written();
        assert_eq!(commands.len(), 2, "{commands:?}");
        let second = commands[1].trim_start_matches("SUBSCRIBE ").to_owned();
        let refused = bench.session.error(b"NOPERM no");
        assert!(matches!(refused, Ok(Answer::Refused { request: 1, .. })), "{refused:?}");
        assert!(!bench.session.is_restored());
        bench.answer("subscribe", &second).expect("an answer");
        assert!(bench.session.is_restored());
    }

    #[test]
    fn a_pattern_brings_what_a_channel_brings_from_its_acknowledgement_on() {
        let mut bench = Bench::new(&["a", "a:1"]);
        assert_eq!(bench.written(), ["PSUBSCRIBE a:*", "SUBSCRIBE a:1"]);
        assert!(!bench.session.comes_by_pattern(b"a"));
        bench.answer("psubscribe", "a:*").expect("an answer");
        assert!(bench.session.comes_by_pattern(b"a") && !bench.session.comes_by_pattern(b"ab"));
        bench.answer("subscribe", "a:1").expect("an answer");
        bench.session.leave(vec![address("a")]);
        bench.written();
        assert!(bench.session.comes_by_pattern(b"a"));
        bench.answer("punsubscribe", "a:*").expect("an answer");
        assert!(!bench.session.comes_by_pattern(b"a"));
    }

    #[test]
    fn what_was_left_before_it_was_asked_for_is_not_asked_for() {
        let mut bench = Bench::new(&["a:1"]);
        bench.interest.leave(&address("a:1"));
        bench.session.leave(vec![address("a:1")]);
        assert_eq!(bench.written(), ["UNSUBSCRIBE a:1"]);
        assert!(bench.session.is_restored());
    }

    #[test]
    fn answers_to_something_else_are_malformed() {
        let mut bench = Bench::new(&["a:1"]);
        assert!(bench.session.pong().is_err());
        let mut bench2 = Bench::new(&["a:1"]);
        bench2.written();
        assert!(bench2.answer("subscribe", "a:2").is_err());
        assert!(bench2.answer("unsubscribe", "a:1").is_err());
        assert!(bench.answer("subscribe", "a:1").is_err());
        assert!(bench.session.error(b"ERR no").is_err());
    }
}
