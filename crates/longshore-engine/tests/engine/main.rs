//! The engine against a real S3 server with faults, and against local files and memory.

mod credentials;
mod deleting;
mod doctor;
mod downloading;
mod headers;
mod listing;
mod local;
mod managing;
mod place;
mod ranges;
mod reading;
mod transferring;
mod uploading;
mod writing;
