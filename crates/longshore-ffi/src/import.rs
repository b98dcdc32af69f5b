//! A table of C functions as a store of `object_store`, of each version that we know.
//!
//! `remote` says what a store does in the words of the interface, and knows no version. `call` begins an operation and waits for its
//! callback, by way of a `completion`. Each version is a thin module: `adapter` is what all have in common, compiled once for each
//! with that version's types, and the module itself has what differs, which is the trait's methods.

#![allow(clippy::duplicate_mod, reason = "the adapter is compiled once for each version")]

mod call;
mod completion;
mod error;
mod remote;

pub use self::error::ForeignError;

#[cfg(feature = "object-store-0-11")]
pub mod v0_11;
#[cfg(feature = "object-store-0-12")]
pub mod v0_12;
#[cfg(feature = "object-store-0-13")]
pub mod v0_13;
#[cfg(feature = "object-store-0-14")]
pub mod v0_14;
