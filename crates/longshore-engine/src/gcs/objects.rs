//! Deletes of one object, and copies inside the service.

use http::Method;
use longshore_config::GcsAccess;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use super::request::{Request, document, object_path};
use crate::error::{Context, Error, ErrorKind};
use crate::manage::Metadata;
use crate::rest::UNRESERVED;

/// So many answers in a row may tell of no more bytes copied.
const PATIENCE: u32 = 100;

/// Deletes one object; a missing one is deleted already.
pub(crate) async fn delete(access: &GcsAccess, key: &str, context: &Context) -> Result<(), Error> {
    match Request::object(access, Method::DELETE, key, context)?.send().await {
        // The same answer is given for a missing bucket, so the bucket is asked after.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let bucket = Request::bucket(access, Method::GET, context).query("fields", "name").send().await;
            match bucket {
                Err(missing) if missing.kind() == ErrorKind::NotFound => Err(missing),
                _ => Ok(()),
            }
        }
        outcome => outcome.map(drop),
    }
}

/// Copies `source_key` of `source_bucket` to `key`. A large object takes the server several requests, each of which goes on where
/// the last one stopped.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] where there is no source, and what else the server answers.
pub(crate) async fn copy(
    access: &GcsAccess,
    key: &str,
    (source_bucket, source_key): (&str, &str),
    version: Option<&Metadata>,
    context: &Context,
) -> Result<(), Error> {
    let source = object_path(source_bucket, source_key, context)?;
    object_path(&access.bucket, key, context)?;
    let path = format!("{source}/rewriteTo/b/{}/o/{}", access.bucket, utf8_percent_encode(key, &UNRESERVED));
    let mut token: Option<String> = None;
    let (mut copied, mut stuck) = (0, 0);
    loop {
        let mut request = Request::json(access, Method::POST, &path, context)
            .query("fields", "done,rewriteToken,totalBytesRewritten");
        if let Some(generation) = version.and_then(|version| version.version.as_deref()) {
            request = request.query("ifSourceGenerationMatch", generation);
        }
        if let Some(token) = &token {
            request = request.query("rewriteToken", token);
        }
        let answer = request.parsed(document).await?;
        if answer.get("done").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
        let now = match answer.get("totalBytesRewritten") {
            Some(Value::Number(count)) => count.as_u64(),
            count => count.and_then(Value::as_str).and_then(|count| count.parse().ok()),
        };
        stuck = if now.is_some_and(|now| now > copied) { 0 } else { stuck + 1 };
        copied = now.unwrap_or(copied);
        if stuck == PATIENCE {
            let reason = format!("the copy does not get on: {copied} bytes after {PATIENCE} requests more");
            return Err(context.error(ErrorKind::Generic, reason));
        }
        match answer.get("rewriteToken").and_then(Value::as_str) {
            Some(next) => token = Some(next.to_owned()),
            None => {
                return Err(
                    context.error(ErrorKind::Generic, "the server neither ended the copy nor says how to go on")
                );
            }
        }
    }
}
