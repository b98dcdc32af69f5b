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
/// are folded into folders.
pub(crate) async fn list_page<E: PageEntry>(
    access: &S3Access,
    (prefix, delimiter): (&str, &str),
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
    if let Some(token) = token {
        request = request.query("continuation-token", token);
    }
    let page = request.parsed(xml::page::<E>).await?;
    let next = page.next.filter(|_| page.truncated);
    Ok(ListPage { entries: page.entries, folders: page.folders, next })
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
