//! Derive macros of the `pubsub` crate.

mod errors;
mod expand;
mod model;
mod naming;
mod parse;
mod spelling;
mod subset;
mod validate;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// d
#[proc_macro_derive(EventMap, attributes(event, event_map))]
pub fn derive_event_map(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let mut errors = errors::Errors::default();
    let mut map = model::Map::new(&input, &mut errors);
    validate::validate(&mut map, &mut errors);
    let mut tokens = expand::expand(&map);
    tokens.extend(errors.into_compile_errors());
    tokens.into()
}

/// d
#[proc_macro_derive(EventSubset, attributes(event, event_subset))]
pub fn derive_event_subset(input: TokenStream) -> TokenStream {
    subset::derive(&parse_macro_input!(input as DeriveInput)).into()
}
