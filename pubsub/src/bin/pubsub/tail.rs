//! `pubsub tail`: events as they come, one a line.

use std::io::{self, Write};

use clap::Args;
use pubsub_transports::codec::{Codec, Json};
use pubsub_transports::{Address, Body, ConnectionState, Frame};

use crate::Failure;
use crate::follow::{self, Incoming};
use crate::url::{Target, unconnected};

/// Print events as they come: one JSON envelope a line on stdout, everything else on stderr
///
/// It goes on through lost connections, until it is interrupted, the reader of its output is gone, or the other side
/// refuses.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// What to follow: `type`, for every id, or `type:id`
    #[arg(required = true)]
    topics: Vec<Address>,
    /// End after so many events
    #[arg(long, value_name = "EVENTS")]
    count: Option<u64>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let (inlet, mut incoming) = follow::channel();
    let link = arguments.target.connect(inlet).await?;
    let mut topics = arguments.topics;
    topics.sort_unstable();
    topics.dedup();
    let mut refused = 0;
    let followed = topics.len();
    link.subscribe(1, topics);

    let mut out = Output::new();
    let mut left = arguments.count.unwrap_or(u64::MAX);
    while left > 0 {
        let next = tokio::select! {
            next = incoming.next() => next,
            _ = tokio::signal::ctrl_c() => break,
        };
        match next {
            Some(Incoming::Event(frame)) => {
                left -= 1;
                match out.event(frame) {
                    // Whoever read it has enough.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                    result => result.map_err(Failure::failed)?,
                }
            }
            Some(Incoming::Subscribed) => eprintln!("pubsub: following"),
            Some(Incoming::Refused(address, rejection)) => {
                eprintln!("pubsub: {address} is refused: {rejection}");
                refused += 1;
                if refused == followed {
                    return Err(Failure::refused("nothing is left to follow"));
                }
            }
            Some(Incoming::Gap(Some(address), gap)) => eprintln!("pubsub: gap of {address}: {gap}"),
            Some(Incoming::Gap(None, gap)) => eprintln!("pubsub: gap: {gap}"),
            Some(Incoming::Missed(missed)) => {
                eprintln!("pubsub: {missed} events were dropped here: the output is not read fast enough");
            }
            Some(Incoming::Undecodable(undecodable)) => eprintln!("pubsub: no event: {undecodable}"),
            Some(Incoming::State(ConnectionState::Closed { error: Some(error) })) => {
                return Err(unconnected(error));
            }
            Some(Incoming::State(state)) => eprintln!("pubsub: {state}"),
            None => return Err(Failure::unconnected("the connection has ended")),
        }
    }
    link.close().await;
    Ok(())
}

/// Envelopes, one a line.
struct Output {
    codec: Json,
    line: Vec<u8>,
}

impl Output {
    fn new() -> Self {
        Self { codec: Json::with_max_message(usize::MAX), line: Vec::new() }
    }

    fn event(&mut self, frame: Frame) -> io::Result<()> {
        let Body::Bytes(payload) = frame.body else { return Ok(()) };
        self.line.clear();
        self.codec.join(&frame.header, &payload, &mut self.line).map_err(io::Error::other)?;
        // Line breaks between the members of a payload are no part of it.
        for byte in &mut self.line {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        self.line.push(b'\n');
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.line)?;
        stdout.flush()
    }
}
