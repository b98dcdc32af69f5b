//! Opens a body: all of an object, or a range of it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use http::header::{CONTENT_RANGE, IF_MATCH, RANGE};
use http::{HeaderMap, Method, StatusCode};
use longshore_config::{S3Access, Trace};
use object_store::Attributes;
use object_store::client::HttpError;

use super::attributes::from_headers;
use super::objects::{content_length, metadata};
use super::request::Request;
use crate::error::{Context, Error, ErrorKind};
use crate::manage::Metadata;
use crate::range::ByteRange;

/// An answer whose body is still to come.
pub(crate) struct Opened {
    /// The object, whole.
    pub(crate) meta: Metadata,
    /// What it says of its content.
    pub(crate) attributes: Attributes,
    /// Which bytes of it come.
    pub(crate) range: Range<u64>,
    pub(crate) stream: BoxStream<'static, Result<Bytes, HttpError>>,
    pub(crate) trace: Arc<Trace>,
}

/// Asks for `range`, or for everything; of the version called `pin`, where one is given.
///
/// # Errors
///
/// [`ErrorKind::OutOfRange`] where the object has none of the range, [`ErrorKind::NotSupported`] for an answer about another range
/// than the one that was asked for, or about none that can be read, and what else the server answers. A server that ignores the
/// range is none: then all of it comes.
pub(crate) async fn open(
    access: &S3Access,
    key: &str,
    range: Option<&ByteRange>,
    pin: Option<&str>,
    context: &Context,
) -> Result<Opened, Error> {
    let mut request = Request::object(access, Method::GET, key, context)?;
    if let Some(range) = range {
        request = request.header(RANGE, &range.header())?;
    }
    if let Some(pin) = pin {
        request = request.header(IF_MATCH, pin)?;
    }
    let response = match request.send().await {
        // The pinned version has these bytes, or nobody would ask for them: the one that is there now has not.
        Err(error) if pin.is_some() && error.kind() == ErrorKind::OutOfRange => {
            return Err(error.with_kind(ErrorKind::Precondition).with_advice("the object was replaced meanwhile"));
        }
        response => response?,
    };
    let wrong = |reason: &str| context.error(ErrorKind::Generic, reason);
    let unranged = |reason: &str| context.error(ErrorKind::NotSupported, reason);
    let length = content_length(response.headers());
    let mut meta = metadata(key, response.headers());
    let found = if response.status() == StatusCode::PARTIAL_CONTENT {
        let (found, size) = content_range(response.headers())
            .ok_or_else(|| unranged("the server sent part of the object and did not say which"))?;
        if range.is_none_or(|range| range.within(size).as_ref() != Some(&found)) {
            let asked = range.map_or_else(|| "everything".to_owned(), ByteRange::header);
            return Err(unranged(&format!("{asked} was asked for, and the server sent {found:?} of {size}")));
        }
        if length.is_some_and(|length| length != found.end - found.start) {
            return Err(wrong("the server announced one range and another length"));
        }
        meta.size = size;
        found
    } else {
        let size = length.ok_or_else(|| wrong("the server did not say how long the object is"))?;
        0..size
    };
    let (trace, attributes) = (request.trace(), from_headers(response.headers()));
    Ok(Opened { meta, attributes, range: found, stream: response.into_body().bytes_stream(), trace })
}

/// `bytes 2-4/10`: the range, and the size of the whole.
fn content_range(headers: &HeaderMap) -> Option<(Range<u64>, u64)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?.trim();
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    Some((first..last.checked_add(1)?, size.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_or_refused() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, text.parse().unwrap());
            content_range(&headers)
        };
        assert_eq!(read("bytes 2-4/10"), Some((2..5, 10)));
        for text in ["bytes */10", "bytes 2-4/*", "bytes 2-18446744073709551615/10", "2-4/10", "bytes 2/10", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
