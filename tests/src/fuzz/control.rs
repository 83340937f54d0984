//! Control messages of hub and spoke.

use std::fmt::Debug;

use pubsub_transports::codec::{Codec, Json, MessagePack, Postcard};
use pubsub_transports::websocket::wire::{Command, Reply};

use super::in_proportion;

/// The first byte says in which codec; the rest is the message.
pub fn control(input: &[u8]) {
    let Some((codec, message)) = input.split_first() else { return };
    match codec % 3 {
        0 => read(&Json::default(), message),
        1 => read(&MessagePack::default(), message),
        _ => read(&Postcard::default(), message),
    }
}

fn read(codec: &impl Codec, message: &[u8]) {
    let Ok((header, payload)) = codec.split(message) else { return };
    let decode = || (Command::decode(codec, &header, payload), Reply::decode(codec, &header, payload));
    let (command, reply) = in_proportion(message.len(), 256, 16 * 1024, decode);
    if let Ok(command) = command {
        let again = command.encode(codec, header.id()).expect("it is no longer than it was");
        let (header, payload) = codec.split(&again).expect("it was written");
        same(&Command::decode(codec, &header, payload).expect("it was written"), &command);
    }
    if let Ok(reply) = reply {
        let again = reply.encode(codec, header.id()).expect("it is no longer than it was");
        let (header, payload) = codec.split(&again).expect("it was written");
        same(&Reply::decode(codec, &header, payload).expect("it was written"), &reply);
    }
}

fn same<T: PartialEq + Debug>(one: &T, other: &T) {
    assert_eq!(one, other);
}
