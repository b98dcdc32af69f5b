//! The engine against a real S3 server with faults, and against local files and memory.

mod azure;
mod conditions;
mod connecting;
mod credentials;
mod deleting;
mod doctor;
mod doubles;
mod downloading;
mod endless;
mod gcs;
mod headers;
mod listing;
mod local;
mod managing;
mod methods;
mod opened;
mod place;
mod ranges;
mod reading;
mod scripted;
mod site;
mod transferring;
mod uploading;
mod web;
mod webdav;
mod writing;
