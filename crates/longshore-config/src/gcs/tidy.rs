//! Requests of `object_store`'s client as every server takes them.

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Uri};
use object_store::client::{HttpClient, HttpError, HttpRequest, HttpResponse, HttpService};

/// Two things about that client's requests: it encodes what needs no encoding, such as the hyphen in a bucket's name, which not
/// every server undoes; and where there is no token it sends an empty one.
#[derive(Debug)]
pub(super) struct Tidy(pub(super) HttpClient);

#[async_trait]
impl HttpService for Tidy {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if let Some(plain) = plain(request.uri()) {
            *request.uri_mut() = plain;
        }
        let empty = |value: &HeaderValue| matches!(value.as_bytes(), b"Bearer" | b"Bearer ");
        if request.headers().get(AUTHORIZATION).is_some_and(empty) {
            request.headers_mut().remove(AUTHORIZATION);
        }
        self.0.execute(request).await
    }
}

/// The same address without needless encoding; `None` where there is none. RFC 3986, section 6.2.2.2.
fn plain(uri: &Uri) -> Option<Uri> {
    let target = uri.path_and_query()?.as_str();
    let mut plain = String::with_capacity(target.len());
    let mut rest = target;
    while let Some(at) = rest.find('%') {
        let (before, encoded) = rest.split_at(at);
        plain.push_str(before);
        let byte = encoded.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let length = match byte {
            Some(byte @ (b'-' | b'.' | b'_' | b'~')) => {
                plain.push(char::from(byte));
                3
            }
            _ => {
                plain.push('%');
                1
            }
        };
        rest = &encoded[length..];
    }
    plain.push_str(rest);
    if plain == target || plain.split(['/', '?']).any(|segment| matches!(segment, "." | "..")) {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(plain.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_no_encoding_is_decoded() {
        let uri: Uri = "http://h:1/my%2Dbucket/a%2Fb%20c%2Ed%25%7E?partNumber=1&uploadId=x%2D".parse().unwrap();
        assert_eq!(plain(&uri).unwrap(), "http://h:1/my-bucket/a%2Fb%20c.d%25~?partNumber=1&uploadId=x-");
        for same in ["http://h/b/a%2Fb", "http://h/", "http://h/b/%2E%2E", "http://h/b/%2E"] {
            assert_eq!(plain(&same.parse().unwrap()), None, "{same}");
        }
    }
}
