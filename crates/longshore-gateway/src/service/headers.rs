//! Between the headers of a request, the record of an object, and the headers of an answer.

use s3s::dto::*;

use crate::digest::{Algorithm, Checksums};
use crate::record::{Headers, Record};

/// The headers a write request gives its object; the request types share field names but no trait.
macro_rules! headers_of {
    ($input:expr) => {
        $crate::record::Headers {
            content_type: $input.content_type.clone(),
            cache_control: $input.cache_control.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_encoding: $input.content_encoding.as_deref().and_then($crate::service::headers::own_encoding),
            content_language: $input.content_language.clone(),
            expires: $input.expires.as_ref().map($crate::record::seconds),
            storage_class: $input.storage_class.as_ref().map(|class| class.as_str().to_owned()),
            metadata: $input.metadata.clone().unwrap_or_default().into_iter().collect(),
        }
    };
}

/// The checksums a request declares in its headers.
macro_rules! declared_checksums {
    ($input:expr) => {{
        let mut declared = $crate::digest::Checksums::default();
        declared.declare($crate::digest::Algorithm::Crc32, $input.checksum_crc32.clone());
        declared.declare($crate::digest::Algorithm::Crc32c, $input.checksum_crc32c.clone());
        declared.declare($crate::digest::Algorithm::Crc64Nvme, $input.checksum_crc64nvme.clone());
        declared.declare($crate::digest::Algorithm::Sha1, $input.checksum_sha1.clone());
        declared.declare($crate::digest::Algorithm::Sha256, $input.checksum_sha256.clone());
        declared
    }};
}

/// Puts checksums into an answer that has a field for each.
macro_rules! answer_checksums {
    ($output:expr, $checksums:expr) => {{
        use $crate::digest::Algorithm;
        let checksums: &$crate::digest::Checksums = $checksums;
        $output.checksum_crc32 = checksums.value(Algorithm::Crc32);
        $output.checksum_crc32c = checksums.value(Algorithm::Crc32c);
        $output.checksum_crc64nvme = checksums.value(Algorithm::Crc64Nvme);
        $output.checksum_sha1 = checksums.value(Algorithm::Sha1);
        $output.checksum_sha256 = checksums.value(Algorithm::Sha256);
    }};
}

pub(super) use {answer_checksums, declared_checksums, headers_of};

/// `Content-Encoding` without the transfer's own `aws-chunked`.
pub(super) fn own_encoding(value: &str) -> Option<String> {
    let kept: Vec<_> =
        value.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// The kind of an object's checksums, for an answer.
pub(super) fn checksum_type(checksums: &Checksums) -> Option<ChecksumType> {
    checksums.kind.clone().map(ChecksumType::from)
}

/// The algorithm a request names.
pub(super) fn algorithm(name: Option<&ChecksumAlgorithm>) -> Option<Algorithm> {
    name.and_then(|name| Algorithm::named(name.as_str()))
}

/// An object's own headers in a HEAD answer; a GET answer takes them from there.
pub(super) fn head_output(record: &Record) -> HeadObjectOutput {
    let Headers { content_type, cache_control, content_disposition, content_encoding, content_language, .. } =
        record.headers.clone();
    let metadata: Metadata = record.headers.metadata.clone().into_iter().collect();
    HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_type: Some(content_type.unwrap_or_else(|| "binary/octet-stream".to_owned())),
        cache_control,
        content_disposition,
        content_encoding,
        content_language,
        expires: record.headers.expires.map(crate::record::timestamp),
        storage_class: record.headers.storage_class.clone().filter(|class| class != "STANDARD").map(StorageClass::from),
        metadata: (!metadata.is_empty()).then_some(metadata),
        e_tag: Some(record.e_tag()),
        last_modified: Some(record.last_modified()),
        ..Default::default()
    }
}
