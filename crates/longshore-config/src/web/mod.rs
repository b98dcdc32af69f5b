//! Web servers, by `http://` and `https://`: read, and listed where they offer WebDAV. Nothing is written.
//!
//! [`url`] reads a URL into an origin and a key, [`settings`] says how to ask, [`connect`] makes the client.

mod by_folder;
mod connect;
mod settings;
pub(crate) mod url;

pub use settings::WebSettings;
pub use url::canonical;
