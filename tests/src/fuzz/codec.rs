//! Envelopes and payloads of each codec.

use std::marker::PhantomData;

use pubsub_transports::codec::{Codec, Json, MessagePack, Postcard};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::in_proportion;

#[path = "../../../transports/tests/wire/random.rs"]
#[allow(dead_code, reason = "of it the payload is all that is needed")]
mod random;

/// Messages of JSON.
pub fn json(input: &[u8]) {
    read(&Json::default(), input);
    payload::<serde_json::Value>(&Json::default(), input);
}

/// Messages of MessagePack.
pub fn messagepack(input: &[u8]) {
    read(&MessagePack::default(), input);
    payload::<serde_json::Value>(&MessagePack::default(), input);
}

/// Messages of postcard.
pub fn postcard(input: &[u8]) {
    read(&Postcard::default().traced(), input);
}

/// A message, or a payload alone.
fn read(codec: &impl Codec, input: &[u8]) {
    payload::<random::Tree>(codec, input);
    payload::<Vec<Vec<Vec<u64>>>>(codec, input);
    let Ok((header, raw)) = in_proportion(input.len(), 8, 4096, || codec.split(input)) else { return };
    let mut joined = Vec::new();
    codec.join(&header, raw, &mut joined).expect("it is no longer than it was");
    assert_eq!(codec.split(&joined).expect("it was written"), (header, raw));
    payload::<random::Tree>(codec, raw);
}

/// What is read is written, and read again as the same.
fn payload<P: Serialize + DeserializeOwned>(codec: &impl Codec, raw: &[u8]) {
    let decode = |raw: &[u8]| codec.decode("topic", raw, PhantomData::<P>);
    // Maps of the standard library have nodes for eleven entries, which one may have for itself.
    let Ok(value) = in_proportion(raw.len(), 256, 16 * 1024, || decode(raw)) else { return };
    let (mut once, mut twice) = (Vec::new(), Vec::new());
    if codec.encode_payload("topic", &value, &mut once).is_err() {
        // Only a text that needs to be escaped is longer than it was.
        assert!(raw.len() > 8 * 1024);
        return;
    }
    let again = decode(&once).expect("it was written");
    codec.encode_payload("topic", &again, &mut twice).expect("it was before");
    assert_eq!(once, twice);
}
