//! Objects of web servers, by requests of our own: read over HTTP, listed over WebDAV. Nothing is written.
//!
//! [`request`] sends, follows redirects and repeats. [`body`] is an answer on its way, which is continued where it breaks off.
//! [`dav`] reads what a server says of one folder, [`walk`] goes through the folders.

mod body;
mod dav;
mod objects;
mod request;
mod walk;

pub(crate) use body::Body;
pub(crate) use objects::{exists, get, head};
pub(crate) use walk::{Walk, list};
