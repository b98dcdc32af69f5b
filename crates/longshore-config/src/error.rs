//! What can be wrong before any request is sent.

use thiserror::Error;

use crate::credentials_error::CredentialsError;
use crate::s3::ADVICE;

/// A bad URI or configuration. Nothing was sent.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The URI does not name what the operation needs. It is shown without secrets.
    #[error("{uri:?}: {reason}")]
    InvalidUri {
        /// The URI, [`masked`](crate::masked).
        uri: String,
        /// What is wrong, and what to write instead.
        reason: String,
    },
    /// An option that the store does not have.
    #[error("unknown option {key:?} for {store}{}", hint(.suggestion))]
    UnknownOption {
        /// The option as it was given.
        key: String,
        /// The kind of store.
        store: &'static str,
        /// The nearest name there is.
        suggestion: Option<&'static str>,
    },
    /// An option or variable whose value cannot be used.
    #[error("{key}: {reason}")]
    InvalidOption {
        /// The option or variable.
        key: String,
        /// What is wrong with its value. Never the value of a secret.
        reason: String,
    },
    /// There is nobody to ask for credentials.
    #[error("no credentials for this endpoint{}; {ADVICE}", note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default())]
    NoCredentials {
        /// Why something that looks like credentials is none.
        note: Option<String>,
    },
    /// There are no credentials, or some that cannot be used.
    #[error("no credentials: {reason}")]
    Unauthenticated {
        /// What was looked for, and what to set. Never a secret.
        reason: String,
    },
    /// Whoever was given to ask for credentials gave none.
    #[error("{reason}")]
    Provider {
        /// What it did instead, as the rest of a sentence about it: `raised ValueError: no such user`. Never a secret.
        reason: String,
        /// The cause.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// There are no credentials at the moment.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Something that this package does not do.
    #[error("{reason}")]
    NotSupported {
        /// What it is, and what to do instead.
        reason: String,
    },
    /// No HTTP client can be made, most likely for want of certificates to trust.
    #[error(
        "cannot set up the HTTP client: {reason}; for https, name a file of CA certificates with SSL_CERT_FILE or ca_bundle"
    )]
    HttpClient {
        /// What the client said.
        reason: String,
    },
    /// The store could not be set up with these settings.
    #[error("cannot set up the store: {0}")]
    Store(#[from] object_store::Error),
    /// A store that somebody else made, in the parent of this process.
    #[error(
        "this store was made by other Rust code, in the parent process; its connections would not work in a forked child, \
         so make it again there"
    )]
    Inherited,
    /// The runtime could not be started.
    #[error("cannot start the I/O runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

fn hint(suggestion: &Option<&'static str>) -> String {
    suggestion.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}
