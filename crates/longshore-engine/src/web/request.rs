//! One request to a web server: sent, redirected, repeated where a failure may pass.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use longshore_config::{Trace, WebAccess, bounded, masked};
use object_store::client::{HttpError, HttpRequest, HttpResponse};
use url::{Origin, Url};

use crate::error::{Context, Error, ErrorKind};
use crate::rest::MOST_OF_AN_ERROR;
use crate::retry::{Failure, Pace, is_passing, may_pass, retry_after};
use crate::xml;

/// As many as browsers follow.
const MOST_REDIRECTS: usize = 20;
/// So much of a whole answer is read. A folder comes in one piece, with some 600 bytes for each thing in it, so this is a folder of
/// nearly a million.
const MOST_OF_AN_ANSWER: usize = 512 << 20;

/// A request in the making. None of them changes anything, so each may be repeated.
pub(super) struct Request<'a> {
    access: &'a WebAccess,
    context: &'a Context,
    trace: Arc<Trace>,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

/// A 2xx answer, and the address that gave it after redirects.
pub(super) struct Answer {
    pub(super) url: Url,
    pub(super) response: HttpResponse,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }
}

impl<'a> Request<'a> {
    /// A request on one key, which is a path and perhaps a query in URL form.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidPath`] for a key that no URL can hold.
    pub(super) fn new(access: &'a WebAccess, method: Method, key: &str, context: &'a Context) -> Result<Self, Error> {
        let url = format!("{}/{key}", access.origin).parse::<Url>();
        let url = url.map_err(|error| context.error(ErrorKind::InvalidPath, format!("not a URL: {error}")))?;
        let mut headers = HeaderMap::new();
        // What is stored, and as long as `Content-Length` says.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(Self { access, context, trace: Arc::default(), method, url, headers, body: Bytes::new() })
    }

    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_str(value)
            .map_err(|_| self.context.error(ErrorKind::InvalidArgument, format!("{name} cannot be {value:?}")))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    pub(super) fn body(mut self, body: &'static str) -> Self {
        self.body = Bytes::from_static(body.as_bytes());
        self
    }

    pub(super) fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// Sends, and sends again after failures that may pass.
    ///
    /// # Errors
    ///
    /// Any answer that is no success in the end, and a redirect that is not followed.
    pub(super) async fn send(&self) -> Result<Answer, Error> {
        let mut pace = Pace::new(&self.access.retry);
        loop {
            match self.attempt().await? {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure.once_more(&mut pace).await?,
            }
        }
    }

    /// As [`send`](Self::send), with the whole body. One that breaks off is a failure too.
    pub(super) async fn send_whole(&self) -> Result<(StatusCode, Url, Bytes), Error> {
        let mut pace = Pace::new(&self.access.retry);
        loop {
            let failure = match self.attempt().await? {
                Ok(Answer { url, response }) => {
                    let status = response.status();
                    match bounded::whole(response, MOST_OF_AN_ANSWER).await {
                        Ok(body) => return Ok((status, url, body)),
                        Err(error) => self.broken(error),
                    }
                }
                Err(failure) => failure,
            };
            failure.once_more(&mut pace).await?;
        }
    }

    /// One try, redirects included. The outer error is one that repeating would not mend.
    async fn attempt(&self) -> Result<Result<Answer, Failure>, Error> {
        let mut url = self.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let request = self.to(&url)?;
            let sent = self.trace.scope(self.access.client(url.as_str()).execute(request)).await;
            let response = match sent {
                Ok(response) => response,
                Err(error) => return Ok(Err(self.broken(error))),
            };
            let status = response.status();
            if status.is_success() {
                return Ok(Ok(Answer { url, response }));
            }
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(Err(self.refused(response).await));
            }
            url = redirected(&url, response.headers().get(LOCATION)).map_err(|reason| {
                let refused = self.context.response_error(None, None, &self.trace);
                refused.with_reason(format!("the server's redirect is not followed: {reason}"))
            })?;
        }
        let refused = self.context.response_error(None, None, &self.trace);
        Err(refused.with_reason(format!("the server redirects in circles, more than {MOST_REDIRECTS} times")))
    }

    fn to(&self, url: &Url) -> Result<HttpRequest, Error> {
        let mut request = HttpRequest::new(self.body.clone().into());
        *request.method_mut() = self.method.clone();
        // The parser's error may quote what it could not read.
        *request.uri_mut() = url.as_str().parse().map_err(|_| {
            self.context.error(ErrorKind::InvalidPath, "the URL cannot be sent; is it longer than 64 KiB?")
        })?;
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        if is_ours(&self.url, url) {
            for (name, value) in &self.access.headers {
                headers.append(name, value.clone());
            }
        }
        if !self.body.is_empty() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
        }
        Ok(request)
    }

    fn broken(&self, error: HttpError) -> Failure {
        let passes = is_passing(&error);
        Failure { error: self.context.http_error(error, &self.trace), passes, asked: Duration::ZERO }
    }

    /// A failure as the server put it. Object stores, which presigned URLs lead to, say why in XML.
    async fn refused(&self, response: HttpResponse) -> Failure {
        let (status, asked) = (response.status(), retry_after(response.headers()));
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (mut code, mut message) = (None, None);
        if kind.contains("xml") && !kind.contains("html") {
            (code, message) = xml::error(&bounded::beginning(response, MOST_OF_AN_ERROR).await);
        }
        let passes = may_pass(status, code.as_deref());
        Failure { error: self.context.response_error(code, message, &self.trace), passes, asked }
    }
}

/// Where `location` leads from `url`. The error is a reason, and shows no secret.
fn redirected(url: &Url, location: Option<&HeaderValue>) -> Result<Url, String> {
    let location = location.ok_or("it leads nowhere")?;
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| "its address is no text")?;
    let mut next = url.join(location).map_err(|error| format!("its address is none ({error})"))?;
    if !matches!(next.scheme(), "http" | "https") {
        return Err(format!("it leads to a {:?} address", next.scheme()));
    }
    // Who asks is said by the caller, never by the server.
    let _ = next.set_username("");
    let _ = next.set_password(None);
    next.set_fragment(None);
    let to = masked(next.as_str()).into_owned();
    if url.scheme() == "https" && next.scheme() == "http" {
        return Err(format!("it leads from https to {to}, where everyone on the way could read along"));
    }
    if WebAccess::is_near(next.as_str()) && !WebAccess::is_near(url.as_str()) {
        return Err(format!("it leads from elsewhere to this machine, {to}"));
    }
    Ok(next)
}

/// Whether `url` may see what is meant for `first`: the same origin, or the same host by TLS instead.
fn is_ours(first: &Url, url: &Url) -> bool {
    let upgraded = || match (first.origin(), url.origin()) {
        (Origin::Tuple(from, here, 80), Origin::Tuple(to, there, 443)) => {
            from == "http" && to == "https" && here == there
        }
        _ => false,
    };
    first.origin() == url.origin() || upgraded()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(from: &str, location: &str) -> Result<String, String> {
        let location = HeaderValue::from_bytes(location.as_bytes()).unwrap();
        redirected(&from.parse().unwrap(), Some(&location)).map(Into::into)
    }

    #[test]
    fn a_redirect_leads_to_the_web_and_never_out_of_tls_or_to_this_machine() {
        assert_eq!(to("http://h/a/b?c", "../d e").unwrap(), "http://h/d%20e");
        assert_eq!(to("http://h/a", "https://me:secret@i/x?y#z").unwrap(), "https://i/x?y");
        assert_eq!(to("http://127.0.0.1:9/a", "http://localhost:8/b").unwrap(), "http://localhost:8/b");
        for (from, location, reason) in [
            ("https://h/", "http://h/?token=hunter2", "from https"),
            ("http://h/", "file:///etc/passwd", "\"file\""),
            ("http://h/", "http://127.0.0.1/?hunter2", "this machine"),
            ("http://h/", "http://[fe80::1]/", "this machine"),
            ("http://h/", "http://2130706433/", "this machine"),
            ("http://h/", "http://[::ffff:7f00:1]/", "this machine"),
            ("http://h/", "http://0/", "this machine"),
            ("http://h/", "http://[::1/", "address"),
        ] {
            let message = to(from, location).unwrap_err();
            assert!(message.contains(reason) && !message.contains("hunter2"), "{message}");
        }
        assert!(redirected(&"http://h/".parse().unwrap(), None).is_err());
    }

    #[test]
    fn what_is_meant_for_one_host_is_not_for_another() {
        let ours = |first: &str, url: &str| is_ours(&first.parse().unwrap(), &url.parse().unwrap());
        assert!(ours("https://h/a", "https://h:443/b") && ours("http://h/a", "https://h/a"));
        for (first, url) in [
            ("https://h/", "https://i/"),
            ("https://h/", "https://h:8443/"),
            ("https://h/", "http://h/"),
            ("http://h:8080/", "https://h/"),
            ("https://h/", "https://h.evil/"),
        ] {
            assert!(!ours(first, url), "{first} {url}");
        }
    }
}
