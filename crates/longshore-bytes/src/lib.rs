#![doc = include_str!("../README.md")]
#![warn(missing_docs)]
#![expect(unsafe_code, reason = "the buffer protocol and DLPack are C interfaces; each block says what it relies on")]

mod arguments;
mod aside;
mod bytes;
mod characters;
mod dlpack;
mod export;
mod object;
mod pickling;
mod register;
mod search;
mod sequence;
mod split;

pub use crate::bytes::PyBytes;
pub use crate::register::{STUB, register};
