//! What waits to be written on one connection, and how it is: all in one call.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

use super::frame::{Head, Kind, MAX_HEAD, Opcode};
use super::stream::Role;
use super::{mask, scratch};

/// From this length on a payload is written from where it is; below, copying it beside the others costs less.
const LARGE: usize = 16 * 1024;
/// How many frames are written from where they are in one call.
const VECTORED: usize = 32;
/// A queue that is empty keeps no more room than this.
const KEPT: usize = 4;

pub(super) struct Writer {
    masks: Option<fastrand::Rng>,
    /// Before the messages.
    control: VecDeque<Frame>,
    messages: VecDeque<Frame>,
    /// The frame that was written in part, and how much of it.
    begun: Option<(Frame, usize)>,
    bytes: usize,
}

struct Frame {
    opcode: Opcode,
    key: Option<[u8; 4]>,
    payload: Bytes,
}

impl Frame {
    fn head(&self) -> ([u8; MAX_HEAD], usize) {
        let mut bytes = [0; MAX_HEAD];
        let head = Head { fin: true, opcode: self.opcode, key: self.key, len: self.payload.len() as u64 };
        let size = head.write(&mut bytes);
        (bytes, size)
    }

    fn size(&self) -> usize {
        let len = self.payload.len();
        let length = match len {
            0..=125 => 2,
            126..=0xFFFF => 4,
            _ => 10,
        };
        length + if self.key.is_some() { 4 } else { 0 } + len
    }

    /// Appends what is left of it after `from`, as far as there is room.
    fn copy(&self, from: usize, room: &mut Vec<u8>, limit: usize) {
        let (head, size) = self.head();
        if from < size {
            room.extend_from_slice(&head[from..size]);
        }
        let begin = from.saturating_sub(size);
        let end = self.payload.len().min(begin + limit.saturating_sub(room.len()));
        let at = room.len();
        room.extend_from_slice(&self.payload[begin..end]);
        if let Some(key) = self.key {
            mask::apply(key, begin, &mut room[at..]);
        }
    }
}

impl Writer {
    /// What `role` writes. A client masks.
    pub(super) fn new(role: Role) -> Self {
        Self {
            masks: (role == Role::Client).then(fastrand::Rng::new),
            control: VecDeque::new(),
            messages: VecDeque::new(),
            begun: None,
            bytes: 0,
        }
    }

    pub(super) fn message(&mut self, kind: Kind, payload: Bytes) {
        let frame = self.frame(Opcode::Data(kind), payload);
        self.messages.push_back(frame);
    }

    pub(super) fn ping(&mut self) {
        let frame = self.frame(Opcode::Ping, Bytes::new());
        self.control.push_back(frame);
    }

    /// Only the last ping needs an answer: however many come, one waits.
    pub(super) fn pong(&mut self, payload: Bytes) {
        let frame = self.frame(Opcode::Pong, payload);
        match self.control.iter_mut().find(|frame| frame.opcode == Opcode::Pong) {
            Some(waiting) => {
                self.bytes -= waiting.size();
                *waiting = frame;
            }
            None => self.control.push_back(frame),
        }
    }

    /// The last frame: after the messages that wait, which are what was to be said before.
    pub(super) fn close(&mut self, payload: Bytes) {
        let frame = self.frame(Opcode::Close, payload);
        self.messages.push_back(frame);
    }

    /// Forgets what was not begun.
    pub(super) fn clear(&mut self) {
        self.control.clear();
        self.messages.clear();
        self.bytes = self.begun.as_ref().map_or(0, |(frame, written)| frame.size() - written);
    }

    fn frame(&mut self, opcode: Opcode, payload: Bytes) -> Frame {
        let key = self.masks.as_mut().map(|random| random.u32(..).to_ne_bytes());
        let frame = Frame { opcode, key, payload };
        self.bytes += frame.size();
        frame
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn in_order(&self) -> impl Iterator<Item = (&Frame, usize)> {
        let begun = self.begun.iter().map(|(frame, written)| (frame, *written));
        begun.chain(self.control.iter().chain(&self.messages).map(|frame| (frame, 0)))
    }

    /// Writes all that waits.
    pub(super) fn poll_flush<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut S,
    ) -> Poll<io::Result<()>> {
        while self.bytes > 0 {
            let written = ready!(self.poll_write(cx, Pin::new(io)))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        Pin::new(io).poll_flush(cx)
    }

    fn poll_write<S: AsyncWrite>(&self, cx: &mut Context<'_>, io: Pin<&mut S>) -> Poll<io::Result<usize>> {
        let large = |frame: &Frame| frame.key.is_none() && frame.payload.len() >= LARGE;
        if self.in_order().next().is_some_and(|(frame, _)| large(frame)) {
            return self.poll_write_vectored(cx, io);
        }
        scratch::with_write(|room| {
            for (frame, from) in self.in_order().take_while(|(frame, _)| !large(frame)) {
                if room.len() + MAX_HEAD >= scratch::SIZE {
                    break;
                }
                frame.copy(from, room, scratch::SIZE);
            }
            io.poll_write(cx, room)
        })
    }

    fn poll_write_vectored<S: AsyncWrite>(
        &self,
        cx: &mut Context<'_>,
        io: Pin<&mut S>,
    ) -> Poll<io::Result<usize>> {
        let mut heads = [([0; MAX_HEAD], 0); VECTORED];
        for ((frame, _), head) in self.in_order().zip(&mut heads) {
            *head = frame.head();
        }
        let mut slices = [IoSlice::new(&[]); 2 * VECTORED];
        let mut count = 0;
        for ((frame, from), (head, size)) in self.in_order().zip(&heads) {
            let (head, payload) =
                (&head[from.min(*size)..*size], &frame.payload[from.saturating_sub(*size)..]);
            for part in [head, payload] {
                slices[count] = IoSlice::new(part);
                count += 1;
            }
        }
        io.poll_write_vectored(cx, &slices[..count])
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while written > 0 {
            let next = self.begun.take().or_else(|| {
                let frame = self.control.pop_front().or_else(|| self.messages.pop_front());
                frame.map(|frame| (frame, 0))
            });
            let Some((frame, before)) = next else { return };
            let left = frame.size() - before;
            if written < left {
                self.begun = Some((frame, before + written));
                return;
            }
            written -= left;
        }
        if self.messages.is_empty() && self.messages.capacity() > KEPT {
            self.messages = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests;
