//! Bulk transfer over any store: reads, writes, listings, deletes. No Python, no global state.
//!
//! A call takes [`Object`]s, each a key in a [`Store`](longshore_config::Store), and a [`Limits`]. A sliding `window` keeps
//! that many in flight, a `budget` keeps their bodies within a number of bytes, a [`Progress`] counts them. A [`Sink`]
//! provides the memory that a body lands in. Every failure is an [`Error`] that names the operation and the URI.
//!
//! What is too large for memory, or goes from one place to another, is a [`transfer`](transfer()): from and to files and between
//! stores, part by part, continued after failures. [`list_pages`] does the same for listings.
//!
//! ```text
//! read / write / list / delete / manage      what a caller asks for
//! transfer                                   objects on their way, part by part
//!   └ window, budget, progress               how much of it at once
//!       ├ object_store                       the ordinary path
//!       ├ local                              files, in plain system calls
//!       ├ gcs, azure                         as s3, for Google and Azure
//!       ├ web                                web servers, and WebDAV for listings; nothing is written
//!       ├ body                               one answer, pinned to a version and continued when it breaks off
//!       └ s3                                 signed requests of our own, where `ObjectStore` has no words for it
//! ```

#![forbid(unsafe_code)]

mod azure;
mod body;
mod bucket;
mod budget;
mod cloud;
mod codes;
mod delete;
pub mod doctor;
mod error;
mod gcs;
mod list;
mod listing;
mod local;
mod manage;
mod methods;
mod object;
mod progress;
mod range;
mod read;
mod rest;
mod retry;
mod s3;
mod service;
mod sink;
mod transfer;
mod web;
mod window;
mod write;
mod xml;

pub use bucket::delete_bucket;
pub use budget::Limits;
pub use delete::{delete_keys, delete_object, delete_prefix};
pub use error::{Context, Error, ErrorKind, Failure};
pub use list::{Entry, expand, list};
pub use listing::{Depth, Listed, Page, list_pages};
pub use local::is_unfinished;
pub use manage::{Metadata, copy, create_bucket, exists, head};
pub use methods::{
    Answer, Lister, Place, Put, RangesOptions, Reader, ReaderOptions, Spot, Writer, WriterOptions, copy_to, list_level,
    open, put_file, put_slices, put_with, read_buffer, read_buffers, read_ranges, remove, remove_empty_folders, rename,
    sign, stat,
};
pub use object::Object;
pub use progress::{Progress, Snapshot};
pub use range::{ByteRange, read_range};
pub use read::{get, get_many};
pub use service::{Bucket, list_buckets};
pub use sink::{Buffer, Discard, Memory, Refusal, Sink};
pub use transfer::{
    Cleanup, Outcome, TransferOptions, download, transfer, transfer_many, upload, upload_reader, upload_stream,
};
pub use write::{Source, put, put_many};
