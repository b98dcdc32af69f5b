//! Authorized requests of our own to Google's JSON interface, over the store's pool and with its credentials.
//!
//! For what `ObjectStore` has no words for: buckets, listings by plain prefix with the keys as they are, copies of any size
//! between buckets, and keys that its paths cannot spell.

mod buckets;
mod listing;
mod objects;
mod request;

pub(crate) use buckets::{create_bucket, delete_bucket};
pub(crate) use listing::list_page;
pub(crate) use objects::{copy, delete};
