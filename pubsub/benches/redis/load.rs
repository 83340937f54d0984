//! Publishes messages as fast as a server takes them: bytes made once, on a thread of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread::JoinHandle;

use crate::app::{CHANNEL, message};

const BATCH: usize = 200;

/// `count` messages to [`CHANNEL`].
pub(crate) fn publish(url: &str, count: usize) -> JoinHandle<()> {
    let address = url.trim_start_matches("redis://").to_owned();
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let message = message();
        let (channel, message) = (bulk(CHANNEL), bulk(&message));
        let command = format!("*3\r\n{}{channel}{message}", bulk("PUBLISH"));
        let batch = command.repeat(BATCH);
        // Every reply is `:1` where one follows the channel.
        let mut replies = [0; 4 * BATCH];
        for _ in 0..count / BATCH {
            stream.write_all(batch.as_bytes()).expect("written");
            stream.read_exact(&mut replies).expect("answered");
        }
        assert!(count.is_multiple_of(BATCH) && replies.ends_with(b":1\r\n"));
    })
}

/// `count` entries to the stream with this key, as who publishes to a durable bus adds them.
pub(crate) fn add(url: &str, key: &str, count: usize) -> JoinHandle<()> {
    let address = url.trim_start_matches("redis://").to_owned();
    let words = ["XADD", key, "*", "id", "1", "event", &message()].map(bulk).concat();
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let batch = format!("*7\r\n{words}").repeat(BATCH);
        let mut replies = BufReader::new(stream.try_clone().expect("a handle"));
        let mut reply = String::new();
        for _ in 0..count / BATCH {
            stream.write_all(batch.as_bytes()).expect("written");
            // An id is its length and its text.
            for _ in 0..2 * BATCH {
                reply.clear();
                replies.read_line(&mut reply).expect("answered");
            }
        }
        assert!(count.is_multiple_of(BATCH) && reply.contains('-'), "{reply}");
    })
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}
