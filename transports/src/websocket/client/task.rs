//! The task of a spoke: it does what the protocol asks for, and tells the bus.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::coop::poll_proceed;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::answers::Answer;
use super::lost;
use super::shared::Shared;
use super::token::TokenSource;
use crate::codec::DecodeError;
use crate::websocket::socket::{
    ClientStream, Close, ConnectOptions, Received, WebSocket, WebSocketUrl, connect,
};
use crate::websocket::wire::{ControlError, Token};
use crate::websocket::{CloseCode, SpokeOutput, SpokeState};
use crate::{Address, ConnectError, ConnectionState, EventId, Gap, Inlet, Rejection, SendError, Undecodable};

type Socket = WebSocket<ClientStream>;
type Connecting = Pin<Box<dyn Future<Output = Result<(Socket, Option<Token>), ConnectError>> + Send>>;
type Refreshing = Pin<Box<dyn Future<Output = Result<Token, ConnectError>> + Send>>;
type Parting = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) struct SpokeTask {
    shared: Arc<Shared>,
    url: Arc<WebSocketUrl>,
    options: Arc<ConnectOptions>,
    tokens: Option<TokenSource>,
    close_timeout: Duration,
    connecting: Option<Connecting>,
    /// A token for the connection that there is.
    refreshing: Option<Refreshing>,
    socket: Option<Socket>,
    /// What was read and is not told yet, and the end that comes after it.
    received: VecDeque<Received>,
    end: Option<CloseCode>,
    /// The last connection, while the two sides take leave.
    parting: Option<Parting>,
    timer: Pin<Box<Sleep>>,
    outputs: VecDeque<SpokeOutput>,
    inlet: Option<Arc<dyn Inlet>>,
    /// Tries since the connection was lost, and what failed last.
    attempt: u32,
    failed: Option<ConnectError>,
    /// The first time it was asked to close.
    closing_until: Option<Instant>,
    /// Events that were given up while closing.
    given_up: u64,
    connected: bool,
    stopped: Option<CloseCode>,
}

impl SpokeTask {
    pub(super) fn new(
        shared: Arc<Shared>,
        url: WebSocketUrl,
        options: ConnectOptions,
        tokens: Option<TokenSource>,
        close_timeout: Duration,
    ) -> Self {
        Self {
            shared,
            url: Arc::new(url),
            options: Arc::new(options),
            tokens,
            close_timeout,
            connecting: None,
            refreshing: None,
            socket: None,
            received: VecDeque::new(),
            end: None,
            parting: None,
            timer: Box::pin(sleep_until(Instant::now())),
            outputs: VecDeque::new(),
            inlet: None,
            attempt: 0,
            failed: None,
            closing_until: None,
            given_up: 0,
            connected: false,
            stopped: None,
        }
    }

    pub(super) fn url(&self) -> &WebSocketUrl {
        &self.url
    }

    /// The first connection: ready when the hub has said who it is.
    pub(super) async fn connect(&mut self) -> Result<(), ConnectError> {
        self.shared.act(|state, now| state.protocol.start(now));
        poll_fn(|cx| {
            let polled = self.poll(cx);
            if self.connected {
                return Poll::Ready(Ok(()));
            }
            match self.failed.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => polled.map(|()| Err(lost::error(CloseCode::Abnormal, &self.url.to_string(), None))),
            }
        })
        .await
    }

    /// Serves a bus, until it is closed or the hub says not to come back.
    pub(super) async fn run(mut self, inlet: Arc<dyn Inlet>) {
        self.inlet = Some(inlet);
        poll_fn(|cx| self.poll(cx)).await;
        let (told, refused) = {
            let mut state = self.shared.lock();
            state.closed = true;
            state.ended = true;
            (state.closing.take(), state.turn_away())
        };
        let given_up = self.given_up + refused.len() as u64;
        for (answer, error) in refused {
            let _ = answer.send(Err(error));
        }
        // The inlet goes before whoever waits is told that all is over.
        self.inlet = None;
        drop(self);
        if let Some(told) = told {
            let _ = told.send(given_up);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut busy = self.do_outputs(cx);
            busy |= self.poll_connecting(cx);
            busy |= self.poll_refreshing(cx);
            busy |= self.poll_socket(cx);
            busy |= self.poll_time(cx);
            if let Some(parting) = &mut self.parting
                && parting.as_mut().poll(cx).is_ready()
            {
                self.parting = None;
                busy = true;
            }
            if !busy {
                let over = self.stopped.is_some() && self.parting.is_none();
                return if over { Poll::Ready(()) } else { Poll::Pending };
            }
        }
    }

    /// Does all that the protocol asks for. Whether there was anything.
    fn do_outputs(&mut self, cx: &mut Context<'_>) -> bool {
        let mut outputs = std::mem::take(&mut self.outputs);
        let completed = {
            let mut state = self.shared.lock();
            outputs.extend(std::iter::from_fn(|| state.protocol.poll_output()));
            if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                state.waker = Some(cx.waker().clone());
            }
            if state.closing.is_some() && self.closing_until.is_none() {
                self.closing_until = Some(Instant::now() + self.close_timeout);
            }
            state.requests.take_completed()
        };
        let busy = !outputs.is_empty();
        outputs.drain(..).for_each(|output| self.do_output(output));
        self.outputs = outputs;
        for request in completed {
            self.tell(|inlet| inlet.subscribed(request));
        }
        busy
    }

    fn do_output(&mut self, output: SpokeOutput) {
        match output {
            SpokeOutput::Connect => {
                let (url, options) = (Arc::clone(&self.url), Arc::clone(&self.options));
                let tokens = self.tokens.clone();
                self.refreshing = None;
                self.connecting = Some(Box::pin(async move {
                    let token = match tokens {
                        Some(tokens) => Some(tokens.get().await?),
                        None => None,
                    };
                    connect(&url, &options).await.map(|(socket, _)| (socket, token))
                }));
            }
            SpokeOutput::Refresh => {
                let refreshing = self.tokens.clone().map(|tokens| Box::pin(tokens.get()) as Refreshing);
                self.refreshing = refreshing;
            }
            SpokeOutput::Send(message) => {
                if let Some(socket) = &mut self.socket {
                    socket.send(message);
                }
            }
            SpokeOutput::Ping => {
                if let Some(socket) = &mut self.socket {
                    socket.ping();
                }
            }
            SpokeOutput::Close(code) => {
                self.connecting = None;
                self.part(code);
            }
            SpokeOutput::Deliver { frame, .. } => self.tell(|inlet| inlet.deliver(frame)),
            SpokeOutput::Subscribed { address, request, .. } => self.subscribed(&address, request),
            SpokeOutput::Refused { address, request, rejection } => self.refused(address, request, rejection),
            SpokeOutput::Gap { address, reason, missed, .. } => {
                let gap = Gap::new(lost::gap_reason(&reason), missed);
                self.tell(|inlet| inlet.gap(Some(address), gap));
            }
            SpokeOutput::Published { event_id, result } => self.published(event_id, result.map(|_| ())),
            SpokeOutput::Malformed(error) => {
                let undecodable = Undecodable::new(None, decode_error(error));
                self.tell(|inlet| inlet.undecodable(undecodable));
            }
            SpokeOutput::State(state) => self.state(state),
        }
    }

    fn tell(&self, say: impl FnOnce(&dyn Inlet)) {
        if let Some(inlet) = &self.inlet {
            say(&**inlet);
        }
    }

    fn subscribed(&self, address: &Address, request: u64) {
        if self.shared.lock().requests.answered(address, request) {
            self.tell(|inlet| inlet.subscribed(request));
        }
    }

    fn refused(&self, address: Address, request: u64, rejection: Rejection) {
        let Some(complete) = self.shared.lock().requests.refused(&address, request) else { return };
        self.tell(|inlet| inlet.refused(request, address, rejection));
        if complete {
            self.tell(|inlet| inlet.subscribed(request));
        }
    }

    fn published(&mut self, event_id: EventId, result: Result<(), SendError>) {
        let (answer, refused) = {
            let mut state = self.shared.lock();
            let answer = state.answers.take(event_id);
            let now = self.shared.now();
            (answer, state.advance(now))
        };
        if self.closing_until.is_some() && matches!(result, Err(SendError::NotSent | SendError::Ambiguous)) {
            self.given_up += 1;
        }
        match (answer, result) {
            (Some(Answer::Waits(waiting)), result) => drop(waiting.send(result)),
            (Some(Answer::Told(header)), Err(error)) => self.tell(|inlet| inlet.not_sent(header, error)),
            _ => {}
        }
        for (answer, error) in refused {
            let _ = answer.send(Err(error));
        }
    }

    fn state(&mut self, state: SpokeState) {
        match state {
            SpokeState::Connected => {
                self.attempt = 0;
                self.failed = None;
                self.connected = true;
                self.tell(|inlet| inlet.state(ConnectionState::Connected));
            }
            SpokeState::Waiting { code, .. } => {
                let error = self.failed.take().unwrap_or_else(|| self.lost(code));
                if self.inlet.is_none() && !self.connected {
                    self.failed = Some(error);
                    return;
                }
                let attempt = self.attempt;
                self.attempt += 1;
                self.tell(|inlet| inlet.state(ConnectionState::Reconnecting { attempt, error }));
            }
            SpokeState::Stopped(code) => {
                self.stopped = Some(code);
                let error =
                    self.failed.take().or_else(|| (code != CloseCode::Normal).then(|| self.lost(code)));
                if self.inlet.is_none() {
                    self.failed = Some(error.unwrap_or_else(|| self.lost(code)));
                    return;
                }
                self.shared.lock().closed = true;
                self.tell(|inlet| inlet.state(ConnectionState::Closed { error }));
            }
            SpokeState::Connecting => {}
        }
    }

    fn lost(&self, code: CloseCode) -> ConnectError {
        let refusal = self.shared.lock().protocol.refusal().cloned();
        lost::error(code, &self.url.to_string(), refusal.as_ref())
    }

    fn part(&mut self, code: CloseCode) {
        let Some(mut socket) = self.socket.take() else { return };
        self.received.clear();
        self.end = None;
        let code = if code == CloseCode::Abnormal { CloseCode::GoingAway } else { code };
        socket.close(&Close::new(code.number(), code.reason()));
        let limit = self.close_timeout;
        self.parting = Some(Box::pin(async move {
            let _ = timeout(limit, socket.finish()).await;
        }));
    }

    fn poll_connecting(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(connecting) = &mut self.connecting else { return false };
        let Poll::Ready(result) = connecting.as_mut().poll(cx) else { return false };
        self.connecting = None;
        let opened = match result {
            Ok((socket, token)) => {
                self.socket = Some(socket);
                Ok(token)
            }
            Err(error) => {
                let code = lost::code(&error);
                self.failed = Some(error);
                Err(code)
            }
        };
        let mut state = self.shared.lock();
        let now = self.shared.now();
        match opened {
            Ok(token) => {
                if token.is_some() {
                    state.protocol.prove(token);
                }
                state.protocol.opened(now);
            }
            Err(code) => state.protocol.lost(now, code),
        }
        true
    }

    /// Says a new token, once there is one. Without it the hub ends the connection, and the next one asks again.
    fn poll_refreshing(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(refreshing) = &mut self.refreshing else { return false };
        let Poll::Ready(result) = refreshing.as_mut().poll(cx) else { return false };
        self.refreshing = None;
        if let (Ok(token), true) = (result, self.socket.is_some()) {
            self.shared.lock().protocol.prove(Some(token));
        }
        true
    }

    /// Reads and writes what can be. Whether something came.
    ///
    /// Each message takes its part of what the runtime lets a task do in a row: whoever reads what is delivered has a turn
    /// before it is outrun.
    fn poll_socket(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        let mut came = false;
        if self.received.is_empty() && self.end.is_none() {
            let read = socket.poll_receive(cx, |one| self.received.push_back(one));
            came = read.is_ready();
            if let Poll::Ready(Err(error)) = read {
                self.end = Some(CloseCode::from(error.close_code()));
            }
        }
        if !self.received.is_empty() {
            let mut state = self.shared.lock();
            let now = self.shared.now();
            if !state.protocol.is_welcomed() {
                state.withdraw_cancelled();
            }
            while !self.received.is_empty()
                && let Poll::Ready(budget) = poll_proceed(cx)
            {
                budget.made_progress();
                came = true;
                match self.received.pop_front() {
                    Some(Received::Message(message)) => state.protocol.receive(now, &message),
                    Some(Received::Alive) => state.protocol.pong(now),
                    Some(Received::Close(close)) => self.end = Some(CloseCode::from(close.code)),
                    None => {}
                }
            }
        }
        // What was read before the end comes before it.
        let mut end = if self.received.is_empty() { self.end } else { None };
        if end.is_none()
            && socket.waiting() > 0
            && let Poll::Ready(Err(_)) = socket.poll_flush(cx)
        {
            end = Some(CloseCode::Abnormal);
        }
        if let Some(code) = end {
            self.part(code);
            let mut state = self.shared.lock();
            let now = self.shared.now();
            state.protocol.lost(now, code);
            return true;
        }
        came
    }

    /// Does what is due. Whether anything was.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> bool {
        let next = {
            let mut state = self.shared.lock();
            if let Some(until) = self.closing_until
                && self.stopped.is_none()
                && (state.in_flight() == 0 || until <= Instant::now())
            {
                state.protocol.close();
                return true;
            }
            let next = state.protocol.next_timer().map(|at| self.shared.instant(at));
            next.into_iter().chain(self.closing_until.filter(|_| self.stopped.is_none())).min()
        };
        let Some(next) = next else { return false };
        if self.timer.deadline() != next {
            self.timer.as_mut().reset(next);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        let mut state = self.shared.lock();
        let now = self.shared.now();
        state.protocol.tick(now);
        true
    }
}

fn decode_error(error: ControlError) -> DecodeError {
    match error {
        ControlError::Payload(error) => error,
        other => DecodeError::payload("__", other),
    }
}
