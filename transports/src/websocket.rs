//! WebSockets.
#![allow(dead_code, unused_imports)]
mod socket;
