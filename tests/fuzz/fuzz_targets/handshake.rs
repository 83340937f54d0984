#![no_main]

pubsub_tests::fuzz_target!(handshake);
