//! Uploads in parts: begun, continued, finished, called off.

use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::ETAG;
use http::{HeaderName, Method};
use longshore_config::S3Access;
use object_store::Attributes;

use super::attributes::to_headers;
use super::objects::copy_source;
use super::request::Request;
use super::xml;
use crate::error::{Context, Error, ErrorKind};

/// S3 takes 10,000 parts at most.
pub(crate) const MOST_PARTS: u64 = 10_000;
/// Every part but the last has at least this size.
pub(crate) const SMALLEST_PART: u64 = 5 << 20;

/// An upload that is under way, somebody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) initiated: DateTime<Utc>,
}

/// A part that the server has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) number: u32,
    pub(crate) e_tag: String,
    pub(crate) size: u64,
}

/// Begins an upload. Returns its name.
pub(crate) async fn begin_upload(
    access: &S3Access,
    key: &str,
    attributes: &Attributes,
    context: &Context,
) -> Result<String, Error> {
    let request = Request::object(access, Method::POST, key, context)?.query("uploads", "");
    request.headers(to_headers(attributes, access.content_type.as_deref()))?.parsed(xml::uploads::begun).await
}

/// Sends one part. Returns the server's name for its content.
pub(crate) async fn put_part(
    access: &S3Access,
    key: &str,
    (id, number): (&str, u32),
    body: Bytes,
    context: &Context,
) -> Result<String, Error> {
    let request = part_request(access, key, (id, number), context)?.body(body);
    let response = request.send().await?;
    let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
    tag.map(str::to_owned).ok_or_else(|| context.error(ErrorKind::Generic, "the server gave a part no ETag"))
}

/// Makes one part of `range` of another object, of the version called `pin`. Returns the server's name for its content.
pub(crate) async fn copy_part(
    access: &S3Access,
    key: &str,
    (id, number): (&str, u32),
    (source_bucket, source_key, range, pin): (&str, &str, Range<u64>, Option<&str>),
    context: &Context,
) -> Result<String, Error> {
    let range = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
    let mut request = part_request(access, key, (id, number), context)?
        .header(HeaderName::from_static("x-amz-copy-source"), &copy_source(source_bucket, source_key))?
        .header(HeaderName::from_static("x-amz-copy-source-range"), &range)?;
    if let Some(pin) = pin {
        request = request.header(HeaderName::from_static("x-amz-copy-source-if-match"), pin)?;
    }
    request.parsed(xml::uploads::copied_part).await
}

fn part_request<'a>(
    access: &'a S3Access,
    key: &str,
    (id, number): (&str, u32),
    context: &'a Context,
) -> Result<Request<'a>, Error> {
    let request = Request::object(access, Method::PUT, key, context)?;
    Ok(request.query("partNumber", &number.to_string()).query("uploadId", id))
}

/// Makes an object of the parts: number and ETag, in order.
pub(crate) async fn complete_upload(
    access: &S3Access,
    key: &str,
    id: &str,
    parts: &[(u32, String)],
    context: &Context,
) -> Result<(), Error> {
    let request = Request::object(access, Method::POST, key, context)?
        .query("uploadId", id)
        .header(http::header::CONTENT_TYPE, "application/xml")?
        .body(xml::uploads::completion(parts));
    // It can fail after its 200 has been sent; then the body is an error.
    request.parsed(xml::uploads::completed).await
}

/// Calls an upload off. One that is not there any more is fine.
pub(crate) async fn abort_upload(access: &S3Access, key: &str, id: &str, context: &Context) -> Result<(), Error> {
    match Request::object(access, Method::DELETE, key, context)?.query("uploadId", id).send().await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// The upload of `key` that was begun last, if one is under way.
pub(crate) async fn latest_upload(access: &S3Access, key: &str, context: &Context) -> Result<Option<String>, Error> {
    let mut latest: Option<Pending> = None;
    let mut marker: Option<(String, String)> = None;
    loop {
        let mut request = Request::bucket(access, Method::GET, context)
            .query("uploads", "")
            .query("encoding-type", "url")
            .query("prefix", key);
        if let Some((key, id)) = &marker {
            request = request.query("key-marker", key).query("upload-id-marker", id);
        }
        let page = request.parsed(xml::uploads::pending).await?;
        let beyond = page.uploads.iter().any(|upload| upload.key.as_str() > key);
        let found = page.uploads.into_iter().filter(|upload| upload.key == key);
        latest = latest.into_iter().chain(found).max_by_key(|upload| upload.initiated);
        // The key itself comes before whatever it is a prefix of.
        if page.next.is_none() || beyond {
            return Ok(latest.map(|upload| upload.id));
        }
        if page.next == marker {
            return Err(context.error(ErrorKind::Generic, "the server repeats a marker"));
        }
        marker = page.next;
    }
}

/// The parts that the server has of an upload.
pub(crate) async fn list_parts(access: &S3Access, key: &str, id: &str, context: &Context) -> Result<Vec<Part>, Error> {
    let mut parts: Vec<Part> = Vec::new();
    let mut marker: Option<u32> = None;
    loop {
        let mut request = Request::object(access, Method::GET, key, context)?.query("uploadId", id);
        if let Some(marker) = marker {
            request = request.query("part-number-marker", &marker.to_string());
        }
        let page = request.parsed(xml::uploads::parts).await?;
        parts.extend(page.parts);
        match page.next {
            None => return Ok(parts),
            Some(next) if marker.is_some_and(|marker| next <= marker) => {
                return Err(context.error(ErrorKind::Generic, "the server repeats a marker"));
            }
            next => marker = next,
        }
    }
}
