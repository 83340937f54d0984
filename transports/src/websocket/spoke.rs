//! The spoke: one connection to a hub for everything that its process follows and publishes.

mod acknowledge;
mod config;
mod follow;
mod identity;
mod interest;
mod output;
mod pending;
mod publish;
mod receive;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;

use self::acknowledge::UnderWay;
pub use self::config::SpokeConfig;
use self::interest::Topic;
pub use self::output::{SpokeOutput, SpokeState};
use self::pending::Pending;
use super::CloseCode;
use super::wire::{Command, ControlError, Message, Speaks};
use crate::codec::{Codec, DecodeError};
use crate::{Backoff, Rejection};

enum Link {
    Idle,
    Connecting { since: Duration },
    Open { since: Duration, welcomed: Option<Duration> },
    Waiting { until: Duration },
    Stopped,
}

/// A spoke as protocol: subscriptions, positions, acknowledgements, and no socket.
///
/// It asks for a connection, says who it is, subscribes to what is followed, and when the connection is lost does the
/// same again after a while, going on where it was. What was published and not acknowledged is sent again, with its
/// event id, for as long as the hub can be trusted to know it.
///
/// ```
/// use std::time::Duration;
/// use pubsub_transports::codec::Json;
/// use pubsub_transports::websocket::{SpokeConfig, SpokeOutput, SpokeProtocol};
///
/// let mut spoke = SpokeProtocol::new(SpokeConfig::default(), Json::default(), 42);
/// spoke.subscribe(&"chat:lobby".parse()?, 1);
/// spoke.start(Duration::ZERO);
/// assert!(std::iter::from_fn(|| spoke.poll_output()).any(|output| matches!(output, SpokeOutput::Connect)));
///
/// spoke.opened(Duration::from_millis(3));
/// let sent = std::iter::from_fn(|| spoke.poll_output()).filter_map(|output| match output {
///     SpokeOutput::Send(message) => Some(String::from_utf8_lossy(message.bytes()).into_owned()),
///     _ => None,
/// });
/// assert_eq!(sent.collect::<Vec<_>>(), [
///     r#"{"type":"__connect","id":"0","payload":{"protocol":1}}"#,
///     r#"{"type":"__subscribe","id":"1","payload":{"topic":"chat:lobby"}}"#,
/// ]);
/// # Ok::<(), pubsub_transports::AddressError>(())
/// ```
pub struct SpokeProtocol {
    config: SpokeConfig,
    codec: Arc<dyn Speaks>,
    backoff: Backoff,
    link: Link,
    heard: Duration,
    pinged: Option<Duration>,
    /// What the hub said before the close frame.
    goodbye: Option<(bool, Option<Duration>)>,
    /// When what is refused for now is asked for again.
    ask_again: Option<Duration>,
    /// Why `__connect` was refused on this connection.
    refusal: Option<Rejection>,
    /// When a new token is to be asked for.
    refresh_at: Option<Duration>,
    /// What `__connected` said of who this is, and of the hub.
    identity: Option<CompactString>,
    memory: Option<String>,
    max_frame: usize,
    topics: BTreeMap<CompactString, Topic>,
    /// Of the types whose events are acknowledged.
    under_way: BTreeMap<CompactString, UnderWay>,
    correlation: u64,
    pending: Pending,
    outputs: VecDeque<SpokeOutput>,
}

impl SpokeProtocol {
    /// A spoke that has not begun. The seed is for its delays: take a random one.
    #[must_use]
    pub fn new(config: SpokeConfig, codec: impl Codec, seed: u64) -> Self {
        Self::shared(config, Arc::new(codec), seed)
    }

    pub(crate) fn shared(config: SpokeConfig, codec: Arc<impl Codec>, seed: u64) -> Self {
        Self {
            codec,
            backoff: Backoff::with_seed(config.backoff_min, config.backoff_max, seed),
            link: Link::Idle,
            heard: Duration::ZERO,
            pinged: None,
            goodbye: None,
            ask_again: None,
            refusal: None,
            refresh_at: None,
            identity: None,
            memory: None,
            max_frame: usize::MAX,
            topics: BTreeMap::new(),
            under_way: BTreeMap::new(),
            correlation: 0,
            pending: Pending::new(config.pending_events, config.pending_bytes),
            outputs: VecDeque::new(),
            config,
        }
    }

    /// Asks for the first connection. Nothing, if that was done.
    pub fn start(&mut self, now: Duration) {
        if matches!(self.link, Link::Idle) {
            self.connect(now);
        }
    }

    fn connect(&mut self, now: Duration) {
        self.link = Link::Connecting { since: now };
        self.outputs.push_back(SpokeOutput::State(SpokeState::Connecting));
        self.outputs.push_back(SpokeOutput::Connect);
    }

    /// The connection that was asked for is open.
    pub fn opened(&mut self, now: Duration) {
        if !matches!(self.link, Link::Connecting { .. }) {
            return;
        }
        self.link = Link::Open { since: now, welcomed: None };
        self.heard = now;
        self.pinged = None;
        self.goodbye = None;
        self.refusal = None;
        self.refresh_at = None;
        self.say_who();
        self.follow_all();
    }

    /// The connection is lost, or was not to be had: with the code of the close frame, or
    /// [`Abnormal`](CloseCode::Abnormal) if there was none.
    pub fn lost(&mut self, now: Duration, code: CloseCode) {
        let lasted = match self.link {
            Link::Open { welcomed: Some(welcomed), .. } => now >= welcomed + self.config.stable_after,
            Link::Open { .. } | Link::Connecting { .. } => false,
            Link::Idle | Link::Waiting { .. } | Link::Stopped => return,
        };
        if lasted {
            self.backoff.stable();
        }
        self.pending.disconnected();
        self.topics.values_mut().for_each(Topic::disconnected);
        self.topics.retain(|_, topic| topic.whole.is_some() || !topic.ids.is_empty());
        let (comes_back, asked) = self.goodbye.take().unwrap_or((code.comes_back(), None));
        if !comes_back {
            return self.stop(code);
        }
        let delay = match asked {
            Some(delay) => delay.min(self.config.retry_after_max),
            None => self.backoff.next_delay(),
        };
        self.link = Link::Waiting { until: now + delay };
        self.outputs.push_back(SpokeOutput::State(SpokeState::Waiting { code, delay }));
    }

    fn stop(&mut self, code: CloseCode) {
        self.link = Link::Stopped;
        for (event_id, error) in self.pending.give_up() {
            self.outputs.push_back(SpokeOutput::Published { event_id, result: Err(error) });
        }
        self.outputs.push_back(SpokeOutput::State(SpokeState::Stopped(code)));
    }

    /// Ends the connection for good. What was not acknowledged is [`Ambiguous`](crate::SendError::Ambiguous) or
    /// [`NotSent`](crate::SendError::NotSent).
    pub fn close(&mut self) {
        if matches!(self.link, Link::Stopped) {
            return;
        }
        if matches!(self.link, Link::Open { .. } | Link::Connecting { .. }) {
            self.outputs.push_back(SpokeOutput::Close(CloseCode::Normal));
        }
        self.stop(CloseCode::Normal);
    }

    /// Gives this connection up for another.
    fn give_up(&mut self, now: Duration, code: CloseCode) {
        self.outputs.push_back(SpokeOutput::Close(code));
        self.lost(now, code);
    }

    /// A pong came, or another sign of life that is no message.
    pub fn pong(&mut self, now: Duration) {
        self.heard = now;
        self.pinged = None;
    }

    /// When [`tick`](Self::tick) has something to do, if nothing happens before.
    #[must_use]
    pub fn next_timer(&self) -> Option<Duration> {
        let config = &self.config;
        let link = match self.link {
            Link::Idle | Link::Stopped => None,
            Link::Connecting { since } | Link::Open { since, welcomed: None } => {
                Some(since + config.connect_timeout)
            }
            Link::Open { .. } => Some(match self.pinged {
                Some(at) => at + config.pong_timeout,
                None => self.heard + config.ping_every,
            }),
            Link::Waiting { until } => Some(until),
        };
        let ask_again = self.ask_again.filter(|_| self.is_open());
        let times = link.into_iter().chain(self.refresh_time()).chain(ask_again);
        times.chain(self.pending.deadline(config.publish_timeout)).min()
    }

    /// So late it is: does what is due.
    pub fn tick(&mut self, now: Duration) {
        while let Some((event_id, error)) = self.pending.expire(now, self.config.publish_timeout) {
            self.outputs.push_back(SpokeOutput::Published { event_id, result: Err(error) });
        }
        self.refresh_if_due(now);
        self.ask_again_if_due(now);
        match self.link {
            Link::Waiting { until } if until <= now => self.connect(now),
            Link::Connecting { since } | Link::Open { since, welcomed: None }
                if since + self.config.connect_timeout <= now =>
            {
                self.give_up(now, CloseCode::Abnormal);
            }
            Link::Open { welcomed: Some(_), .. } => match self.pinged {
                Some(at) if at + self.config.pong_timeout <= now => self.give_up(now, CloseCode::NoPong),
                None if self.heard + self.config.ping_every <= now => {
                    self.pinged = Some(now);
                    self.outputs.push_back(SpokeOutput::Ping);
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// What is to be done or known next, if anything.
    pub fn poll_output(&mut self) -> Option<SpokeOutput> {
        self.outputs.pop_front()
    }

    fn is_open(&self) -> bool {
        matches!(self.link, Link::Open { .. })
    }

    pub(crate) fn is_welcomed(&self) -> bool {
        matches!(self.link, Link::Open { welcomed: Some(_), .. })
    }

    fn send(&mut self, correlation: &str, command: &Command) {
        match self.codec.encode_command(correlation, command) {
            Ok(message) => self.write(message),
            // A token or a hash beyond what a message may have: there is no connection to be had with it.
            Err(_) => {
                self.outputs.push_back(SpokeOutput::Close(CloseCode::TooBig));
                self.stop(CloseCode::TooBig);
            }
        }
    }

    fn write(&mut self, message: bytes::Bytes) {
        self.outputs.push_back(SpokeOutput::Send(Message::new(message, self.codec.is_text())));
    }

    fn malformed(&mut self, error: impl Into<ControlError>) {
        self.outputs.push_back(SpokeOutput::Malformed(error.into()));
    }
}

impl std::fmt::Debug for SpokeProtocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpokeProtocol")
            .field("codec", &self.codec.name())
            .field("topics", &self.topics.len())
            .finish_non_exhaustive()
    }
}

/// For [`SpokeProtocol::receive`]: text where the codec is binary, or the other way round.
const WRONG_KIND: DecodeError = DecodeError::Syntax { at: 0 };
