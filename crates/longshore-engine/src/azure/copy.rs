//! Copies inside an account: the server moves the bytes, at once or in its own time.

use std::time::Duration;

use http::{HeaderMap, HeaderName, Method};
use longshore_config::AzureAccess;
use object_store::azure::AzureCredential;
use percent_encoding::utf8_percent_encode;

use super::request::Request;
use crate::error::{Context, Error, ErrorKind, trace};
use crate::manage::Metadata;
use crate::rest::{IN_PATH, UNRESERVED, sendable};

const SOURCE: HeaderName = HeaderName::from_static("x-ms-copy-source");
const SOURCE_IF_MATCH: HeaderName = HeaderName::from_static("x-ms-source-if-match");
const STATUS: HeaderName = HeaderName::from_static("x-ms-copy-status");
const REASON: HeaderName = HeaderName::from_static("x-ms-copy-status-description");

/// How long to wait before asking again how far a copy is; the wait doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Copies `source_key` of `source_container` to `key`, and returns when the copy is there.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] where there is no source, and what else the server answers, at once or later.
pub(crate) async fn copy(
    access: &AzureAccess,
    key: &str,
    (source_container, source_key): (&str, &str),
    version: Option<&Metadata>,
    context: &Context,
) -> Result<(), Error> {
    sendable(source_key, context)?;
    let mut source = format!("{}/{source_container}/{}", access.service_url, utf8_percent_encode(source_key, &IN_PATH));
    source.push_str(&signature(access, context).await?);
    let mut request = Request::blob(access, Method::PUT, key, context)?.header(SOURCE, &source)?;
    if let Some(pin) = version.and_then(|version| version.e_tag.as_deref()) {
        request = request.header(SOURCE_IF_MATCH, pin)?;
    }
    let mut status = match request.send().await {
        Ok(response) => status(response.headers()),
        // The answer to the first try was lost, and that try's copy is under way.
        Err(error) if error.code() == Some("PendingCopyOperation") => Status::Pending,
        Err(error) => return Err(error),
    };
    let mut wait = FIRST_WAIT;
    loop {
        match status {
            Status::Done => return Ok(()),
            Status::Failed(reason) => return Err(context.error(ErrorKind::Generic, reason)),
            Status::Pending => {}
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
        let response = Request::blob(access, Method::HEAD, key, context)?.send().await?;
        status = self::status(response.headers());
    }
}

enum Status {
    Done,
    Pending,
    Failed(String),
}

fn status(headers: &HeaderMap) -> Status {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    match text(STATUS) {
        Some("pending") => Status::Pending,
        Some("success") | None => Status::Done,
        Some(other) => Status::Failed(format!("the copy ended as {other:?}: {}", text(REASON).unwrap_or("no reason"))),
    }
}

/// What the address of a source needs where requests are authorized in their addresses.
async fn signature(access: &AzureAccess, context: &Context) -> Result<String, Error> {
    let Some(provider) = &access.credentials else { return Ok(String::new()) };
    let trace = trace();
    let credential = provider.get_credential().await.map_err(|error| context.store_error(error, &trace))?;
    let AzureCredential::SASToken(pairs) = &*credential else { return Ok(String::new()) };
    let pair = |(name, value): &(String, String)| format!("{name}={}", utf8_percent_encode(value, &UNRESERVED));
    Ok(format!("?{}", pairs.iter().map(pair).collect::<Vec<_>>().join("&")))
}
