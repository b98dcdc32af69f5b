//! Writes of one object with all that S3 has headers for: what is said of the content, tags, and conditions.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, Method};
use longshore_config::S3Access;
use object_store::{Attribute, Attributes, PutMode, PutOptions, PutResult, TagSet};
use sha2::{Digest, Sha256};

use super::attributes::to_headers;
use super::request::Request;
use super::xml;
use crate::error::{Context, Error};

/// Writes one object as `options` say. Returns what the server calls it.
pub(crate) async fn put_with(
    access: &S3Access,
    key: &str,
    body: Bytes,
    options: &PutOptions,
    context: &Context,
) -> Result<PutResult, Error> {
    let mut request = Request::object(access, Method::PUT, key, context)?
        .headers(to_headers(&options.attributes, access.content_type.as_deref()))?
        .headers(more_headers(access, &options.attributes, &options.tags))?;
    match &options.mode {
        PutMode::Overwrite => {}
        PutMode::Create => request = request.header(IF_NONE_MATCH, "*")?,
        PutMode::Update(version) => request = request.header(IF_MATCH, version.e_tag.as_deref().unwrap_or("*"))?,
    }
    let checksum = match access.checksum {
        Some("sha256") => Some(("x-amz-checksum-sha256", Sha256::digest(&body).to_vec())),
        Some("crc64nvme") => {
            let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, &body);
            Some(("x-amz-checksum-crc64nvme", sum.to_be_bytes().to_vec()))
        }
        _ => None,
    };
    if let Some((name, sum)) = checksum {
        request = request.header(HeaderName::from_static(name), &BASE64_STANDARD.encode(sum))?;
    }
    let answer = request.body(body).send().await?;
    Ok(named(answer.headers()))
}

/// Begins an upload with attributes and tags. Returns its name.
pub(crate) async fn begin_upload_with(
    access: &S3Access,
    key: &str,
    attributes: &Attributes,
    tags: &TagSet,
    context: &Context,
) -> Result<String, Error> {
    let request = Request::object(access, Method::POST, key, context)?.query("uploads", "");
    let request = request
        .headers(to_headers(attributes, access.content_type.as_deref()))?
        .headers(more_headers(access, attributes, tags))?;
    request.parsed(xml::uploads::begun).await
}

/// What objects that pass through this process have no use for.
fn more_headers(access: &S3Access, attributes: &Attributes, tags: &TagSet) -> Vec<(HeaderName, String)> {
    let class = attributes.get(&Attribute::StorageClass).map(|class| class.to_string());
    let tags = (!tags.is_empty() && !access.untagged).then(|| tags.encoded().to_owned());
    [("x-amz-storage-class", class), ("x-amz-tagging", tags)]
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), value?)))
        .collect()
}

fn named(headers: &HeaderMap) -> PutResult {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    PutResult {
        e_tag: text(ETAG),
        version: text(HeaderName::from_static("x-amz-version-id")),
        extensions: Default::default(),
    }
}

/// Makes an object of the parts, if there is none of that key.
pub(crate) async fn complete_new(
    access: &S3Access,
    key: &str,
    id: &str,
    parts: &[(u32, String)],
    context: &Context,
) -> Result<(), Error> {
    let request = Request::object(access, Method::POST, key, context)?
        .query("uploadId", id)
        .header(http::header::CONTENT_TYPE, "application/xml")?
        .header(IF_NONE_MATCH, "*")?
        .body(xml::uploads::completion(parts));
    request.parsed(xml::uploads::completed).await
}
