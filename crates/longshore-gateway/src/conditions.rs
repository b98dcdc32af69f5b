//! The conditions a request may set on an object, in the order RFC 9110 evaluates them.

use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result};

use crate::failure::precondition;
use crate::record::{Record, seconds};

/// Conditions on reading, of a GET, a HEAD, or the source of a copy.
#[derive(Default)]
pub(crate) struct ReadConditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// Passes, or fails with 304 or 412.
    pub(crate) fn check(&self, record: &Record) -> S3Result<()> {
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !matches(condition, record) => return Err(precondition("If-Match")),
            (None, Some(time)) if record.modified > seconds(time) => return Err(precondition("If-Unmodified-Since")),
            _ => {}
        }
        let unchanged = match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => matches(condition, record),
            (None, Some(time)) => record.modified <= seconds(time),
            (None, None) => false,
        };
        if unchanged {
            return Err(S3Error::with_message(S3ErrorCode::NotModified, "Not Modified"));
        }
        Ok(())
    }

    /// The same for the source of a copy, which never answers 304.
    pub(crate) fn check_source(&self, record: &Record) -> S3Result<()> {
        self.check(record).map_err(|_| precondition("x-amz-copy-source"))
    }
}

/// Conditions on writing.
#[derive(Clone, Default)]
pub(crate) struct WriteConditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
}

impl WriteConditions {
    /// Whether there is anything to check.
    pub(crate) fn any(&self) -> bool {
        self.if_match.is_some() || self.if_none_match.is_some()
    }

    /// Whether only a new key may be written.
    pub(crate) fn create_only(&self) -> bool {
        matches!(self.if_none_match, Some(ETagCondition::Any))
    }

    /// Passes, or fails with 412; a missing object fails `If-Match` with 404, as S3 does.
    pub(crate) fn check(&self, existing: Option<&Record>) -> S3Result<()> {
        if let Some(condition) = &self.if_match {
            let Some(existing) = existing else {
                return Err(S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist."));
            };
            if !matches(condition, existing) {
                return Err(precondition("If-Match"));
            }
        }
        if let (Some(condition), Some(existing)) = (&self.if_none_match, existing)
            && matches(condition, existing)
        {
            return Err(precondition("If-None-Match"));
        }
        Ok(())
    }
}

fn matches(condition: &ETagCondition, record: &Record) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(tag) => tag.value() == record.etag,
    }
}
