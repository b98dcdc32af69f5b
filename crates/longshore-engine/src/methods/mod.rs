//! What a store does with one object at a time, with everything that can be said about it: conditions, versions, ranges,
//! attributes, tags. The bulk functions beside it are for many objects, of which nothing is said but their keys.
//!
//! [`Spot`] is a key in a store, ours or one that somebody else made. The way to it is chosen as in the bulk functions: own
//! requests where they do more than `object_store`, and `object_store` for the rest.

mod answer;
mod copying;
mod listing;
mod lost;
mod part_sizes;
mod putting;
mod ranges;
mod reader;
mod removing;
mod s3_copy;
mod signing;
mod sources;
mod spot;
mod whole;
mod writer;

pub use answer::{Answer, open, stat};
pub use copying::{copy_to, rename};
pub use listing::{Lister, list_level};
pub use putting::{Put, put_with};
pub use ranges::{RangesOptions, read_ranges};
pub use reader::{Reader, ReaderOptions};
pub use removing::{remove, remove_empty_folders};
pub use signing::sign;
pub use sources::{put_file, put_slices};
pub use spot::{Place, Spot};
pub use whole::{read_buffer, read_buffers};
pub use writer::{Writer, WriterOptions};
