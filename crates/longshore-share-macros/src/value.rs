//! `shared_value!`: a plain value that crosses in a capsule of its own.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, ItemStruct, LitInt};

use crate::declaration::{check_data, read_abi};
use crate::generate::{data, data_hash};

/// `abi = 1; pub struct Input { pub x: i32 }`
pub(crate) struct Value {
    abi: LitInt,
    data: ItemStruct,
}

impl Parse for Value {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let abi = read_abi(input)?;
        let attributes = input.call(Attribute::parse_outer)?;
        let mut data: ItemStruct = input.parse()?;
        data.attrs = attributes;
        check_data(&data)?;
        Ok(Self { abi, data })
    }
}

pub(crate) fn value(value: &Value) -> TokenStream {
    let Value { abi, data: given } = value;
    let name = &given.ident;
    let text = name.to_string();
    let (definition, hashed) = (data(given), data_hash(given));
    quote! {
        #[derive(::core::clone::Clone, ::core::marker::Copy)]
        #definition

        // SAFETY: the layout is fixed, and its hash is made of every field.
        unsafe impl ::longshore_share::SharedValue for #name {
            const NAME: &'static str = #text;
            const CORE: &'static str = ::core::env!("CARGO_PKG_NAME");
            const VERSION: [u32; 3] = [
                ::longshore_share::layout::number(::core::env!("CARGO_PKG_VERSION_MAJOR")),
                ::longshore_share::layout::number(::core::env!("CARGO_PKG_VERSION_MINOR")),
                ::longshore_share::layout::number(::core::env!("CARGO_PKG_VERSION_PATCH")),
            ];
            const ABI: u32 = #abi;
            const LAYOUT: u64 = {
                let mut hash = ::longshore_share::layout::start(#text, "");
                #hashed
                hash
            };
        }
    }
}
