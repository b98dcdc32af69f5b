//! The C interface by which separately built modules of one process share live objects.
//!
//! Whatever PyO3, `object_store`, rustc or language a module was built with, what crosses is a table of plain C data and
//! functions. Each table begins with a [`Header`], which a reader checks as data, by [`Header::check`], before it calls anything.
//!
//! No dependencies and no `std`: a module of any kind can have it.

#![no_std]
#![expect(
    unsafe_code,
    reason = "what crosses between modules is read through pointers; each block says what it relies on"
)]

mod header;
mod text;

pub use crate::header::{Expected, Header, HeaderError};
pub use crate::text::{Buffer, Str};
