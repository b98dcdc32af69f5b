//! How Google wants its requests: addressed, and with a token.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use longshore_config::GcsAccess;
use object_store::RetryConfig;
use object_store::client::{HttpClient, HttpRequest};
use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use crate::error::{Context, Error};
use crate::rest::{self, Service, UNRESERVED, Unusable, sendable};

/// A request in the making.
pub(super) type Request<'a> = rest::Request<'a, GcsAccess>;

impl<'a> Request<'a> {
    /// A request on `path` below the interface's own address.
    pub(super) fn json(access: &'a GcsAccess, method: Method, path: &str, context: &'a Context) -> Self {
        Self::new(access, method, format!("{}/storage/v1/{path}", access.service_url), context)
    }

    /// A request on the bucket itself.
    pub(super) fn bucket(access: &'a GcsAccess, method: Method, context: &'a Context) -> Self {
        Self::json(access, method, &format!("b/{}", access.bucket), context)
    }

    /// A request on one object.
    ///
    /// # Errors
    ///
    /// As [`sendable`].
    pub(super) fn object(
        access: &'a GcsAccess,
        method: Method,
        key: &str,
        context: &'a Context,
    ) -> Result<Self, Error> {
        let path = object_path(&access.bucket, key, context)?;
        Ok(Self::json(access, method, &path, context))
    }
}

/// An object in the interface's paths: the slashes of its name are encoded, too.
pub(super) fn object_path(bucket: &str, key: &str, context: &Context) -> Result<String, Error> {
    // Encoded slashes keep the segments from being folded away, but for a key that is one of them.
    if !key.contains('/') {
        sendable(key, context)?;
    }
    Ok(format!("b/{bucket}/o/{}", utf8_percent_encode(key, &UNRESERVED)))
}

impl Service for GcsAccess {
    fn http(&self) -> &HttpClient {
        &self.http
    }

    fn retry(&self) -> &RetryConfig {
        &self.retry
    }

    async fn authorize(&self, request: &mut HttpRequest) -> object_store::Result<()> {
        let Some(provider) = &self.credentials else { return Ok(()) };
        let credential = provider.get_credential().await?;
        if credential.bearer.is_empty() {
            return Ok(());
        }
        let unsendable = |error| object_store::Error::Generic { store: "longshore", source: Box::new(error) };
        let mut value = HeaderValue::from_str(&format!("Bearer {}", credential.bearer)).map_err(unsendable)?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }

    fn complaint(_headers: &HeaderMap, body: &[u8]) -> (Option<String>, Option<String>) {
        let Ok(json) = serde_json::from_slice::<Value>(body) else { return (None, None) };
        let error = &json["error"];
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        (text(&error["errors"][0]["reason"]), text(&error["message"]))
    }
}

/// Reads an answer as JSON.
pub(super) fn document(body: &[u8]) -> Result<Value, Unusable> {
    serde_json::from_slice(body).map_err(|error| Unusable::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_has_a_reason_and_a_message() {
        let body = br#"{"error": {"code": 404, "message": "gone", "errors": [{"reason": "notFound"}]}}"#;
        let read = |body: &[u8]| GcsAccess::complaint(&HeaderMap::new(), body);
        assert_eq!(read(body), (Some("notFound".into()), Some("gone".into())));
        assert_eq!(read(b"Not Found"), (None, None));
    }
}
