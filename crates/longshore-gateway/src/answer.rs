//! Completes answers: what S3 puts into every error, and what s3s leaves out.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, SERVER};
use http::{Response, StatusCode};
use s3s::Body;

/// The error of a scripted fault.
pub(crate) fn scripted(status: u16, code: &str, headers: &[(String, String)]) -> Response<Body> {
    fixed(status, headers, format!("<Error><Code>{}</Code><Message>A scripted fault.</Message></Error>", escape(code)))
}

/// An answer of exactly this text.
pub(crate) fn fixed(status: u16, headers: &[(String, String)], text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Adds to an answer what every answer has.
pub(crate) fn complete(mut response: Response<Body>, id: &str, resource: &str, is_head: bool) -> Response<Body> {
    response.headers_mut().insert(SERVER, HeaderValue::from_static("longshore"));
    if is_head && response.headers().contains_key(CONTENT_RANGE) && response.status() == StatusCode::OK {
        // s3s drops the status that the operation gave.
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let status = response.status();
    if is_head || status == StatusCode::NOT_MODIFIED || status == StatusCode::NO_CONTENT {
        // These have no body; an error that s3s gave one is known by its status.
        if status.is_client_error() || status.is_server_error() || status == StatusCode::NOT_MODIFIED {
            response.headers_mut().remove(CONTENT_LENGTH);
            response.headers_mut().remove(CONTENT_TYPE);
            *response.body_mut() = Body::empty();
        }
        return response;
    }
    let Some(body) = response.body().bytes().filter(|body| !body.is_empty()) else { return response };
    if let Some(text) = complete_text(&body, id, resource) {
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        *response.body_mut() = Body::from(text);
    }
    response
}

/// What s3s says, and what S3 says instead.
const REWORDED: &[(&str, &str)] = &[
    (
        "<Code>InvalidRequest</Code><Message>invalid header: authorization<",
        "<Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed.<",
    ),
    (
        "<Code>InvalidRequest</Code><Message>missing presigned url v4 fields<",
        "<Code>AuthorizationQueryParametersError</Code><Message>The query parameters of the signature are incomplete or malformed.<",
    ),
    // The one element of GetBucketLocation, nested in itself.
    ("<LocationConstraint><LocationConstraint>", "<LocationConstraint>"),
    ("</LocationConstraint></LocationConstraint>", "</LocationConstraint>"),
    // A reader of XML takes a bare carriage return for a line feed.
    ("\r", "&#13;"),
];

/// The whole text of an XML answer, or `None` where it is right as it is.
fn complete_text(body: &Bytes, id: &str, resource: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok().filter(|text| text.starts_with('<'))?;
    let mut reworded = None;
    for (from, to) in REWORDED {
        let text = reworded.as_deref().unwrap_or(text);
        if text.contains(from) {
            reworded = Some(text.replace(from, to));
        }
    }
    let text = reworded.as_deref().unwrap_or(text);
    let Some(end) = text.strip_suffix("</Error>") else { return reworded };
    let message = if text.contains("<Message>") {
        ""
    } else if text.contains("<Code>InvalidBucketName</Code>") {
        "<Message>A bucket name has 3 to 63 lowercase letters, digits, dots and hyphens.</Message>"
    } else {
        "<Message>The request could not be carried out.</Message>"
    };
    let declaration = if text.starts_with("<?xml") { "" } else { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" };
    let resource = escape(resource);
    let rest = format!("<Resource>{resource}</Resource><RequestId>{id}</RequestId><HostId>longshore</HostId></Error>");
    Some(format!("{declaration}{end}{message}{rest}"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
