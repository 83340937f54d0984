//! The expansion of `EventMap`. It is total: a map with mistakes gets all of it too, so that one mistake is one error.
//!
//! Every name is absolute. Spans are those of the derive, but for what an error or an editor should point at: the
//! constants' names, which are the variants', and the types. Bindings and generics never have a user's span: inside
//! `macro_rules!` two spans of the same name are two names.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Generics, WherePredicate, parse_quote, parse_quote_spanned};

use crate::model::{Map, Payload, Topic};
use crate::spelling::{doc_text, hash, type_text};

/// What the expansion of either derive may say without a lint of the user's crate.
pub(crate) fn lints() -> TokenStream {
    quote!(#[allow(dead_code, deprecated, private_interfaces, unreachable_patterns, unused_qualifications, unused_variables)])
}

pub(crate) fn expand(map: &Map) -> TokenStream {
    let parts = [constants(map), checks(map), event_map(map), clone_map(map), wire_map(map)];
    parts.into_iter().collect()
}

/// `impl AppEvent { pub const SESSION_STATUS: Topic<Self, SessionStatus> = ..; }`
fn constants(map: &Map) -> TokenStream {
    let Map { input, krate, .. } = map;
    let (ident, vis, lints) = (&input.ident, &input.vis, lints());
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let constants = map.topics.iter().enumerate().filter(|(_, topic)| topic.has_constant);
    let constants = constants.map(|(index, topic)| {
        let Topic { name, constant, .. } = topic;
        let (attrs, payload) = (carried(topic), topic.payload.ty());
        // `str` is the default: without it, types are shorter in docs and hovers.
        let id = topic.id.iter();
        quote! {
            #attrs
            #vis const #constant: #krate::Topic<Self, #payload #(, #id)*> = #krate::__private::topic(#index, #name);
        }
    });
    quote! {
        #[automatically_derived]
        #lints
        impl #impl_generics #ident #ty_generics #where_clause { #(#constants)* }
    }
}

/// What the constant has of the variant: its docs, with a line about the topic, and its deprecation.
fn carried(topic: &Topic) -> TokenStream {
    let named = |name| topic.attrs.iter().filter(move |attr| attr.path().is_ident(name));
    let docs: Vec<_> = named("doc").collect();
    let deprecated = named("deprecated");
    let paragraph = (!docs.is_empty()).then(|| quote!(#[doc = ""]));
    let line = format!("Topic `{}`.", topic.name);
    quote!(#(#docs)* #paragraph #[doc = #line] #(#deprecated)*)
}

/// Code that never runs. It reports a type that cannot be an id where that is written, once for each type, and reads
/// the fields: a map is mostly used by its topics, and the compiler would call its fields dead.
fn checks(map: &Map) -> TokenStream {
    let Map { input, krate, .. } = map;
    let (ident, lints) = (&input.ident, lints());
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let ids =
        distinct(map.topics.iter().filter_map(|topic| topic.id.as_ref()).map(ToTokens::to_token_stream));
    let reads = map.topics.iter().filter_map(|Topic { variant, payload, .. }| match payload {
        Payload::Unit | Payload::Named(_) => None,
        Payload::Newtype(_) => Some(quote!(#ident::#variant(__0) => {})),
        Payload::Tuple(types) => {
            let fields = fields(types.len());
            Some(quote!(#ident::#variant(#(#fields),*) => {}))
        }
    });
    quote! {
        const _: () = {
            #lints
            fn __checks #impl_generics (__map: #ident #ty_generics) #where_clause {
                #(#krate::__private::topic_id::<#ids>();)*
                match __map { #(#reads)* _ => {} }
            }
        };
    }
}

fn event_map(map: &Map) -> TokenStream {
    let krate = &map.krate;
    let infos = map.topics.iter().map(|topic| {
        let name = &topic.name;
        let variant = topic.variant.unraw().to_string();
        let payload = type_text(topic.payload.ty());
        let id = topic.id.as_ref().map_or_else(|| "str".to_owned(), type_text);
        let (doc, hash) = (doc_text(topic.attrs), hash([name, &payload, &id]));
        quote!(#krate::__private::topic_info(#name, #variant, #payload, #id, #doc, #hash))
    });
    let mut sorted: Vec<_> =
        map.topics.iter().enumerate().map(|(index, topic)| (&topic.name, index)).collect();
    sorted.sort_unstable();
    let sorted = sorted.into_iter().map(|(name, index)| quote!((#name, #index)));
    let items = quote! {
        const TOPICS: &'static [#krate::TopicInfo] = &[#(#infos),*];
        const __BY_NAME: &'static [(&'static ::core::primitive::str, ::core::primitive::usize)] = &[#(#sorted),*];
    };
    implement(map, &quote!(EventMap), generics(&map.input.generics), &items)
}

/// The enum from a stored event, by a clone of the payload.
fn clone_map(map: &Map) -> TokenStream {
    let krate = &map.krate;
    let arms = arms(map, |topic, payload, id| {
        build(topic.variant, &topic.payload, &quote!(__stored.take::<#payload, #id>()))
    });
    let items = quote! {
        fn __from_stored(__stored: #krate::__private::Stored) -> Self {
            match __stored.topic() { #arms }
        }
    };
    implement(map, &quote!(CloneMap), deferred(map, "ClonePayload"), &items)
}

/// The payloads to and from a wire. Whether there is a wire, the crate decides that is named: features of a macro
/// crate are those of the host.
fn wire_map(map: &Map) -> TokenStream {
    let krate = &map.krate;
    let serialize =
        arms(map, |_, payload, id| quote!(__stored.serialize::<#payload, #id, __S>(__serializer)));
    let deserialize = arms(map, |topic, payload, id| {
        let index = map.topics.iter().position(|other| std::ptr::eq(topic, other));
        let name = &topic.name;
        quote! {
            #krate::__private::Stored::deserialize(
                #krate::__private::topic::<Self, #payload, #id>(#index, #name), __id, __deserializer,
            )
        }
    });
    let serde = quote!(#krate::__private::serde);
    let items = quote! {
        fn __serialize<__S: #serde::Serializer>(
            __stored: &#krate::__private::Stored,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __stored.topic() { #serialize }
        }
        fn __deserialize<'__de, __D: #serde::Deserializer<'__de>>(
            __topic: ::core::primitive::usize,
            __id: &::core::primitive::str,
            __deserializer: __D,
        ) -> ::core::result::Result<#krate::__private::Stored, __D::Error> {
            match __topic { #deserialize }
        }
    };
    let wire_map = implement(map, &quote!(WireMap), deferred(map, "WirePayload"), &items);
    quote!(#krate::__if_serde! { #wire_map })
}

/// The arms of a `match` on a topic's index; `arm` is given the types of payload and id.
fn arms(map: &Map, arm: impl Fn(&Topic, &TokenStream, &TokenStream) -> TokenStream) -> TokenStream {
    let krate = &map.krate;
    let arms = map.topics.iter().enumerate().map(|(index, topic)| {
        let id = topic.id.as_ref().map_or_else(|| quote!(::core::primitive::str), ToTokens::to_token_stream);
        let arm = arm(topic, &topic.payload.ty(), &id);
        quote!(#index => #arm,)
    });
    quote!(#(#arms)* __index => #krate::__private::no_such_topic(__index),)
}

/// `Self::Variant(..)` from an expression of the payload.
pub(crate) fn build(variant: &Ident, payload: &Payload, value: &TokenStream) -> TokenStream {
    match payload {
        Payload::Unit => quote!({ let () = #value; Self::#variant }),
        Payload::Newtype(_) => quote!(Self::#variant(#value)),
        Payload::Tuple(types) => {
            let fields = fields(types.len());
            quote!({ let (#(#fields),*) = #value; Self::#variant(#(#fields),*) })
        }
        Payload::Named(_) => quote!({ let () = #value; ::core::unreachable!() }),
    }
}

fn fields(count: usize) -> Vec<Ident> {
    (0..count).map(|place| format_ident!("__{place}")).collect()
}

fn implement(map: &Map, name: &TokenStream, generics: Generics, items: &TokenStream) -> TokenStream {
    let Map { input, krate, .. } = map;
    let (ident, lints) = (&input.ident, lints());
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        #lints
        impl #impl_generics #krate::#name for #ident #ty_generics #where_clause { #items }
    }
}

/// The generics with what every event map asks of its parameters.
pub(crate) fn generics(generics: &Generics) -> Generics {
    let mut bounded = generics.clone();
    let predicates = &mut bounded.make_where_clause().predicates;
    for param in generics.type_params() {
        let ident = &param.ident;
        predicates.push(parse_quote!(#ident: ::core::marker::Send + ::core::marker::Sync + 'static));
    }
    // Refused, and yet no second error.
    for param in generics.lifetimes() {
        let lifetime = &param.lifetime;
        predicates.push(parse_quote!(#lifetime: 'static));
    }
    bounded
}

/// The generics with a bound on each payload and id that is checked where the impl is used, not here: a bound with
/// a lifetime of its own may be false.
fn deferred(map: &Map, payload_bound: &str) -> Generics {
    let krate = &map.krate;
    let payload_bound = format_ident!("{payload_bound}");
    let mut generics = generics(&map.input.generics);
    let predicates = &mut generics.make_where_clause().predicates;
    let payloads = map.topics.iter().map(|topic| topic.payload.ty());
    predicates
        .extend(distinct(payloads).iter().map(|ty| for_any(ty, &quote!(#krate::__private::#payload_bound))));
    let ids = map.topics.iter().filter_map(|topic| topic.id.as_ref()).map(ToTokens::to_token_stream);
    predicates.extend(distinct(ids).iter().map(|ty| for_any(ty, &quote!(#krate::__private::DeferredId))));
    generics
}

pub(crate) fn for_any(ty: &TokenStream, bound: &TokenStream) -> WherePredicate {
    // Located at the type, so that an error can show whose payload it is.
    let span = Span::call_site().located_at(ty.span());
    let lifetime = quote_spanned!(span=> '__a);
    parse_quote_spanned!(span=> for<#lifetime> #ty: #bound<#lifetime>)
}

fn distinct(types: impl Iterator<Item = TokenStream>) -> Vec<TokenStream> {
    let mut seen = HashSet::new();
    types.filter(|ty| seen.insert(ty.to_string())).collect()
}
