//! The programs of the tutorial, and that of the calculation, print what the book says.

use std::fs;
use std::path::Path;
use std::process::Command;

fn prints_what_the_book_says(program: &str, name: &str) {
    // A handler of the tutorial panics on purpose: its backtrace would only be noise here.
    let output = Command::new(program).env("RUST_BACKTRACE", "0").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tutorial").join(name).with_extension("txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &output.stdout).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

macro_rules! programs {
    ($($name:ident $bin:literal)+) => {$(
        #[test]
        fn $name() {
            prints_what_the_book_says(env!(concat!("CARGO_BIN_EXE_", $bin)), stringify!($name));
        }
    )+};
}

programs! {
    events "tutorial-events"
    ids "tutorial-ids"
    operators "tutorial-operators"
    slow "tutorial-slow"
    handlers "tutorial-handlers"
    testing "tutorial-testing"
    stopping "tutorial-stopping"
    million "tutorial-million"
}
