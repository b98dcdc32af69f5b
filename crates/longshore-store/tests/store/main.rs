//! What needs no interpreter: the stores that Rust is handed. Everything else is tested from Python.

mod hints;
mod on_runtime;
mod prefix;
