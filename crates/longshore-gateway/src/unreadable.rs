//! Ignores the headers that a reader of HTTP must ignore when it cannot read them.
//!
//! A `Range` of an unknown unit, of several ranges or backwards, and a date that is none, are to be taken as absent; s3s
//! refuses them. They are part of what was signed, so they can go only after the signature was checked. A route of s3s
//! stands at that point: it takes these requests out of their way and gives them, without the unreadable headers, to a
//! second service that asks for no signature.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, RANGE};
use http::{Extensions, HeaderMap, HeaderValue, Method, Uri};
use s3s::dto::{Range, Timestamp, TimestampFormat};
use s3s::route::S3Route;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Request, S3Response, S3Result, s3_error};

use crate::service::Service;
use crate::stats::Counters;

/// The way of requests with unreadable headers.
pub(crate) struct Unreadable {
    service: S3Service,
    anonymous: bool,
    counters: Arc<Counters>,
}

impl Unreadable {
    /// Leads to this service.
    pub(crate) fn new(service: Service, anonymous: bool, counters: Arc<Counters>) -> Self {
        Self { service: S3ServiceBuilder::new(service).build(), anonymous, counters }
    }
}

#[async_trait::async_trait]
impl S3Route for Unreadable {
    fn is_match(&self, method: &Method, uri: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        let of_an_object = uri.path().trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
        of_an_object && matches!(*method, Method::GET | Method::HEAD) && unreadable(headers).next().is_some()
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        if request.credentials.is_none() && !self.anonymous {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let name = if request.method == Method::HEAD { "HeadObject" } else { "GetObject" };
        self.counters.operation(name);
        Ok(())
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let mut headers = request.headers;
        let ignored: Vec<HeaderName> = unreadable(&headers).collect();
        for name in ignored.into_iter().chain([AUTHORIZATION]) {
            headers.remove(name);
        }
        let query = request.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.starts_with("X-Amz-"));
        let query = query.collect::<Vec<_>>().join("&");
        let mut plain = http::Request::new(request.input);
        *plain.method_mut() = request.method;
        *plain.uri_mut() =
            format!("{}?{query}", request.uri.path()).parse().map_err(|error| s3_error!(error, InvalidURI))?;
        *plain.headers_mut() = headers;
        let answer = self.service.call(plain).await.map_err(|_| s3_error!(InternalError))?;
        let (parts, body) = answer.into_parts();
        let mut response = S3Response::with_status(body, parts.status);
        response.headers = parts.headers;
        Ok(response)
    }
}

/// The headers that say nothing.
fn unreadable(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    [RANGE, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE]
        .into_iter()
        .filter(|name| headers.get(name).is_some_and(|value| !readable(name, value)))
}

fn readable(name: &HeaderName, value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    if *name == RANGE { Range::parse(text).is_ok() } else { Timestamp::parse(TimestampFormat::HttpDate, text).is_ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_ignored_only_when_it_cannot_be_read() {
        for (name, text, ignored) in [
            (RANGE, "bytes=0-4", false),
            (RANGE, "bytes=-4", false),
            (RANGE, "bytes=5-2", true),
            (RANGE, "bytes=0-1,4-5", true),
            (RANGE, "lines=1-2", true),
            (IF_MODIFIED_SINCE, "Wed, 21 Oct 2015 07:28:00 GMT", false),
            (IF_MODIFIED_SINCE, "yesterday", true),
        ] {
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(text))]);
            assert_eq!(unreadable(&headers).next().is_some(), ignored, "{text}");
        }
    }
}
