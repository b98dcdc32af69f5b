//! Requests about one key, for keys that `object_store`'s paths cannot spell, and for copies between buckets.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{CONTENT_LENGTH, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, Method};
use longshore_config::S3Access;
use object_store::{Attributes, PutOptions};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::attributes::from_headers;
use super::request::Request;
use super::writing::put_with;
use super::xml;
use crate::error::{Context, Error, ErrorKind};
use crate::manage::Metadata;

/// Writes one object.
pub(crate) async fn put(
    access: &S3Access,
    key: &str,
    body: Bytes,
    attributes: &Attributes,
    context: &Context,
) -> Result<(), Error> {
    let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
    put_with(access, key, body, &options, context).await.map(drop)
}

/// Describes one object.
pub(crate) async fn head(access: &S3Access, key: &str, context: &Context) -> Result<Metadata, Error> {
    describe(access, key, context).await.map(|(metadata, _)| metadata)
}

/// Describes one object and its content.
pub(crate) async fn describe(access: &S3Access, key: &str, context: &Context) -> Result<(Metadata, Attributes), Error> {
    let response = Request::object(access, Method::HEAD, key, context)?.send().await?;
    Ok((metadata(key, response.headers()), from_headers(response.headers())))
}

/// What the headers of an answer say about the object.
pub(super) fn metadata(key: &str, headers: &HeaderMap) -> Metadata {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Metadata {
        key: key.to_owned(),
        size: content_length(headers).unwrap_or(0),
        last_modified: text(LAST_MODIFIED)
            .and_then(|date| DateTime::parse_from_rfc2822(date).ok())
            .map_or(DateTime::UNIX_EPOCH, |date| date.with_timezone(&Utc)),
        e_tag: text(ETAG).map(str::to_owned),
        version: text(HeaderName::from_static("x-amz-version-id")).map(str::to_owned),
    }
}

/// Deletes one object; a missing one is deleted already.
pub(crate) async fn delete(access: &S3Access, key: &str, context: &Context) -> Result<(), Error> {
    match Request::object(access, Method::DELETE, key, context)?.send().await {
        Err(error) if error.kind() == ErrorKind::NotFound && error.code() != Some("NoSuchBucket") => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// Copies within the service: the bytes do not pass through here.
pub(crate) async fn copy(
    access: &S3Access,
    key: &str,
    (source_bucket, source_key): (&str, &str),
    context: &Context,
) -> Result<(), Error> {
    let source = copy_source(source_bucket, source_key);
    let request = Request::object(access, Method::PUT, key, context)?
        .header(HeaderName::from_static("x-amz-copy-source"), &source)?;
    // A copy can fail after its 200 has been sent; then the body is an error.
    request.parsed(xml::copied).await
}

pub(super) fn copy_source(bucket: &str, key: &str) -> String {
    format!("{bucket}/{}", utf8_percent_encode(key, NON_ALPHANUMERIC))
}

pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
