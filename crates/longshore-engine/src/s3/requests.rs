//! Requests about buckets and about many keys.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderName, Method};
use longshore_config::S3Access;
use md5::{Digest, Md5};

use super::request::Request;
use super::xml::{self, PageEntry};
use crate::error::{Context, Error};
use crate::service::Bucket;

/// One page of a listing, and how to ask for the next.
pub(crate) struct ListPage<E> {
    pub(crate) entries: Vec<E>,
    pub(crate) folders: Vec<String>,
    pub(crate) next: Option<String>,
}

/// Up to 1000 keys that begin with `prefix`, from where `token` says. With a `delimiter`, keys that have it after the prefix
/// are folded into folders. Keys up to `after` are left out as far as that is safe: see [`start_after`].
pub(crate) async fn list_page<E: PageEntry>(
    access: &S3Access,
    (prefix, delimiter, after): (&str, &str, &str),
    token: Option<&str>,
    context: &Context,
) -> Result<ListPage<E>, Error> {
    let mut request =
        Request::bucket(access, Method::GET, context).query("list-type", "2").query("encoding-type", "url");
    for (name, value) in [("prefix", prefix), ("delimiter", delimiter)] {
        if !value.is_empty() {
            request = request.query(name, value);
        }
    }
    match (token, start_after((&access.service_url, &access.bucket_url), after)) {
        (Some(token), _) => request = request.query("continuation-token", token),
        (None, "") => {}
        (None, start) => request = request.query("start-after", start),
    }
    let page = request.parsed(xml::page::<E>).await?;
    let next = page.next.filter(|_| page.truncated);
    Ok(ListPage { entries: page.entries, folders: page.folders, next })
}

/// What a server can be told to begin after, so that it leaves out nothing that comes after `offset` in the order of bytes.
///
/// AWS lists in that order. Others may list folder by folder, `a/b` before `a-b`. What comes before a slash in the order of bytes
/// is where the two differ, so they are told what stands before the first of it, which both orders agree about.
fn start_after<'a>((service, bucket): (&str, &str), offset: &'a str) -> &'a str {
    let host = service.split_once("://").map_or("", |(_, rest)| rest).split([':', '/']).next();
    let of_aws = host.is_some_and(|host| host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"));
    match (of_aws, offset.find(|letter| letter < '/')) {
        // Directory buckets keep no order, and do not know the parameter.
        (true, _) if bucket.contains("--x-s3") => "",
        (true, _) | (false, None) => offset,
        (false, Some(end)) => &offset[..end],
    }
}

/// Deletes up to 1000 keys in one request. Returns those that failed: key, code, message.
///
/// `Ok(None)` means that the keys cannot be written in XML; then each wants a request of its own.
pub(crate) async fn delete_batch(
    access: &S3Access,
    keys: &[&str],
    context: &Context,
) -> Result<Option<Vec<(String, String, String)>>, Error> {
    let Some(body) = xml::delete_request(keys) else { return Ok(None) };
    // AWS asks for a checksum of this body; the MD5 header is the one that every server knows.
    let digest = BASE64_STANDARD.encode(Md5::digest(body.as_bytes()));
    let request = Request::bucket(access, Method::POST, context)
        .query("delete", "")
        .header(HeaderName::from_static("content-md5"), &digest)?
        .header(http::header::CONTENT_TYPE, "application/xml")?
        .body(body);
    request.parsed(xml::delete_failures).await.map(Some)
}

/// Creates the bucket in the store's region.
pub(crate) async fn create_bucket(access: &S3Access, context: &Context) -> Result<(), Error> {
    let mut request = Request::bucket(access, Method::PUT, context);
    if access.region != "us-east-1" && access.region != "auto" {
        request = request.body(format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{}\
             </LocationConstraint></CreateBucketConfiguration>",
            quick_xml::escape::escape(&access.region)
        ));
    }
    request.send().await.map(drop)
}

/// The caller's own buckets.
pub(crate) async fn list_buckets(access: &S3Access, context: &Context) -> Result<Vec<Bucket>, Error> {
    Request::service(access, Method::GET, context).parsed(xml::buckets).await
}

/// Deletes the bucket, if it is empty.
pub(crate) async fn delete_bucket(access: &S3Access, context: &Context) -> Result<(), Error> {
    match Request::bucket(access, Method::DELETE, context).send().await {
        Err(error) if error.is_gone_on_repeat() => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// Whether `bucket` is among the caller's own.
pub(crate) async fn owns_bucket(access: &S3Access, bucket: &str, context: &Context) -> Result<bool, Error> {
    let buckets = list_buckets(access, context).await?;
    Ok(buckets.iter().any(|own| own.name == bucket))
}

/// Whether the bucket is there and lets the caller in.
pub(crate) async fn bucket_answers(access: &S3Access, context: &Context) -> bool {
    Request::bucket(access, Method::HEAD, context).send().await.is_ok()
}

/// The bucket's region, where the server says it.
///
/// # Errors
///
/// Why the caller cannot reach the bucket. An answer to HEAD has no body, so what it does not say is asked for once more.
pub(crate) async fn bucket_region(access: &S3Access, context: &Context) -> Result<Option<String>, Error> {
    match Request::bucket(access, Method::HEAD, context).send().await {
        Ok(answer) => {
            let region = answer.headers().get("x-amz-bucket-region").and_then(|region| region.to_str().ok());
            Ok(region.map(str::to_owned))
        }
        Err(error) if matches!(error.status(), Some(301 | 400 | 401 | 403)) => {
            let asked = Request::bucket(access, Method::GET, context).query("location", "").send().await;
            match asked {
                // Who may not list the bucket may know where it is.
                Ok(_) => Ok(None),
                Err(said) => Err(said),
            }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_begins_after_what_every_order_agrees_about() {
        let aws = ("https://s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com/b");
        let express =
            ("https://s3express-euw1-az1.eu-west-1.amazonaws.com", "https://b--euw1-az1--x-s3.s3express.example");
        let other = ("http://127.0.0.1:9000", "http://127.0.0.1:9000/b");
        let pretender = ("https://amazonaws.com.example", "https://amazonaws.com.example/b");
        for (place, offset, start) in [
            (aws, "a/b-c.d", "a/b-c.d"),
            (express, "a/b", ""),
            (other, "a/b-c.d", "a/b"),
            (other, "a/bc", "a/bc"),
            (other, "-", ""),
            (pretender, "a.b", "a"),
            (aws, "", ""),
        ] {
            assert_eq!(start_after(place, offset), start, "{place:?} {offset}");
        }
    }

    #[test]
    fn nothing_beyond_an_offset_is_left_out_whichever_order_a_server_keeps() {
        let mut keys = Vec::new();
        for first in ["a", "a-", "a.b", "ab", "a0", "b"] {
            keys.push(first.to_owned());
            keys.extend(["-", "a", "a-b", "b.", "a/c"].map(|second| format!("{first}/{second}")));
        }
        let by_folder = |one: &str, other: &str| one.split('/').cmp(other.split('/'));
        for offset in &keys {
            let start = start_after(("http://127.0.0.1", "http://127.0.0.1/b"), offset);
            for key in keys.iter().filter(|key| *key > offset) {
                assert!(start.is_empty() || by_folder(key, start).is_gt(), "{key} is not after {start}, of {offset}");
                assert!(key.as_str() > start, "{key} is not after {start}, of {offset}");
            }
        }
    }
}
