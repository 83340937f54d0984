//! The expansion of `EventMap`. It is total: a map with mistakes gets all of it too, so that one mistake is one error.
//!
//! Every name is absolute. Spans are those of the derive, but for what an error or an editor should point at: the
//! constants' names, which are the variants', and the types. Bindings and generics never have a user's span: inside
//! `macro_rules!` two spans of the same name are two names.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::bounds;
use crate::model::{Map, Payload, Topic};
use crate::spelling::{deprecated_note, doc_text, hash};

/// What the expansion of either derive may say without a lint of the user's crate.
pub(crate) fn lints() -> TokenStream {
    quote!(#[allow(dead_code, deprecated)])
}

/// A half that is asked for only in some places is one more function here, with deferred bounds, as that for a wire.
pub(crate) fn expand(map: &Map) -> TokenStream {
    let parts = [constants(map), reads(map), event_map(map), clone_map(map), wire_map(map), schema_map(map)];
    parts.into_iter().collect()
}

/// `impl AppEvent { pub const SESSION_STATUS: Topic<Self, SessionStatus> = ..; }`
fn constants(map: &Map) -> TokenStream {
    let Map { input, krate, .. } = map;
    let (ident, vis, lints, bounds) =
        (&input.ident, &input.vis, lints(), bounds::of_generics(&input.generics));
    let (impl_generics, ty_generics, _) = input.generics.split_for_impl();
    let constants = map.topics.iter().filter(|topic| topic.has_constant).map(|topic| {
        let Topic { index, name, constant, .. } = topic;
        let (attrs, payload) = (carried(topic), topic.payload.ty());
        // `str` is the default: without it, types are shorter in docs and hovers.
        let id = topic.id.iter();
        let given_id = id_type(topic);
        quote! {
            #attrs
            #vis const #constant: #krate::Topic<Self, #payload #(, #id)*> =
                #krate::__private::topic::<Self, #payload, #given_id>(#index, #name);
        }
    });
    quote! {
        #[automatically_derived]
        #lints
        impl #impl_generics #ident #ty_generics where #(#bounds,)* { #(#constants)* }
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

/// Reads the fields, in code that never runs: a map is mostly used by its topics, and the compiler would call its
/// fields dead.
fn reads(map: &Map) -> TokenStream {
    let (ident, lints) = (&map.input.ident, lints());
    let (impl_generics, ty_generics, where_clause) = map.input.generics.split_for_impl();
    let reads = map.topics.iter().filter_map(|Topic { variant, payload, .. }| {
        let fields = match payload {
            Payload::Unit | Payload::Refused(_) => return None,
            Payload::Newtype(_) => fields(1),
            Payload::Tuple(_, types) => fields(types.len()),
        };
        Some(quote!(#ident::#variant(#(#fields),*) => {}))
    });
    quote! {
        const _: () = {
            #lints
            fn __reads #impl_generics (__map: #ident #ty_generics) #where_clause {
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
        let Topic { payload_text: payload, id_text: id, .. } = topic;
        let (doc, hash) = (doc_text(topic.attrs), hash([name, payload, id]));
        let info = quote!(#krate::__private::topic_info(#name, #variant, #payload, #id, #doc, #hash));
        match deprecated_note(topic.attrs) {
            Some(note) => quote!(#krate::__private::deprecated(#info, #note)),
            None => info,
        }
    });
    let mut sorted: Vec<_> = map.topics.iter().map(|topic| (&topic.name, topic.index)).collect();
    sorted.sort_unstable();
    let sorted = sorted.into_iter().map(|(name, index)| quote!((#name, #index)));
    let items = quote! {
        const TOPICS: &'static [#krate::TopicInfo] = &[#(#infos),*];
        const __BY_NAME: &'static [(&'static ::core::primitive::str, ::core::primitive::usize)] = &[#(#sorted),*];
    };
    implement(map, "EventMap", &bounds::of_map(map), &items)
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
    implement(map, "CloneMap", &bounds::deferred(map, |_| "ClonePayload"), &items)
}

/// The payloads to and from a wire. Whether there is a wire, the crate decides that is named: features of a macro
/// crate are those of the host.
fn wire_map(map: &Map) -> TokenStream {
    let krate = &map.krate;
    let serialize =
        arms(map, |_, payload, id| quote!(__stored.serialize::<#payload, #id, __S>(__serializer)));
    let deserialize = arms(map, |topic, payload, id| {
        let Topic { index, name, .. } = topic;
        quote! {
            #krate::__private::Stored::deserialize::<#payload, #id, __D>(#index, #name, __id, __deserializer)
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
    // The bound on a reference says what is wrong with it.
    let bounds =
        bounds::deferred(map, |payload| if payload.is_borrowed() { "OwnedPayload" } else { "WirePayload" });
    let wire_map = implement(map, "WireMap", &bounds, &items);
    quote!(#krate::__if_serde! { #wire_map })
}

/// The schemas of the payloads. Whether there are schemas, the crate decides that is named, as for a wire.
fn schema_map(map: &Map) -> TokenStream {
    let Map { input, krate, .. } = map;
    let (name, doc) = (input.ident.unraw().to_string(), doc_text(&input.attrs));
    let payload =
        arms(map, |_, payload, _| quote!(#krate::__private::payload_schema::<#payload>(__generator)));
    let items = quote! {
        const __NAME: &'static ::core::primitive::str = #name;
        const __DOC: &'static ::core::primitive::str = #doc;
        fn __payload(
            __topic: ::core::primitive::usize,
            __generator: &mut #krate::__private::SchemaGenerator,
        ) -> #krate::__private::Schema {
            match __topic { #payload }
        }
    };
    let mut bounds = bounds::of_payloads(map, |_| "SchemaPayload");
    bounds.push(bounds::of_enum(map, "DeferredWire"));
    let schema_map = implement(map, "SchemaMap", &bounds, &items);
    quote!(#krate::__if_schema! { #schema_map })
}

/// The arms of a `match` on a topic's index; `arm` is given the types of payload and id.
fn arms(map: &Map, arm: impl Fn(&Topic, &TokenStream, &TokenStream) -> TokenStream) -> TokenStream {
    let krate = &map.krate;
    let arms = map.topics.iter().filter(|topic| !matches!(topic.payload, Payload::Refused(_))).map(|topic| {
        let index = topic.index;
        let arm = arm(topic, &topic.payload.ty(), &id_type(topic));
        quote!(#index => #arm,)
    });
    quote!(#(#arms)* __index => #krate::__private::no_such_topic(__index),)
}

fn id_type(topic: &Topic) -> TokenStream {
    topic.id.as_ref().map_or_else(|| quote!(::core::primitive::str), ToTokens::to_token_stream)
}

/// `Self::Variant(..)` from an expression of the payload.
pub(crate) fn build(variant: &Ident, payload: &Payload, value: &TokenStream) -> TokenStream {
    match payload {
        Payload::Unit => quote!({ let () = #value; Self::#variant }),
        Payload::Newtype(_) => quote!(Self::#variant(#value)),
        Payload::Tuple(_, types) => {
            let fields = fields(types.len());
            quote!({ let (#(#fields),*) = #value; Self::#variant(#(#fields),*) })
        }
        // Refused: there is nothing to build.
        Payload::Refused(_) => TokenStream::new(),
    }
}

fn fields(count: usize) -> Vec<Ident> {
    (0..count).map(|place| format_ident!("__{place}")).collect()
}

fn implement(map: &Map, name: &str, bounds: &[TokenStream], items: &TokenStream) -> TokenStream {
    let Map { input, krate_at_enum, .. } = map;
    let (ident, lints) = (&input.ident, lints());
    let (impl_generics, ty_generics, _) = input.generics.split_for_impl();
    let name = Ident::new(name, ident.span());
    let path = quote_spanned!(ident.span()=> #krate_at_enum::#name);
    // A page of docs has no use for a bound on each payload.
    let hidden = (name != "EventMap").then(|| quote!(#[doc(hidden)]));
    quote! {
        #[automatically_derived]
        #hidden
        #lints
        impl #impl_generics #path for #ident #ty_generics where #(#bounds,)* { #items }
    }
}
