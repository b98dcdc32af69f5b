//! S3: from keywords, variables, profiles and defaults to a client.
//!
//! [`S3Settings`] merges and checks what was given, by the names in [`specs`]. [`connect`] makes the client, with
//! [`credentials`] for keys that have to be fetched.

mod connect;
mod credentials;
mod encryption;
mod habits;
mod server;
mod settings;
mod sources;
mod specs;

pub(crate) use credentials::ADVICE;
pub use encryption::Encryption;
pub use settings::S3Settings;
pub(crate) use specs::BUCKET;
