//! S3: from keywords, variables and defaults to a client.
//!
//! [`S3Settings`] merges and checks what was given. [`connect`] makes the client, with
//! [`credentials`] for keys that have to be fetched.

mod connect;
mod credentials;
mod settings;

pub(crate) use credentials::ADVICE;
pub use settings::S3Settings;
