//! Derive macros of the `pubsub` crate.
use proc_macro::TokenStream;

/// d
#[proc_macro_derive(EventMap, attributes(event, event_map))]
pub fn derive_event_map(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// d
#[proc_macro_derive(EventSubset, attributes(event_subset))]
pub fn derive_event_subset(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
