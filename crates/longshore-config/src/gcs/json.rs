//! Google's JSON interface beneath a client that speaks XML.
//!
//! Google's own service speaks both. Emulators speak JSON, and of XML at most a few requests, without the headers that say
//! which version of an object they send. So away from Google requests about objects are put into JSON's words, and the answers
//! back into XML's. It costs one more request for each object that is read.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use http::header::{CONTENT_LENGTH, ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, Method, StatusCode};
use object_store::client::{HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};
use object_store::gcp::GoogleCloudStorage;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use serde_json::Value;
use thiserror::Error;

use super::about;
use crate::bounded;

const GENERATION: HeaderName = HeaderName::from_static("x-goog-generation");
const GENERATION_MATCH: HeaderName = HeaderName::from_static("x-goog-if-generation-match");

/// Puts requests about one object into JSON's words; others go through as they are.
#[derive(Debug)]
pub(super) struct Json {
    pub(super) http: HttpClient,
    /// The service's address, without a slash at its end.
    pub(super) base: String,
    pub(super) bucket: String,
}

#[derive(Debug, Error)]
#[error("{0}")]
struct Misunderstood(String);

pub(super) fn misunderstood(what: impl Into<String>) -> HttpError {
    HttpError::new(HttpErrorKind::Decode, Misunderstood(what.into()))
}

#[async_trait]
impl HttpService for Json {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let Some(key) = self.key(&request) else { return self.http.execute(request).await };
        match *request.method() {
            Method::GET | Method::HEAD => self.read(&key, request).await,
            Method::PUT => self.write(&key, request).await,
            _ => self.http.execute(request).await,
        }
    }
}

impl Json {
    /// The object's name as it stands in the address, encoded, where the request is about nothing else.
    fn key(&self, request: &HttpRequest) -> Option<String> {
        let uri = request.uri().to_string();
        let (address, query) = uri.split_once('?').unwrap_or((&uri, ""));
        let key = address.strip_prefix(&self.base)?.strip_prefix('/')?.strip_prefix(&self.bucket)?.strip_prefix('/')?;
        let plain = query.is_empty() && !key.is_empty() && !request.headers().contains_key("x-goog-copy-source");
        plain.then(|| key.replace('/', "%2F"))
    }

    async fn read(&self, key: &str, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = format!("{}/storage/v1/b/{}/o/{key}", self.base, self.bucket);
        let mut about = HttpRequest::new(Bytes::new().into());
        *about.uri_mut() = url.parse().map_err(|_| misunderstood("the object's address is none"))?;
        if let Some(authorization) = request.headers().get(http::header::AUTHORIZATION) {
            about.headers_mut().insert(http::header::AUTHORIZATION, authorization.clone());
        }
        let described = self.http.execute(about).await?;
        if !described.status().is_success() {
            return complaint(described).await;
        }
        let described = document(described).await?;
        let headers = headers(&described)?;
        let tag = headers.get(ETAG).cloned();
        let asked = |name| request.headers().get(name).cloned();
        if asked(IF_MATCH).is_some_and(|asked| Some(asked) != tag) {
            return Ok(answer(StatusCode::PRECONDITION_FAILED, headers));
        }
        if asked(IF_NONE_MATCH).is_some_and(|asked| Some(asked) == tag) {
            return Ok(answer(StatusCode::NOT_MODIFIED, headers));
        }
        if request.method() == Method::HEAD {
            let mut headers = headers;
            let size = described.get("size").and_then(Value::as_str).unwrap_or_default();
            headers.insert(CONTENT_LENGTH, HeaderValue::from_str(size).map_err(|_| misunderstood("the size is none"))?);
            return Ok(answer(StatusCode::OK, headers));
        }
        *request.uri_mut() =
            format!("{url}?alt=media").parse().map_err(|_| misunderstood("the object's address is none"))?;
        let mut response = self.http.execute(request).await?;
        if !response.status().is_success() {
            return complaint(response).await;
        }
        response.headers_mut().extend(headers);
        Ok(response)
    }

    async fn write(&self, key: &str, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut url = format!("{}/upload/storage/v1/b/{}/o?name={key}", self.base, self.bucket);
        if let Some(generation) = request.headers_mut().remove(GENERATION_MATCH) {
            url.push_str(&format!("&ifGenerationMatch={}", generation.to_str().unwrap_or_default()));
        }
        let said = about::take(request.headers_mut());
        // Only a document beside the body says more of it than its kind. And the emulator breaks down over a request without a body.
        if said.is_empty() && request.body().content_length() > 0 {
            url.push_str("&uploadType=media");
        } else {
            url.push_str("&uploadType=multipart");
            about::wrap(&mut request, said)?;
        }
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.parse().map_err(|_| misunderstood("the object's address is none"))?;
        let response = self.http.execute(request).await?;
        if !response.status().is_success() {
            return complaint(response).await;
        }
        let headers = headers(&document(response).await?)?;
        Ok(answer(StatusCode::OK, headers))
    }
}

async fn document(response: HttpResponse) -> Result<Value, HttpError> {
    let body = bounded::whole(response, bounded::SMALL_ANSWER).await?;
    serde_json::from_slice(&body).map_err(|_| misunderstood("the server's description of the object is not JSON"))
}

/// What the description of an object is in headers.
fn headers(described: &Value) -> Result<HeaderMap, HttpError> {
    let text = |name: &str| described.get(name).and_then(Value::as_str);
    let mut headers = HeaderMap::new();
    let mut add = |name, value: Option<String>| {
        if let Some(value) = value {
            let value = HeaderValue::from_str(&value).map_err(|_| misunderstood("the description holds no headers"))?;
            headers.insert(name, value);
        }
        Ok::<_, HttpError>(())
    };
    // Two writes of the same content are two versions, and the generation says so.
    let tag = text("generation").or_else(|| text("etag")).unwrap_or("unknown");
    add(ETAG, Some(format!("\"{}\"", tag.replace('"', ""))))?;
    add(GENERATION, text("generation").map(str::to_owned))?;
    add(LAST_MODIFIED, text("updated").and_then(http_date))?;
    about::give(described, &mut headers);
    Ok(headers)
}

/// `2026-11-20T09:07:23.123456Z` as headers have it.
fn http_date(moment: &str) -> Option<String> {
    let moment = chrono::DateTime::parse_from_rfc3339(moment).ok()?;
    Some(moment.to_utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn answer(status: StatusCode, headers: HeaderMap) -> HttpResponse {
    let mut response = HttpResponse::new(Bytes::new().into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A complaint in XML's words.
async fn complaint(response: HttpResponse) -> Result<HttpResponse, HttpError> {
    let (parts, body) = response.into_parts();
    let body = bounded::beginning(HttpResponse::new(body), bounded::SMALL_ANSWER).await;
    let Ok(json) = serde_json::from_slice::<Value>(&body) else {
        return Ok(HttpResponse::from_parts(parts, body.into()));
    };
    let error = &json["error"];
    let text = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    };
    let (code, message) = (text(&error["errors"][0]["reason"]), text(&error["message"]));
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Ok(HttpResponse::from_parts(parts, body.into()))
}

/// A store that sends an object in one request, however large: the interface has parts only as chains of requests that wait for
/// each other. The parts are kept in memory until the last one is there.
#[derive(Debug)]
pub(super) struct Whole(pub(super) Arc<GoogleCloudStorage>);

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Whole {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let options = PutOptions { attributes: options.attributes, tags: options.tags, ..PutOptions::default() };
        Ok(Box::new(Parts { store: Arc::clone(&self.0), location: location.clone(), options, parts: Vec::new() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct Parts {
    store: Arc<GoogleCloudStorage>,
    location: Path,
    options: PutOptions,
    parts: Vec<PutPayload>,
}

#[async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.push(data);
        Box::pin(std::future::ready(Ok(())))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let whole: PutPayload = self.parts.iter().flat_map(|part| part.iter().cloned()).collect();
        self.store.put_opts(&self.location, whole, self.options.clone()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_becomes_headers() {
        let described = r#"{"generation": "17", "etag": "x", "updated": "2026-11-20T09:07:23.123456Z", "size": "3"}"#;
        let headers = headers(&serde_json::from_str(described).unwrap()).unwrap();
        assert_eq!((&headers[ETAG], &headers[GENERATION]), (&"\"17\"".parse().unwrap(), &"17".parse().unwrap()));
        assert_eq!(headers[LAST_MODIFIED], "Fri, 20 Nov 2026 09:07:23 GMT");
    }
}
