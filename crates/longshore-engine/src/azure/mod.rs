//! Authorized requests of our own to Azure's blob service, over the store's pool and with its credentials.
//!
//! For what `ObjectStore` has no words for: containers, listings by plain prefix with the keys as they are, batch deletes that
//! report each key, copies between containers that are waited for, and keys that its paths cannot spell.

mod batch;
mod containers;
mod copy;
mod listing;
mod request;

pub(crate) use batch::{BATCH, delete_batch};
pub(crate) use containers::{create_container, delete_container};
pub(crate) use copy::copy;
pub(crate) use listing::list_page;
pub(crate) use request::delete;
