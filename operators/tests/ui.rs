//! What the compiler infers, and what it says where it cannot.
//!
//! The texts in `ui/fail` belong to the compiler that `rust-toolchain.toml` pins. `TRYBUILD=overwrite cargo test -p
//! pubsub-operators --test ui` writes them anew; read the difference before it is committed.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
