//! Objects: read, look, describe, write, erase.

use std::ops::Range as Span;

use futures::StreamExt;
use object_store::GetRange;
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Response, S3Result, TrailingHeaders, s3_error};

use super::Service;
use super::headers::{algorithm, answer_checksums, checksum_type, declared_checksums, head_output, headers_of};
use crate::conditions::{ReadConditions, WriteConditions};
use crate::digest::{Digested, hex};
use crate::failure::precondition;
use crate::intake::Declared;
use crate::outflow;
use crate::record::{Record, now, seconds};
use crate::shelf::OpenError;

impl Service {
    pub(super) async fn read(&self, input: GetObjectInput) -> S3Result<GetObjectOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        refuse_versions(input.version_id.as_deref())?;
        let conditions = ReadConditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        let mut range = input.range.map(asked).transpose()?;
        let mut parts = None;
        if let Some(number) = input.part_number {
            let record = self.shelf.head(&input.bucket, &input.key).await?;
            let span = part(&record, number)?;
            // An empty range cannot be asked of a store; the only such part is all of an empty object.
            range = (!span.is_empty()).then_some(GetRange::Bounded(span));
            parts = Some(record.parts.len()).filter(|count| *count > 0);
        }
        let ranged = range.is_some() || input.part_number.is_some();
        let opened = match self.shelf.open(&input.bucket, &input.key, range).await {
            Ok(opened) => opened,
            Err(OpenError::Failed(error)) => return Err(error),
            Err(OpenError::Unsatisfiable(record)) => {
                check(&conditions, &record)?;
                return Err(unsatisfiable(record.size));
            }
        };
        let record = opened.record;
        check(&conditions, &record)?;
        if ranged && record.size == 0 && input.part_number.is_none() {
            return Err(unsatisfiable(0));
        }
        let span = opened.range;
        let head = head_output(&record);
        let mut output = GetObjectOutput {
            accept_ranges: head.accept_ranges,
            body: Some(outflow::blob(opened.payload, span.clone())),
            cache_control: head.cache_control,
            content_disposition: head.content_disposition,
            content_encoding: head.content_encoding,
            content_language: head.content_language,
            content_length: Some(signed(span.end - span.start)),
            content_type: head.content_type,
            e_tag: head.e_tag,
            expires: head.expires,
            last_modified: head.last_modified,
            metadata: head.metadata,
            parts_count: parts.and_then(|count| i32::try_from(count).ok()),
            storage_class: head.storage_class,
            ..Default::default()
        };
        if ranged && record.size > 0 {
            output.content_range = Some(content_range(&span, record.size));
        } else if wants_checksums(input.checksum_mode.as_ref()) {
            answer_checksums!(output, &record.checksums);
            output.checksum_type = checksum_type(&record.checksums);
        }
        Ok(output)
    }

    pub(super) async fn look(&self, input: HeadObjectInput) -> S3Result<S3Response<HeadObjectOutput>> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        refuse_versions(input.version_id.as_deref())?;
        let record = self.shelf.head(&input.bucket, &input.key).await?;
        let conditions = ReadConditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        check(&conditions, &record)?;
        let mut span = 0..record.size;
        let mut output = head_output(&record);
        let mut ranged = false;
        if let Some(number) = input.part_number {
            span = part(&record, number)?;
            ranged = record.size > 0;
            output.parts_count = i32::try_from(record.parts.len()).ok().filter(|count| *count > 0);
        } else if let Some(range) = input.range {
            span = asked(range)
                .and_then(|range| range.as_range(record.size).map_err(|_| unsatisfiable(record.size)))
                .map_err(|_| unsatisfiable(record.size))?;
            ranged = true;
        }
        output.content_length = Some(signed(span.end - span.start));
        if ranged {
            output.content_range = Some(content_range(&span, record.size));
        } else if wants_checksums(input.checksum_mode.as_ref()) {
            answer_checksums!(output, &record.checksums);
            output.checksum_type = checksum_type(&record.checksums);
        }
        let mut overrides = http::HeaderMap::new();
        for (name, value) in [
            (http::header::CONTENT_TYPE, input.response_content_type),
            (http::header::CONTENT_LANGUAGE, input.response_content_language),
            (http::header::CACHE_CONTROL, input.response_cache_control),
            (http::header::CONTENT_DISPOSITION, input.response_content_disposition),
            (http::header::CONTENT_ENCODING, input.response_content_encoding),
        ] {
            if let Some(value) = value.and_then(|value| value.parse().ok()) {
                overrides.insert(name, value);
            }
        }
        let mut response = S3Response::with_headers(output, overrides);
        response.status = ranged.then_some(http::StatusCode::PARTIAL_CONTENT);
        Ok(response)
    }

    pub(super) async fn describe(&self, input: GetObjectAttributesInput) -> S3Result<GetObjectAttributesOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        let record = self.shelf.head(&input.bucket, &input.key).await?;
        let wants = |name: &str| input.object_attributes.iter().any(|attribute| attribute.as_str() == name);
        let mut output =
            GetObjectAttributesOutput { last_modified: Some(record.last_modified()), ..Default::default() };
        if wants(ObjectAttributes::ETAG) {
            output.e_tag = Some(record.e_tag());
        }
        if wants(ObjectAttributes::OBJECT_SIZE) {
            output.object_size = Some(signed(record.size));
        }
        if wants(ObjectAttributes::STORAGE_CLASS) {
            output.storage_class = Some(StorageClass::from_static(StorageClass::STANDARD));
        }
        if wants(ObjectAttributes::CHECKSUM) && !record.checksums.is_empty() {
            let mut checksum = Checksum { checksum_type: checksum_type(&record.checksums), ..Default::default() };
            answer_checksums!(checksum, &record.checksums);
            output.checksum = Some(checksum);
        }
        if wants(ObjectAttributes::OBJECT_PARTS) && !record.parts.is_empty() {
            let count = i32::try_from(record.parts.len()).ok();
            output.object_parts = Some(GetObjectAttributesParts { total_parts_count: count, ..Default::default() });
        }
        Ok(output)
    }

    pub(super) async fn write(
        &self,
        input: PutObjectInput,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<PutObjectOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        let conditions =
            WriteConditions { if_match: input.if_match.clone(), if_none_match: input.if_none_match.clone() };
        if conditions.any() {
            // Refused early where that is certain already; decided under the key's lock.
            let existing = match self.shelf.head(&input.bucket, &input.key).await {
                Ok(record) => Some(record),
                Err(error) if error.code() == &S3ErrorCode::NoSuchKey => None,
                Err(error) => return Err(error),
            };
            conditions.check(existing.as_deref())?;
        }
        let declared = Declared {
            length: input.content_length,
            content_md5: input.content_md5.clone(),
            checksums: declared_checksums!(input),
            algorithm: algorithm(input.checksum_algorithm.as_ref()),
            trailers,
        };
        let landing = self.shelf.places.landing(&input.bucket, &input.key).await?;
        let headers = headers_of!(input);
        let (staged, digested) = declared.receive(input.body, landing).await?;
        let record = Record { headers, ..whole(digested) };
        let record = self.shelf.commit(&input.bucket, &input.key, staged, record, conditions).await?;
        let mut output = PutObjectOutput {
            e_tag: Some(record.e_tag()),
            checksum_type: checksum_type(&record.checksums),
            ..Default::default()
        };
        answer_checksums!(output, &record.checksums);
        Ok(output)
    }

    pub(super) async fn erase(&self, input: DeleteObjectInput) -> S3Result<()> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        refuse_versions(input.version_id.as_deref())?;
        let conditions = WriteConditions { if_match: input.if_match, if_none_match: None };
        self.shelf.remove(&input.bucket, &input.key, &conditions).await
    }

    pub(super) async fn erase_many(&self, input: DeleteObjectsInput) -> S3Result<DeleteObjectsOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        if input.delete.objects.is_empty() || input.delete.objects.len() > 1000 {
            return Err(s3_error!(MalformedXML, "A request names between 1 and 1000 keys"));
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let erased = futures::stream::iter(input.delete.objects).map(|object| {
            let bucket = input.bucket.as_str();
            async move {
                let result = self.erase_one(bucket, &object).await;
                (object.key, result)
            }
        });
        let mut output = DeleteObjectsOutput::default();
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        let mut results = erased.buffered(16);
        while let Some((key, result)) = results.next().await {
            match result {
                Ok(()) if quiet => {}
                Ok(()) => deleted.push(DeletedObject { key: Some(key), ..Default::default() }),
                Err(error) => errors.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(key),
                    message: error.message().map(str::to_owned),
                    version_id: None,
                }),
            }
        }
        output.deleted = Some(deleted);
        output.errors = Some(errors);
        Ok(output)
    }

    async fn erase_one(&self, bucket: &str, object: &ObjectIdentifier) -> S3Result<()> {
        if object.key.is_empty() || !s3s::path::check_key(&object.key) {
            return Err(s3_error!(KeyTooLongError, "A key has between 1 and 1024 bytes"));
        }
        refuse_versions(object.version_id.as_deref())?;
        if object.last_modified_time.is_some() || object.size.is_some() {
            let record = self.shelf.head(bucket, &object.key).await?;
            let time = object.last_modified_time.as_ref().is_none_or(|time| seconds(time) == record.modified);
            if !time || object.size.is_some_and(|size| u64::try_from(size) != Ok(record.size)) {
                return Err(precondition("x-amz-if-match"));
            }
        }
        let if_match = object.e_tag.clone().map(ETagCondition::ETag);
        self.shelf.remove(bucket, &object.key, &WriteConditions { if_match, if_none_match: None }).await
    }
}

/// The record of an object that arrived in one piece, without headers.
pub(super) fn whole(digested: Digested) -> Record {
    Record {
        etag: hex(&digested.md5),
        size: digested.size,
        modified: now(),
        checksums: digested.checksums,
        ..Default::default()
    }
}

/// A length as S3's types have it.
pub(super) fn signed(length: u64) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Objects here have no versions; `null` is the version of an object that has none.
pub(super) fn refuse_versions(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some("" | "null") => Ok(()),
        Some(_) => Err(s3_error!(NoSuchVersion, "The specified version does not exist.")),
    }
}

/// 416, with the length that would have been the limit.
pub(super) fn unsatisfiable(size: u64) -> S3Error {
    let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = format!("bytes */{size}").parse() {
        headers.insert(http::header::CONTENT_RANGE, value);
    }
    error.set_headers(headers);
    error
}

/// Conditions, with the headers a 304 must carry.
fn check(conditions: &ReadConditions, record: &Record) -> S3Result<()> {
    conditions.check(record).map_err(|mut error| {
        if error.code() == &S3ErrorCode::NotModified {
            let mut headers = http::HeaderMap::new();
            if let Ok(value) = record.e_tag().to_http_header() {
                headers.insert(http::header::ETAG, value);
            }
            let mut text = Vec::new();
            if record.last_modified().format(TimestampFormat::HttpDate, &mut text).is_ok()
                && let Ok(value) = http::HeaderValue::from_bytes(&text)
            {
                headers.insert(http::header::LAST_MODIFIED, value);
            }
            error.set_headers(headers);
        }
        error
    })
}

/// The range a request asks for; `bytes=-0` asks for none of the object.
fn asked(range: Range) -> S3Result<GetRange> {
    match range {
        Range::Int { first, last: Some(last) } => Ok(GetRange::Bounded(first..last.saturating_add(1))),
        Range::Int { first, last: None } => Ok(GetRange::Offset(first)),
        Range::Suffix { length: 0 } => Ok(GetRange::Offset(u64::MAX)),
        Range::Suffix { length } => Ok(GetRange::Suffix(length)),
    }
}

/// The bytes of one part; an object that was put whole is its own part 1.
fn part(record: &Record, number: i32) -> S3Result<Span<u64>> {
    let missing = || {
        let code = S3ErrorCode::from_bytes(b"InvalidPartNumber").unwrap_or(S3ErrorCode::InvalidRange);
        let mut error = S3Error::with_message(code, "The requested partnumber is not satisfiable");
        error.set_status_code(http::StatusCode::RANGE_NOT_SATISFIABLE);
        error
    };
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1)).ok_or_else(missing)?;
    if record.parts.is_empty() && index == 0 {
        return Ok(0..record.size);
    }
    let length = *record.parts.get(index).ok_or_else(missing)?;
    let start: u64 = record.parts[..index].iter().sum();
    Ok(start..start + length)
}

fn content_range(span: &Span<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", span.start, span.end.saturating_sub(1))
}

fn wants_checksums(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str().eq_ignore_ascii_case(ChecksumMode::ENABLED))
}
