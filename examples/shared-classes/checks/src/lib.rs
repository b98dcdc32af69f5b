//! Modules for the tests. One file has several: `series_checks`, which shares with itself, and the importers of `importers.rs`,
//! which the tests load by their names.

mod every;
mod importers;
