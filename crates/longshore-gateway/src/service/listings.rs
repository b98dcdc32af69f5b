//! ListObjects, both versions.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3Result, s3_error};

use super::Service;
use super::buckets::owner;
use super::objects::signed;
use crate::digest::hex;
use crate::listing::{Item, View};

/// Records looked up at a time for one page.
const LOOKUPS: usize = 32;

/// What S3 leaves as it is with `encoding-type=url`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// What both versions ask for.
struct Query<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    after: Option<&'a str>,
    /// Whether this goes on with a listing begun before.
    goes_on: bool,
    limit: usize,
    with_owner: bool,
    encode: bool,
}

/// What both versions answer.
struct Found {
    contents: Vec<Object>,
    common_prefixes: Vec<CommonPrefix>,
    truncated: bool,
    last: Option<String>,
}

impl Service {
    pub(super) async fn list_first_version(&self, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
        let encode = encodes(input.encoding_type.as_ref())?;
        let limit = limit(input.max_keys)?;
        let delimiter = input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
        let after = input.marker.as_deref().filter(|marker| !marker.is_empty());
        let query = Query {
            bucket: &input.bucket,
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter,
            after,
            goes_on: after.is_some(),
            limit,
            with_owner: true,
            encode,
        };
        let found = self.find(&query).await?;
        // Without a delimiter a client goes on from the last key.
        let next_marker = found.last.as_deref().filter(|_| found.truncated && delimiter.is_some());
        Ok(ListObjectsOutput {
            next_marker: next_marker.map(|marker| encoded(marker, encode)),
            delimiter: delimiter.map(|delimiter| encoded(delimiter, encode)),
            prefix: Some(encoded(query.prefix, encode)),
            marker: Some(encoded(after.unwrap_or_default(), encode)),
            contents: Some(found.contents),
            common_prefixes: Some(found.common_prefixes),
            is_truncated: Some(found.truncated),
            max_keys: i32::try_from(limit).ok(),
            encoding_type: input.encoding_type.clone(),
            name: Some(input.bucket.clone()),
            ..Default::default()
        })
    }

    pub(super) async fn list_second_version(&self, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        let encode = encodes(input.encoding_type.as_ref())?;
        let limit = limit(input.max_keys)?;
        let delimiter = input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
        let token = input.continuation_token.as_deref().map(key_of).transpose()?;
        let after = token.as_deref().or(input.start_after.as_deref()).filter(|after| !after.is_empty());
        let query = Query {
            bucket: &input.bucket,
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter,
            after,
            goes_on: token.is_some(),
            limit,
            with_owner: input.fetch_owner.unwrap_or(false),
            encode,
        };
        let found = self.find(&query).await?;
        let count = found.contents.len() + found.common_prefixes.len();
        Ok(ListObjectsV2Output {
            next_continuation_token: found.last.as_deref().filter(|_| found.truncated).map(token_of),
            key_count: i32::try_from(count).ok(),
            delimiter: delimiter.map(|delimiter| encoded(delimiter, encode)),
            prefix: Some(encoded(query.prefix, encode)),
            start_after: input.start_after.as_deref().map(|after| encoded(after, encode)),
            contents: Some(found.contents),
            common_prefixes: Some(found.common_prefixes),
            is_truncated: Some(found.truncated),
            max_keys: i32::try_from(limit).ok(),
            encoding_type: input.encoding_type.clone(),
            continuation_token: input.continuation_token.clone(),
            name: Some(input.bucket.clone()),
            ..Default::default()
        })
    }

    async fn find(&self, query: &Query<'_>) -> S3Result<Found> {
        self.shelf.places.buckets.require(query.bucket).await?;
        let mut found = Found { contents: Vec::new(), common_prefixes: Vec::new(), truncated: false, last: None };
        if query.limit == 0 {
            return Ok(found);
        }
        let folder = query.prefix.rfind('/').map_or("", |at| &query.prefix[..=at]);
        let view = match self.shelf.listings.find(query.bucket, folder).filter(|_| query.goes_on) {
            Some(view) => view,
            None => {
                let changes = self.shelf.listings.changes(query.bucket);
                let view = Arc::new(View::new(self.shelf.places.scan(query.bucket, folder).await?));
                self.shelf.listings.keep(query.bucket, folder, Arc::clone(&view), changes);
                view
            }
        };
        let page = view.page(query.prefix, query.delimiter, query.after, query.limit);
        found.truncated = page.truncated;
        found.last = page.last().map(str::to_owned);
        let entries = page.items.iter().filter_map(|item| match item {
            Item::Object(entry) => Some(*entry),
            Item::CommonPrefix(prefix) => {
                found.common_prefixes.push(CommonPrefix { prefix: Some(encoded(prefix, query.encode)) });
                None
            }
        });
        let entries: Vec<_> = entries.cloned().collect();
        let objects = futures::stream::iter(entries).map(|entry| async move {
            let Some(record) = self.shelf.listed(query.bucket, &entry).await? else { return Ok(None) };
            let class = record.headers.storage_class.clone();
            Ok::<_, s3s::S3Error>(Some(Object {
                key: Some(encoded(&entry.key, query.encode)),
                e_tag: Some(record.e_tag()),
                size: Some(signed(record.size)),
                last_modified: Some(record.last_modified()),
                storage_class: Some(class.unwrap_or_else(|| ObjectStorageClass::STANDARD.to_owned()).into()),
                owner: query.with_owner.then(owner),
                ..Default::default()
            }))
        });
        let objects: Vec<Option<Object>> = objects.buffered(LOOKUPS).try_collect().await?;
        found.contents = objects.into_iter().flatten().collect();
        Ok(found)
    }
}

/// Text of an answer, encoded when the request asks for it.
pub(super) fn encoded(text: &str, encode: bool) -> String {
    if encode { utf8_percent_encode(text, ENCODED).to_string() } else { text.to_owned() }
}

/// Whether the request asks for encoded text.
pub(super) fn encodes(kind: Option<&EncodingType>) -> S3Result<bool> {
    match kind.map(EncodingType::as_str) {
        None => Ok(false),
        Some(EncodingType::URL) => Ok(true),
        Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
    }
}

/// A page size between none and S3's 1000.
pub(super) fn limit(asked: Option<i32>) -> S3Result<usize> {
    let asked = asked.unwrap_or(1000);
    usize::try_from(asked)
        .map(|limit| limit.min(1000))
        .map_err(|_| s3_error!(InvalidArgument, "Argument maxKeys must be an integer between 0 and 2147483647"))
}

/// A token that means "after this key", and is text without being a key.
fn token_of(key: &str) -> String {
    format!("1{}", hex(key.as_bytes()))
}

fn key_of(token: &str) -> S3Result<String> {
    let bytes = token.strip_prefix('1').and_then(|digits| hex_simd::decode_to_vec(digits).ok());
    let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    key.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}
