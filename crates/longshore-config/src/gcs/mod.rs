//! Google Cloud Storage: from keywords and variables to a client.
//!
//! [`GcsSettings`] merges and checks what was given, with [`specs`] for the names of it and [`key_file`] for credentials in
//! files. [`connect`] makes the client, with [`credentials`] for tokens that have to be fetched; [`tidy`] and [`json`] stand
//! between the client and servers that want other requests than it sends.

mod about;
mod connect;
mod credentials;
mod json;
mod key_file;
mod settings;
mod specs;
mod tidy;

pub use connect::GcsAccess;
pub use settings::GcsSettings;
pub(crate) use specs::BUCKET;
