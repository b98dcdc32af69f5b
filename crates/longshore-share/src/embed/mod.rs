//! One module for a Rust host and for the Python code that it runs: the same classes inside and outside.
