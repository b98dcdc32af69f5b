//! Copies: of an object, and of a range into a part. The bytes pass through, so that a copy shares nothing with its source.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3Result, s3_error};

use super::Service;
use super::headers::{algorithm, answer_checksums, checksum_type, headers_of};
use super::objects::{refuse_versions, whole};
use super::uploads::part_number;
use crate::conditions::{ReadConditions, WriteConditions};
use crate::digest::Digests;
use crate::intake;
use crate::outflow;
use crate::record::{Record, now, timestamp};
use crate::shelf::OpenError;

/// Bucket and key of a source.
fn source(source: &CopySource) -> S3Result<(&str, &str)> {
    match source {
        CopySource::Bucket { bucket, key, version_id } => {
            refuse_versions(version_id.as_deref())?;
            Ok((bucket, key))
        }
        _ => Err(s3_error!(NotImplemented, "The source of a copy is a bucket and a key")),
    }
}

impl Service {
    pub(super) async fn copy(
        &self,
        input: CopyObjectInput,
        destination: WriteConditions,
    ) -> S3Result<CopyObjectOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        let (bucket, key) = source(&input.copy_source)?;
        self.shelf.places.buckets.require(bucket).await?;
        let replace = match input.metadata_directive.as_ref().map(MetadataDirective::as_str) {
            None | Some(MetadataDirective::COPY) => false,
            Some(MetadataDirective::REPLACE) => true,
            Some(_) => return Err(s3_error!(InvalidArgument, "Unknown metadata directive.")),
        };
        let onto_itself = bucket == input.bucket && key == input.key;
        if onto_itself && !replace && input.storage_class.is_none() && input.checksum_algorithm.is_none() {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata"
            ));
        }
        let conditions = ReadConditions {
            if_match: input.copy_source_if_match.clone(),
            if_none_match: input.copy_source_if_none_match.clone(),
            if_modified_since: input.copy_source_if_modified_since.clone(),
            if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
        };
        let opened = match self.shelf.open(bucket, key, None).await {
            Ok(opened) => opened,
            Err(OpenError::Failed(error)) => return Err(error),
            Err(OpenError::Unsatisfiable(_)) => return Err(s3_error!(InternalError)),
        };
        let original = opened.record;
        conditions.check_source(&original)?;
        let mut headers = if replace { headers_of!(input) } else { original.headers.clone() };
        headers.storage_class = input.storage_class.as_ref().map(|class| class.as_str().to_owned());
        let algorithm = algorithm(input.checksum_algorithm.as_ref());
        let record = if onto_itself && algorithm.is_none() && !destination.any() {
            let record = Record { headers, modified: now(), ..Record::clone(&original) };
            self.shelf.amend(&input.bucket, &input.key, record).await?
        } else {
            let landing = self.shelf.places.landing(&input.bucket, &input.key).await?;
            let algorithms =
                algorithm.into_iter().chain(original.checksums.values.iter().map(|(algorithm, _)| *algorithm));
            let digests = Digests::new(algorithms.collect::<Vec<_>>());
            let stream = outflow::stream(opened.payload, opened.range);
            let (staged, digested) = intake::receive(stream, digests, landing).await?;
            let record = Record { headers, ..whole(digested) };
            self.shelf.commit(&input.bucket, &input.key, staged, record, destination).await?
        };
        let mut result = CopyObjectResult {
            e_tag: Some(record.e_tag()),
            last_modified: Some(record.last_modified()),
            checksum_type: checksum_type(&record.checksums),
            ..Default::default()
        };
        answer_checksums!(result, &record.checksums);
        Ok(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() })
    }

    pub(super) async fn copy_part(&self, input: UploadPartCopyInput) -> S3Result<UploadPartCopyOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        let number = part_number(input.part_number)?;
        let manifest = self.uploads.manifest(&input.bucket, &input.key, &input.upload_id).await?;
        let (bucket, key) = source(&input.copy_source)?;
        self.shelf.places.buckets.require(bucket).await?;
        let invalid =
            || s3_error!(InvalidArgument, "The x-amz-copy-source-range value must be of the form bytes=first-last");
        let range = match input.copy_source_range.as_deref() {
            None => None,
            Some(text) => match Range::parse(text) {
                Ok(Range::Int { first, last: Some(last) }) => Some(first..last.checked_add(1).ok_or_else(invalid)?),
                _ => return Err(invalid()),
            },
        };
        let beyond = || s3_error!(InvalidRange, "Range specified is not valid for source object");
        let opened = match self.shelf.open(bucket, key, range.clone().map(object_store::GetRange::Bounded)).await {
            Ok(opened) => opened,
            Err(OpenError::Failed(error)) => return Err(error),
            Err(OpenError::Unsatisfiable(_)) => return Err(beyond()),
        };
        if range.is_some_and(|range| range.end > opened.record.size) {
            return Err(beyond());
        }
        let conditions = ReadConditions {
            if_match: input.copy_source_if_match.clone(),
            if_none_match: input.copy_source_if_none_match.clone(),
            if_modified_since: input.copy_source_if_modified_since.clone(),
            if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
        };
        let original: Arc<Record> = opened.record;
        conditions.check_source(&original)?;
        let stream = outflow::stream(opened.payload, opened.range);
        let part = self.uploads.put_stream(&input.bucket, &input.upload_id, number, manifest.algorithm, stream).await?;
        let mut result = CopyPartResult {
            e_tag: Some(ETag::Strong(part.etag)),
            last_modified: Some(timestamp(part.modified)),
            ..Default::default()
        };
        answer_checksums!(result, &part.checksums);
        Ok(UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() })
    }
}
