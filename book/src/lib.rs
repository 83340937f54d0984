//! The guide's chapters, compiled: every snippet in them is a test, `cargo test -p pubsub-book`.
#![forbid(unsafe_code)]

#[doc = include_str!("../chapters/introduction.md")]
pub mod introduction {}

#[doc = include_str!("../chapters/design.md")]
pub mod design {}
