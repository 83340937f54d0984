//! What the derives accept, and what the compiler says of each way to misuse the interface.
//!
//! How to regenerate the texts stands in the README of this package.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
