//! Stores that went out through a table and came in again.
#![expect(unsafe_code, reason = "some tests call the functions of a table as another language would")]

mod behaviour;
mod calls;
mod controls;
mod doubles;
mod languages;
mod options;
mod sequences;
mod soak;
mod table;
mod trouble;
mod versions;
