//! The inputs that fuzzers have found to be worth keeping: whatever comes, no promise is broken. `tests/fuzz` looks for more.

use std::fs;
use std::path::Path;

use pubsub_tests::{fuzz, memory};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

fn feed(name: &str, target: fn(&[u8])) {
    let (kept, bytes) = memory::peak(|| vec![0_u8; 1000]);
    assert_eq!((kept.len(), bytes), (1000, 1000), "memory is counted");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() > 10, "there are {} inputs in {}", inputs.len(), folder.display());
    target(&[]);
    for path in inputs {
        println!("{}", path.display());
        target(&fs::read(&path).unwrap());
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            feed(stringify!($name), fuzz::$name);
        })*

        const TARGETS: &[&str] = &[$(stringify!($name)),*];
    };
}

targets! { bus control handshake hub json messagepack pipe postcard recovery redis socket spoke text }

#[test]
fn every_target_is_one_of_the_fuzzers_too() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let named: Vec<&str> =
        manifest.lines().filter_map(|line| line.strip_prefix("name = \"")).skip(1).collect();
    let named: Vec<&str> = named.into_iter().map(|name| name.trim_end_matches('"')).collect();
    assert_eq!(named, TARGETS);
    for name in TARGETS {
        assert!(fuzz.join("fuzz_targets").join(name).with_extension("rs").exists(), "{name}");
    }
    // Many files, and small: they are in the repository for ever.
    let folders = fs::read_dir(fuzz.join("corpus")).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap());
    let bytes: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes < 1 << 20, "{bytes} bytes");
}
