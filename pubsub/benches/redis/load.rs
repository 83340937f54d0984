//! Publishes messages as fast as a server takes them: bytes made once, on a thread of its own.

use std::io::{Read, Write};
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

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}
