//! What is said of an object: XML has it in headers, JSON in a document beside the body.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, HeaderName,
    HeaderValue,
};
use hyper::body::Body;
use object_store::PutPayload;
use object_store::client::{HttpError, HttpRequest, HttpRequestBody};
use serde_json::{Map, Value};

use super::json::misunderstood;

/// Names of a writer's own.
const OWN: &str = "x-goog-meta-";

/// A header, and the field that says the same.
const FIELDS: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "cacheControl"),
    (CONTENT_DISPOSITION, "contentDisposition"),
    (CONTENT_ENCODING, "contentEncoding"),
    (CONTENT_LANGUAGE, "contentLanguage"),
    (HeaderName::from_static("x-goog-storage-class"), "storageClass"),
];

/// Takes out of the headers of a write what they say of the object, but for the kind of its content.
pub(super) fn take(headers: &mut HeaderMap) -> Map<String, Value> {
    let text = |value: &HeaderValue| Value::from(String::from_utf8_lossy(value.as_bytes()));
    let mut said = Map::new();
    for (header, field) in FIELDS {
        if let Some(value) = headers.remove(header) {
            said.insert(field.to_owned(), text(&value));
        }
    }
    let names: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().starts_with(OWN)).cloned().collect();
    let own =
        names.iter().filter_map(|name| Some((name.as_str()[OWN.len()..].to_owned(), text(&headers.remove(name)?))));
    let own: Map<String, Value> = own.collect();
    if !own.is_empty() {
        said.insert("metadata".to_owned(), own.into());
    }
    said
}

/// Gives the headers of an answer what a description says of the object. What no header can hold is left out.
pub(super) fn give(described: &Value, headers: &mut HeaderMap) {
    for (header, field) in FIELDS.into_iter().chain([(CONTENT_TYPE, "contentType")]) {
        if let Some(value) = described.get(field).and_then(Value::as_str).and_then(|value| value.parse().ok()) {
            headers.insert(header, value);
        }
    }
    for (name, value) in described.get("metadata").and_then(Value::as_object).into_iter().flatten() {
        let name = HeaderName::try_from(format!("{OWN}{name}"));
        if let (Ok(name), Some(Ok(value))) = (name, value.as_str().map(str::parse)) {
            headers.insert(name, value);
        }
    }
}

/// Puts a document that says `said` before the body of `request`.
pub(super) fn wrap(request: &mut HttpRequest, mut said: Map<String, Value>) -> Result<(), HttpError> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let kind = kind.unwrap_or_else(|| "application/octet-stream".to_owned());
    said.insert("contentType".to_owned(), kind.clone().into());
    // Two numbers that nobody can guess, and that no body holds by chance.
    let number = || RandomState::new().build_hasher().finish();
    let boundary = format!("{:016x}{:016x}", number(), number());
    let document = Value::from(said);
    let before = format!(
        "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{document}\r\n\
         --{boundary}\r\nContent-Type: {kind}\r\n\r\n"
    );
    let body = std::mem::replace(request.body_mut(), HttpRequestBody::empty());
    let after = format!("\r\n--{boundary}--\r\n");
    let payload: PutPayload = [before.into()].into_iter().chain(chunks(body)).chain([Bytes::from(after)]).collect();
    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(payload.content_length()));
    let kind = HeaderValue::try_from(format!("multipart/related; boundary={boundary}"));
    request.headers_mut().insert(CONTENT_TYPE, kind.map_err(|_| misunderstood("the boundary is no header"))?);
    *request.body_mut() = payload.into();
    Ok(())
}

/// The chunks of a body that is in memory, which every body of a request is.
fn chunks(mut body: HttpRequestBody) -> Vec<Bytes> {
    let mut context = Context::from_waker(Waker::noop());
    let mut chunks = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
        chunks.extend(frame.into_data());
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_an_object_survives_the_way_through_a_document() {
        let mut headers = HeaderMap::new();
        let said = [
            ("content-type", "text/plain"),
            ("cache-control", "no-store"),
            ("content-language", "de"),
            ("x-goog-meta-colour", "red"),
        ];
        for (name, value) in said {
            headers.insert(name, value.parse().unwrap());
        }
        let mut request = HttpRequest::new(PutPayload::from_iter([Bytes::from("one"), Bytes::from("two")]).into());
        *request.headers_mut() = headers.clone();
        let said = take(request.headers_mut());
        wrap(&mut request, said).unwrap();
        let body = chunks(request.body().clone()).concat();
        let body = String::from_utf8(body).unwrap();
        assert_eq!(request.headers()[CONTENT_LENGTH], body.len().to_string());
        let parts: Vec<&str> = body.split("\r\n\r\n").collect();
        let (document, _) = parts[1].split_once("\r\n").unwrap();
        assert!(parts[2].starts_with("onetwo\r\n--"), "{body}");
        let mut back = HeaderMap::new();
        give(&serde_json::from_str(document).unwrap(), &mut back);
        assert_eq!(back, headers);
    }

    #[test]
    fn what_others_wrote_and_no_header_can_hold_is_left_out() {
        let mut headers = HeaderMap::new();
        let described = r#"{"metadata": {"a b": "1", "fine": "2", "line": "3\n4"}, "cacheControl": 5}"#;
        give(&serde_json::from_str(described).unwrap(), &mut headers);
        assert_eq!((headers.len(), &headers["x-goog-meta-fine"]), (1, &HeaderValue::from_static("2")));
    }
}
