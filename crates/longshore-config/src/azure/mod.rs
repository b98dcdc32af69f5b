//! Azure Blob Storage: from URI, keywords and variables to a client.
//!
//! [`place`] reads URIs. [`AzureSettings`] merges and checks what was given, with [`specs`] for the names of it and
//! [`found`] for who counts where several said something, and [`fetched`] for who is to be asked for tokens. [`connect`] makes the client, with [`credentials`] for tokens that
//! have to be fetched.

mod configured;
mod connect;
mod connection_string;
mod credentials;
mod fetched;
mod found;
pub(crate) mod place;
mod server;
mod settings;
mod specs;

pub use connect::AzureAccess;
pub use settings::AzureSettings;
pub(crate) use specs::CONTAINER_NAME;
