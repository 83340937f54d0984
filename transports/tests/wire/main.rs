//! The parts of a wire: event ids, addresses, frames, codecs, errors, backoff.

mod address;
mod backoff;
#[cfg(feature = "json")]
mod dispatch;
mod error;
mod event_id;
mod frame;

#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
mod bounds;
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
mod garbage;
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
mod golden;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "messagepack")]
mod messagepack;
#[cfg(feature = "postcard")]
mod postcard;
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
mod random;
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
mod round_trip;
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
mod secrets;
#[cfg(all(feature = "tracing", any(feature = "json", feature = "messagepack", feature = "postcard")))]
mod trace;

/// The generator of a test: the same in every run, unless `SEED` is set. Printed, and shown when a test fails.
fn random(default: u64) -> fastrand::Rng {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(default);
    println!("SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// Runs a generic function with each codec that is compiled.
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
macro_rules! each_codec {
    ($($function:ident)*) => {$(
        mod $function {
            #[cfg(feature = "json")]
            #[test]
            fn json() {
                super::$function(pubsub_transports::codec::Json::default());
            }

            #[cfg(feature = "messagepack")]
            #[test]
            fn messagepack() {
                super::$function(pubsub_transports::codec::MessagePack::default());
            }

            #[cfg(feature = "postcard")]
            #[test]
            fn postcard() {
                super::$function(pubsub_transports::codec::Postcard::default());
            }
        }
    )*};
}
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
use each_codec;

/// Decodes as a type, without a seed of its own.
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
fn decode<P: serde::de::DeserializeOwned>(
    codec: &impl pubsub_transports::codec::Codec,
    payload: &[u8],
) -> Result<P, pubsub_transports::codec::DecodeError> {
    codec.decode("topic", payload, std::marker::PhantomData::<P>)
}
