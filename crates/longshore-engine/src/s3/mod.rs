//! Signed S3 requests of our own, over the store's pool and with its credentials.
//!
//! For what `ObjectStore` has no words for: buckets, listings by plain prefix with the keys as they are, batch deletes that
//! report each key, and keys that its paths cannot spell.

mod attributes;
mod body;
mod objects;
mod request;
mod requests;
mod uploads;
mod writing;
mod xml;

pub(crate) use attributes::from_headers as attributes_of;
pub(crate) use body::open;
pub(crate) use objects::{copy, delete, describe, head, put};
pub(crate) use requests::{
    bucket_answers, bucket_region, create_bucket, delete_batch, delete_bucket, list_buckets, list_page, owns_bucket,
};
pub(crate) use uploads::{
    MOST_PARTS, Part, SMALLEST_PART, abort_upload, begin_upload, complete_upload, copy_part, latest_upload, list_parts,
    put_part,
};
pub(crate) use writing::{begin_upload_with, complete_new, put_with};
