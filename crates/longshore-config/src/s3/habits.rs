//! What a server that speaks S3 can do, and what it is not to be asked for.

use http::{HeaderName, StatusCode};

use super::specs::{CONDITIONAL_PUT, COPY_IF_NOT_EXISTS, DISABLE_BULK_DELETE, DISABLE_TAGGING, S3_EXPRESS};
use crate::ConfigError;
use crate::given::Given;
use crate::options::invalid;

/// What was said of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Habits {
    /// In the words of `object_store`.
    pub(super) copy_if_not_exists: Option<String>,
    /// Whether it knows no conditions on writes.
    pub(super) unconditional: bool,
    /// Whether tags are left out.
    pub(super) untagged: bool,
    /// Whether objects are deleted one by one.
    pub(super) single_deletes: bool,
}

impl Habits {
    pub(super) fn resolve(given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let copy_if_not_exists = match given.text(&COPY_IF_NOT_EXISTS)? {
            Some(value) if !is_way_to_copy(&value.text) => {
                let reason = format!(
                    "there is no {:?}; write multipart, header:NAME:VALUE or header-with-status:NAME:VALUE:STATUS",
                    value.text
                );
                return Err(invalid(&value.key, reason));
            }
            value => value.map(|value| value.text),
        };
        let unconditional = match given.text(&CONDITIONAL_PUT)? {
            None => false,
            Some(value) => match &*value.text {
                "etag" => false,
                "disabled" => true,
                other => return Err(invalid(&value.key, format!("there is no {other:?}; write etag or disabled"))),
            },
        };
        if given.flag(&S3_EXPRESS)? == Some(true) {
            let reason = "s3_express: directory buckets want sessions, which longshore does not open; use a general purpose bucket";
            return Err(ConfigError::NotSupported { reason: reason.into() });
        }
        Ok(Self {
            copy_if_not_exists,
            unconditional,
            untagged: given.flag(&DISABLE_TAGGING)?.unwrap_or(false),
            single_deletes: given.flag(&DISABLE_BULK_DELETE)?.unwrap_or(false),
        })
    }
}

/// Whether `object_store` can read it.
fn is_way_to_copy(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').map(str::trim).collect();
    match parts[..] {
        ["multipart"] => true,
        ["header", name, ..] if parts.len() > 2 => name.parse::<HeaderName>().is_ok(),
        ["header-with-status", name, _, status] => {
            name.parse::<HeaderName>().is_ok() && status.parse::<StatusCode>().is_ok()
        }
        _ => false,
    }
}
