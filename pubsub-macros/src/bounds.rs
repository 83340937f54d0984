//! The where clauses of the expansion.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Generics;
use syn::spanned::Spanned;

use crate::model::{Map, Payload};

/// The where clauses of the enum, and what every event map and subset asks of its parameters.
pub(crate) fn of_generics(generics: &Generics) -> Vec<TokenStream> {
    let given =
        generics.where_clause.iter().flat_map(|clause| &clause.predicates).map(ToTokens::to_token_stream);
    let types = generics.type_params().map(|param| {
        let ident = &param.ident;
        quote!(#ident: ::core::marker::Send + ::core::marker::Sync + 'static)
    });
    // Refused, and yet no second error.
    let lifetimes = generics.lifetimes().map(|param| {
        let lifetime = &param.lifetime;
        quote!(#lifetime: 'static)
    });
    given.chain(types).chain(lifetimes).collect()
}

/// That the enum is `Send` and `Sync` is asked by the bound, not by the trait: if a payload is not, the error stands
/// at the payload.
pub(crate) fn of_map(map: &Map) -> Vec<TokenStream> {
    let mut bounds = of_generics(&map.input.generics);
    bounds.push(of_enum(map, "DeferredShared"));
    bounds
}

/// A bound on the enum itself.
pub(crate) fn of_enum(map: &Map, bound: &str) -> TokenStream {
    let Map { input, krate, .. } = map;
    let (ident, (_, ty_generics, _)) = (&input.ident, input.generics.split_for_impl());
    let bound = format_ident!("{bound}");
    for_any(&quote!(#ident #ty_generics), &quote!(#krate::__private::#bound))
}

/// A bound on each payload and id that is checked where the impl is used, not here.
pub(crate) fn deferred(map: &Map, payload_bound: impl Fn(&Payload) -> &'static str) -> Vec<TokenStream> {
    let krate = &map.krate;
    let id_bound = quote!(#krate::__private::DeferredId);
    let mut bounds = of_payloads(map, payload_bound);
    bounds.extend(map.distinct_ids().map(|ty| for_any(&ty.to_token_stream(), &id_bound)));
    bounds
}

/// The same, but for ids.
pub(crate) fn of_payloads(map: &Map, payload_bound: impl Fn(&Payload) -> &'static str) -> Vec<TokenStream> {
    let krate = &map.krate;
    let of_payload = |payload: &Payload| {
        let bound = format_ident!("{}", payload_bound(payload));
        for_any(&payload.ty(), &quote!(#krate::__private::#bound))
    };
    let mut bounds = of_map(map);
    bounds.extend(map.distinct_payloads().map(of_payload));
    bounds
}

/// A bound with a lifetime of its own, which may be false where it stands.
pub(crate) fn for_any(ty: &TokenStream, bound: &TokenStream) -> TokenStream {
    // Located at the type, so that an error can show whose payload it is.
    let span = Span::call_site().located_at(ty.span());
    quote_spanned!(span=> for<'__a> #ty: #bound<'__a>)
}
