//! The C interface by which separately built modules of one process share live objects.
//!
//! Whatever PyO3, `object_store`, rustc or language a module was built with, what crosses is a table of plain C data and
//! functions. Each table begins with a [`Header`], which a reader checks as data, by [`Header::check`], before it calls anything.
//!
//! The table of an object store is in [`raw`], as it lies in memory; `include/object_store_c.h` is the same for C and C++, and
//! `SPEC.md` says what it means. A [`StoreRef`], an [`Answer`] and the handles own what they hold, and give it back when dropped.
//!
//! No dependencies and no `std`: a module of any kind can have it.

#![no_std]
#![expect(
    unsafe_code,
    reason = "what crosses between modules is read through pointers; each block says what it relies on"
)]

mod answer;
pub mod arguments;
mod header;
#[cfg(target_pointer_width = "64")]
pub mod layout;
mod owned;
pub mod raw;
mod text;

pub use crate::answer::{Answer, Failure, Meta};
pub use crate::header::{Expected, Header, HeaderError};
pub use crate::owned::{Operation, OwnedBuffer, StoreError, StoreRef, StreamHandle, UploadHandle};
pub use crate::text::{Buffer, Str};
