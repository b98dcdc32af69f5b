//! Share your own `#[pyclass]` between extension modules, and between Python and a Rust host that embeds it.

#![warn(missing_docs)]

#[cfg(feature = "embed")]
pub mod embed;
