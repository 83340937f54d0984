//! What hostile input is fed to: a function for each target, which `tests/fuzz` gives to a fuzzer, and the test `fuzz` the
//! inputs that were kept. Each takes any bytes, and panics only where a promise is broken.

mod bus;
mod codec;
mod control;
mod handshake;
mod hub;
mod pipe;
mod recovery;
mod redis;
mod socket;
mod spoke;
mod text;

pub use self::bus::bus;
pub use self::codec::{json, messagepack, postcard};
pub use self::control::control;
pub use self::handshake::handshake;
pub use self::hub::hub;
pub use self::pipe::pipe;
pub use self::recovery::recovery;
pub use self::redis::redis;
pub use self::socket::socket;
pub use self::spoke::spoke;
pub use self::text::text;

/// Lets a fuzzer run a target.
#[macro_export]
macro_rules! fuzz_target {
    ($name:ident) => {
        #[global_allocator]
        static ALLOCATOR: $crate::memory::Counting = $crate::memory::Counting;

        libfuzzer_sys::fuzz_target!(|input: &[u8]| $crate::fuzz::$name(input));
    };
}

/// Nothing but `work` is measured: it takes at most so many bytes for each of the input, and a constant.
fn in_proportion<T>(input: usize, each: usize, constant: usize, work: impl FnOnce() -> T) -> T {
    let (result, peak) = crate::memory::peak(work);
    let most = each * input + constant;
    assert!(peak <= most, "{peak} bytes for an input of {input}");
    result
}

/// Bytes in pieces of one size.
fn pieces(bytes: &[u8], size: usize) -> Vec<&[u8]> {
    bytes.chunks(size.max(1)).collect()
}
