//! Multipart uploads, as requests put them.

use s3s::dto::*;
use s3s::{S3Result, TrailingHeaders, s3_error};

use super::Service;
use super::buckets::owner;
use super::headers::{algorithm, answer_checksums, checksum_type, declared_checksums, headers_of};
use super::listings::{encoded, encodes, limit};
use super::objects::signed;
use crate::conditions::WriteConditions;
use crate::digest::Algorithm;
use crate::intake::Declared;
use crate::record::{now, timestamp};
use crate::uploads::{Completion, Manifest, NamedPart};

impl Service {
    pub(super) async fn begin_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> S3Result<CreateMultipartUploadOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        let algorithm = algorithm(input.checksum_algorithm.as_ref());
        // CRC-64 has no composite form; the others default to it.
        let kind = algorithm.map(|algorithm| match &input.checksum_type {
            Some(kind) => kind.as_str().to_owned(),
            None if algorithm == Algorithm::Crc64Nvme => ChecksumType::FULL_OBJECT.to_owned(),
            None => ChecksumType::COMPOSITE.to_owned(),
        });
        if matches!(
            (algorithm, kind.as_deref()),
            (Some(Algorithm::Sha1 | Algorithm::Sha256), Some(ChecksumType::FULL_OBJECT))
        ) {
            return Err(s3_error!(InvalidRequest, "The FULL_OBJECT checksum type is for CRC algorithms only"));
        }
        let manifest =
            Manifest { key: input.key.clone(), initiated: now(), headers: headers_of!(input), algorithm, kind };
        let id = self.uploads.begin(&input.bucket, &manifest).await?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: manifest.kind.map(ChecksumType::from),
            ..Default::default()
        })
    }

    pub(super) async fn write_part(
        &self,
        input: UploadPartInput,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<UploadPartOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        let number = part_number(input.part_number)?;
        let manifest = self.uploads.manifest(&input.bucket, &input.key, &input.upload_id).await?;
        let declared = Declared {
            length: input.content_length,
            content_md5: input.content_md5.clone(),
            checksums: declared_checksums!(input),
            algorithm: manifest.algorithm.or_else(|| algorithm(input.checksum_algorithm.as_ref())),
            trailers,
        };
        let part = self.uploads.put(&input.bucket, &input.upload_id, number, declared, input.body).await?;
        let mut output = UploadPartOutput { e_tag: Some(ETag::Strong(part.etag)), ..Default::default() };
        answer_checksums!(output, &part.checksums);
        Ok(output)
    }

    pub(super) async fn show_parts(&self, input: ListPartsInput) -> S3Result<ListPartsOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        let limit = limit(input.max_parts)?;
        let manifest = self.uploads.manifest(&input.bucket, &input.key, &input.upload_id).await?;
        let after = input.part_number_marker.unwrap_or(0);
        let mut parts = self.uploads.parts(&input.bucket, &input.upload_id).await?;
        parts.retain(|part| part.number > after);
        let truncated = parts.len() > limit;
        parts.truncate(limit);
        let next = parts.last().filter(|_| truncated).map(|part| part.number);
        let shown = parts.into_iter().map(|part| {
            let mut shown = Part {
                part_number: Some(part.number),
                e_tag: Some(ETag::Strong(part.etag)),
                size: Some(signed(part.size)),
                last_modified: Some(timestamp(part.modified)),
                ..Default::default()
            };
            answer_checksums!(shown, &part.checksums);
            shown
        });
        Ok(ListPartsOutput {
            parts: Some(shown.collect()),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            max_parts: i32::try_from(limit).ok(),
            part_number_marker: Some(after),
            next_part_number_marker: next,
            is_truncated: Some(truncated),
            checksum_algorithm: manifest.algorithm.map(|algorithm| algorithm.name().to_owned().into()),
            checksum_type: manifest.kind.map(ChecksumType::from),
            owner: Some(owner()),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            ..Default::default()
        })
    }

    pub(super) async fn show_uploads(&self, input: ListMultipartUploadsInput) -> S3Result<ListMultipartUploadsOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        let encode = encodes(input.encoding_type.as_ref())?;
        let limit = limit(input.max_uploads)?;
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let delimiter = input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
        let key_marker = input.key_marker.as_deref().filter(|marker| !marker.is_empty());
        let id_marker = input.upload_id_marker.as_deref().filter(|_| key_marker.is_some());

        let mut all = self.uploads.list(&input.bucket).await?;
        all.retain(|(_, manifest)| manifest.key.starts_with(prefix));
        if let Some(key_marker) = key_marker {
            // Uploads of one key come by age, so the marker's own place is what counts.
            let at = id_marker
                .and_then(|marker| all.iter().position(|(id, upload)| id == marker && upload.key == key_marker));
            match at {
                Some(at) => drop(all.drain(..=at)),
                None => all.retain(|(_, upload)| upload.key.as_str() > key_marker),
            }
        }
        let (mut uploads, mut common) = (Vec::new(), Vec::<String>::new());
        let (mut truncated, mut last) = (false, None);
        for (id, manifest) in all {
            let rolled_up = delimiter.and_then(|delimiter| {
                let at = manifest.key[prefix.len()..].find(delimiter)?;
                Some(manifest.key[..prefix.len() + at + delimiter.len()].to_owned())
            });
            if rolled_up.is_some() && rolled_up.as_ref() == common.last() {
                continue;
            }
            if uploads.len() + common.len() == limit {
                truncated = limit > 0;
                break;
            }
            last = Some((rolled_up.clone().unwrap_or_else(|| manifest.key.clone()), id.clone()));
            match rolled_up {
                Some(prefix) => common.push(prefix),
                None => uploads.push(MultipartUpload {
                    key: Some(encoded(&manifest.key, encode)),
                    upload_id: Some(id),
                    initiated: Some(timestamp(manifest.initiated)),
                    checksum_algorithm: manifest.algorithm.map(|algorithm| algorithm.name().to_owned().into()),
                    checksum_type: manifest.kind.map(ChecksumType::from),
                    owner: Some(owner()),
                    storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
                    ..Default::default()
                }),
            }
        }
        let last = last.filter(|_| truncated);
        let common = common.into_iter().map(|prefix| CommonPrefix { prefix: Some(encoded(&prefix, encode)) });
        Ok(ListMultipartUploadsOutput {
            common_prefixes: Some(common.collect()),
            uploads: Some(uploads),
            is_truncated: Some(truncated),
            next_key_marker: last.as_ref().map(|(key, _)| encoded(key, encode)),
            next_upload_id_marker: last.map(|(_, id)| id),
            key_marker: Some(encoded(key_marker.unwrap_or_default(), encode)),
            upload_id_marker: input.upload_id_marker.clone(),
            max_uploads: i32::try_from(limit).ok(),
            prefix: Some(encoded(prefix, encode)),
            delimiter: delimiter.map(|delimiter| encoded(delimiter, encode)),
            encoding_type: input.encoding_type.clone(),
            bucket: Some(input.bucket.clone()),
            ..Default::default()
        })
    }

    pub(super) async fn finish_upload(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        self.shelf.places.buckets.require(&input.bucket).await?;
        let named = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_ref());
        let parts = named.into_iter().flatten().map(|part| {
            Ok(NamedPart {
                number: part_number(part.part_number.unwrap_or(0))?,
                etag: part.e_tag.as_ref().map(|tag| tag.value().to_owned()),
                checksums: declared_checksums!(part),
            })
        });
        let completion = Completion {
            parts: parts.collect::<S3Result<_>>()?,
            size: input.mpu_object_size,
            checksums: declared_checksums!(input),
            conditions: WriteConditions {
                if_match: input.if_match.clone(),
                if_none_match: input.if_none_match.clone(),
            },
        };
        let record = self.uploads.complete(&input.bucket, &input.key, &input.upload_id, completion).await?;
        let mut output = CompleteMultipartUploadOutput {
            e_tag: Some(record.e_tag()),
            location: Some(format!("/{}/{}", input.bucket, encoded(&input.key, true))),
            bucket: Some(input.bucket),
            key: Some(input.key),
            checksum_type: checksum_type(&record.checksums),
            ..Default::default()
        };
        answer_checksums!(output, &record.checksums);
        Ok(output)
    }
}

/// A part number that S3 allows.
pub(super) fn part_number(number: i32) -> S3Result<i32> {
    if (1..=10_000).contains(&number) {
        return Ok(number);
    }
    Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"))
}
