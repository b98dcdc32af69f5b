//! The macros of `longshore-share`, which documents them: [`shared_class!`], [`export_shared!`], [`import_shared!`] and
//! [`shared_value!`].

mod author;
mod binding;
mod declaration;
mod generate;
mod signature;
mod value;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Declares a class that modules share. See the documentation of `longshore-share`.
#[proc_macro]
pub fn shared_class(input: TokenStream) -> TokenStream {
    let declared = parse_macro_input!(input as declaration::Class);
    generate::class(&declared).into()
}

/// Binds a `#[pyclass]` to a declaration, in the module that has the class. See the documentation of `longshore-share`.
#[proc_macro]
pub fn export_shared(input: TokenStream) -> TokenStream {
    let bound = parse_macro_input!(input as binding::Export);
    binding::export(&bound).into()
}

/// Makes a local type of a class that another module has. See the documentation of `longshore-share`.
#[proc_macro]
pub fn import_shared(input: TokenStream) -> TokenStream {
    let bound = parse_macro_input!(input as binding::Import);
    binding::import(&bound).into()
}

/// Declares a plain value that crosses in a capsule. See the documentation of `longshore-share`.
#[proc_macro]
pub fn shared_value(input: TokenStream) -> TokenStream {
    let declared = parse_macro_input!(input as value::Value);
    value::value(&declared).into()
}
