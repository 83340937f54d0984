use std::task::Waker;

use fastrand::Rng;

use super::*;
use crate::websocket::socket::parser::{Found, Limits, Parser, Payload};

/// Takes as many bytes as it is told to, and says "not now" between.
struct Trickle {
    random: Rng,
    most: usize,
    vectored: bool,
    written: Vec<u8>,
    calls: usize,
}

impl Trickle {
    fn new(most: usize) -> Self {
        Self { random: Rng::with_seed(7), most, vectored: true, written: Vec::new(), calls: 0 }
    }

    fn room(&mut self) -> Option<usize> {
        self.calls += 1;
        if self.most == usize::MAX {
            return Some(usize::MAX);
        }
        self.random.bool().then(|| self.random.usize(1..=self.most))
    }
}

impl AsyncWrite for Trickle {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(room) = this.room() else { return Poll::Pending };
        let taken = bytes.len().min(room);
        this.written.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.vectored {
            let first = slices.iter().find(|slice| !slice.is_empty()).expect("something to write");
            return self.poll_write(cx, first);
        }
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.poll_write(cx, &all)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn flush(writer: &mut Writer, io: &mut Trickle) {
    let mut cx = Context::from_waker(Waker::noop());
    while writer.poll_flush(&mut cx, io).is_pending() {}
}

fn read(role: Role, mut bytes: Vec<u8>) -> Vec<Found> {
    let mut parser = Parser::new(role, Limits { message: 1 << 20 });
    let (mut from, mut all) = (0, Vec::new());
    while let Some((took, found)) = parser.read(&mut bytes[from..]).expect("it is right") {
        all.push(match found {
            Found::Message(kind, Payload::Place(place)) => {
                Found::Message(kind, Payload::Own(bytes[from..][place].to_vec()))
            }
            other => other,
        });
        from += took;
    }
    assert_eq!(from, bytes.len());
    all
}

fn message(len: usize) -> (Bytes, Found) {
    let payload: Vec<u8> = (0..len).map(|at| at as u8).collect();
    (payload.clone().into(), Found::Message(Kind::Binary, Payload::Own(payload)))
}

#[test]
fn all_comes_out_in_order_however_slowly_it_is_taken() {
    for (writes, reads) in [(Role::Server, Role::Client), (Role::Client, Role::Server)] {
        let small: &[usize] = &[0, 1, 125, 126, 3, 5];
        let large: &[usize] = &[0, 20_000, 70_000, 3, LARGE, LARGE - 1, 5];
        for (most, lens) in [(1, small), (7, small), (10_000, large), (100_000, large), (usize::MAX, large)] {
            for vectored in [true, false] {
                let (mut writer, mut io) = (Writer::new(writes), Trickle::new(most));
                io.vectored = vectored;
                let mut expected = Vec::new();
                for &len in lens {
                    let (payload, found) = message(len);
                    writer.message(Kind::Binary, payload);
                    expected.push(found);
                }
                flush(&mut writer, &mut io);
                assert_eq!(writer.bytes(), 0);
                assert!(read(reads, io.written) == expected, "{writes:?}, at most {most}");
            }
        }
    }
}

#[test]
fn what_waits_is_written_in_one_call() {
    let (mut writer, mut io) = (Writer::new(Role::Server), Trickle::new(usize::MAX));
    for _ in 0..256 {
        writer.message(Kind::Text, Bytes::from_static(&[b'x'; 150]));
    }
    flush(&mut writer, &mut io);
    assert_eq!(io.calls, 1);
}

#[test]
fn pings_go_before_messages_that_were_not_begun() {
    let (mut writer, mut io) = (Writer::new(Role::Server), Trickle::new(10));
    let (payload, first) = message(100);
    writer.message(Kind::Binary, payload);
    let mut cx = Context::from_waker(Waker::noop());
    while io.written.is_empty() {
        assert!(writer.poll_flush(&mut cx, &mut io).is_pending());
    }
    let begun = io.written.len();
    let (payload, second) = message(3);
    writer.message(Kind::Binary, payload);
    writer.pong(Bytes::from_static(b"1"));
    writer.ping();
    writer.pong(Bytes::from_static(b"2"));
    writer.close(Bytes::new());
    let waiting = writer.bytes();
    flush(&mut writer, &mut io);
    assert_eq!(waiting, io.written.len() - begun, "what waits is counted");
    let found = read(Role::Client, io.written);
    assert_eq!(found[0], first);
    assert!(matches!((&found[1], &found[2]), (Found::Pong, Found::Ping(_))), "{found:?}");
    assert_eq!(found[3], second);
    assert!(matches!(found[4], Found::Close(_)));
}
