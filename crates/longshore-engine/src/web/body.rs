//! The body of an object on its way here: all of it or a range, continued when it breaks off, never joined from two versions.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, IF_MATCH, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use longshore_config::{Trace, WebAccess};
use object_store::Attributes;
use object_store::client::HttpError;

use super::request::{Answer, Request};
use crate::error::{Context, Error, ErrorKind};
use crate::range::ByteRange;
use crate::retry::Pace;
use crate::s3::attributes_of;

/// So much in one piece makes up for a broken connection: from here on a body is granted as many anew.
const AMENDS: u64 = 8 << 20;

/// What an answer says of the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The length of the whole object, where the server says it.
    pub(crate) size: Option<u64>,
    pub(crate) last_modified: DateTime<Utc>,
    pub(crate) e_tag: Option<String>,
    /// What it says of its content.
    pub(crate) attributes: Attributes,
}

/// What two answers about the same bytes have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Version {
    Tag(String),
    Date(String),
}

/// Which bytes an answer holds, and the size of the whole where the server says it.
type Part = (Range<u64>, Option<u64>);

/// A body that is read chunk by chunk.
pub(crate) struct Body {
    pub(crate) said: Said,
    /// The offset of the first byte that comes, and the end where it is known.
    pub(crate) start: u64,
    pub(crate) end: Option<u64>,
    access: Arc<WebAccess>,
    key: String,
    context: Context,
    version: Option<Version>,
    /// The offset of the next byte.
    at: u64,
    /// Bytes to come that nobody wants: of a server that ignores ranges.
    unwanted: u64,
    stream: BoxStream<'static, Result<Bytes, HttpError>>,
    trace: Arc<Trace>,
    pace: Pace,
    unbroken: u64,
}

impl Body {
    /// Asks for `range` of the object, or for all of it; of the version called `pin`, where one is given.
    ///
    /// A server that ignores ranges sends all of it: look at `start` and `end`, and [`narrow`](Self::narrow) it.
    ///
    /// # Errors
    ///
    /// What the server answers, and [`ErrorKind::NotSupported`] for an answer about something else than was asked for, or for a part
    /// of nobody knows what.
    pub(crate) async fn open(
        access: &Arc<WebAccess>,
        key: &str,
        range: Option<&ByteRange>,
        pin: Option<&str>,
        context: &Context,
    ) -> Result<Self, Error> {
        let mut request = Request::new(access, Method::GET, key, context)?;
        if let Some(range) = range {
            request = request.header(RANGE, &range.header())?;
        }
        if let Some(pin) = pin {
            request = request.header(IF_MATCH, pin)?;
        }
        let answer = request.send().await?;
        let trace = Arc::clone(request.trace());
        let mut said = said(answer.headers());
        let (start, end) = match (part(&answer, context)?, range) {
            (Some((found, Some(size))), Some(range)) => {
                said.size = Some(size);
                if range.within(size).as_ref() != Some(&found) {
                    let asked = range.header();
                    let reason = format!("{asked} was asked for, and the server sent {found:?} of {size}");
                    return Err(context.error(ErrorKind::NotSupported, reason));
                }
                (found.start, Some(found.end))
            }
            // It could be all there is of the range, or the beginning.
            (Some((_, None)), Some(_)) => {
                let reason = "the server sends a part of the object, and does not say how large the whole is";
                return Err(context.error(ErrorKind::NotSupported, reason));
            }
            (Some(_), None) => {
                return Err(context.error(ErrorKind::Generic, "everything was asked for, and the server sent a part"));
            }
            (None, _) => (0, said.size),
        };
        Ok(Self {
            start,
            end,
            access: Arc::clone(access),
            key: key.to_owned(),
            context: context.clone(),
            version: version(answer.headers()),
            said,
            at: start,
            unwanted: 0,
            stream: answer.response.into_body().bytes_stream(),
            trace,
            pace: Pace::new(&access.retry),
            unbroken: 0,
        })
    }

    /// Of a body that has not begun to be read, gives `range` only, which must lie in it. The server sends the rest all the same, up
    /// to the end of the range.
    pub(crate) fn narrow(&mut self, range: &Range<u64>) {
        self.unwanted = range.start - self.start;
        (self.start, self.at, self.end) = (range.start, range.start, Some(range.end));
    }

    /// The next bytes; `None` when all have arrived. Where no end was announced, that is where the server ends the body.
    ///
    /// # Errors
    ///
    /// When the body broke off once too often, cannot be continued, or belongs to another version now.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.end == Some(self.at) && self.unwanted == 0 {
                return Ok(None);
            }
            let broken = match self.stream.try_next().await {
                Ok(Some(mut chunk)) => {
                    self.unbroken += chunk.len() as u64;
                    // Both fit into a chunk's length after `min`.
                    let dropped = self.unwanted.min(chunk.len() as u64);
                    self.unwanted -= dropped;
                    drop(chunk.split_to(dropped as usize));
                    if let Some(end) = self.end {
                        chunk.truncate((end - self.at).min(chunk.len() as u64) as usize);
                    }
                    if chunk.is_empty() {
                        continue;
                    }
                    self.at += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                Ok(None) if self.end.is_none() => return Ok(None),
                Ok(None) => {
                    let all = self.end.unwrap_or(self.at) - self.start;
                    let reason = format!("{} of {all} bytes arrived", self.at - self.start);
                    self.context.error(ErrorKind::Connection, reason)
                }
                Err(error) => self.context.http_error(error, &self.trace),
            };
            self.go_on(broken).await?;
        }
    }

    /// Continues where the body broke off, if the server can say that it is still the same.
    async fn go_on(&mut self, broken: Error) -> Result<(), Error> {
        let Some(version) = &self.version else {
            let reason = "the connection broke, and the server gives this object no ETag or date to continue it by";
            return Err(broken.with_reason(reason));
        };
        if self.unbroken >= AMENDS {
            self.pace.calm();
        }
        self.pace.once_more(broken).await?;
        let rest = match self.end {
            Some(end) => ByteRange::Bounded(self.at..end),
            None => ByteRange::From(self.at),
        };
        let (Version::Tag(name) | Version::Date(name)) = version;
        let request = Request::new(&self.access, Method::GET, &self.key, &self.context)?
            .header(RANGE, &rest.header())?
            .header(IF_RANGE, name)?;
        let answer = match request.send().await {
            Err(error) if matches!(error.status(), Some(412 | 416)) => return Err(self.changed()),
            answer => answer?,
        };
        let part = part(&answer, &self.context)?;
        let same = match version {
            Version::Tag(tag) => header(answer.headers(), &ETAG) == Some(tag),
            // A part may come without its date, since the server compared that.
            Version::Date(date) => match header(answer.headers(), &LAST_MODIFIED) {
                Some(found) => found == date,
                None => part.is_some(),
            },
        };
        let size = part.as_ref().map_or_else(|| content_length(answer.headers()), |(_, size)| *size);
        if !same || (size.is_some() && self.said.size.is_some() && size != self.said.size) {
            return Err(self.changed());
        }
        self.unwanted = match part {
            Some((found, _)) if found.start == self.at => 0,
            // All of it, from a server that does not know ranges.
            None => self.at,
            Some(_) => {
                let reason = "the connection broke, and the server does not continue a body where it stopped";
                return Err(self.context.error(ErrorKind::Connection, reason));
            }
        };
        self.trace = Arc::clone(request.trace());
        self.stream = answer.response.into_body().bytes_stream();
        self.unbroken = 0;
        Ok(())
    }

    fn changed(&self) -> Error {
        self.context.error(ErrorKind::Precondition, "the object was replaced while it was read; begin again")
    }
}

/// What an answer that is no part says of the object.
pub(super) fn said(headers: &HeaderMap) -> Said {
    Said {
        size: content_length(headers),
        last_modified: header(headers, &LAST_MODIFIED).and_then(date).unwrap_or_default(),
        e_tag: header(headers, &ETAG).map(str::to_owned),
        attributes: attributes_of(headers),
    }
}

/// Which part of the object an answer holds, and the size of the whole; `None` where it holds all of it.
///
/// # Errors
///
/// A part that does not say which, or that is several.
pub(super) fn part(answer: &Answer, context: &Context) -> Result<Option<Part>, Error> {
    if answer.status() != StatusCode::PARTIAL_CONTENT {
        return Ok(None);
    }
    let several = header(answer.headers(), &CONTENT_TYPE).is_some_and(|kind| kind.starts_with("multipart/byteranges"));
    let found = header(answer.headers(), &CONTENT_RANGE).and_then(content_range).filter(|_| !several);
    let (range, size) = found.ok_or_else(|| {
        context.error(ErrorKind::NotSupported, "the server sent part of the object and did not say which")
    })?;
    if content_length(answer.headers()).is_some_and(|length| length != range.end - range.start) {
        return Err(context.error(ErrorKind::Generic, "the server announced one range and another length"));
    }
    Ok(Some((range, size)))
}

/// `bytes 2-4/10` or `bytes 2-4/*`: the range, and the size of the whole.
fn content_range(text: &str) -> Option<Part> {
    let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let size = match size.trim() {
        "*" => None,
        size => Some(size.parse().ok()?),
    };
    (first <= last && size.is_none_or(|size| last < size)).then_some(())?;
    Some((first..last.checked_add(1)?, size))
}

/// The name of the version that an answer is of, where two of the same name are the same bytes.
fn version(headers: &HeaderMap) -> Option<Version> {
    if let Some(tag) = header(headers, &ETAG) {
        // A weak tag says that contents mean the same, not that they are the same bytes.
        return (tag.starts_with('"') && tag.len() > 2).then(|| Version::Tag(tag.to_owned()));
    }
    let text = header(headers, &LAST_MODIFIED)?;
    // Within its second an object may have changed once more.
    let (modified, now) = (date(text)?, date(header(headers, &DATE)?)?);
    (now - modified >= TimeDelta::seconds(2)).then(|| Version::Date(text.to_owned()))
}

pub(super) fn date(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc2822(text.trim()).ok()?.with_timezone(&Utc))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    header(headers, &CONTENT_LENGTH)?.parse().ok()
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_or_refused() {
        assert_eq!(content_range("bytes 2-4/10"), Some((2..5, Some(10))));
        assert_eq!(content_range("bytes 2-4/*"), Some((2..5, None)));
        for text in ["bytes */10", "bytes 2-10/10", "bytes 4-2/10", "bytes 0-18446744073709551615/*", "2-4/10", ""] {
            assert_eq!(content_range(text), None, "{text}");
        }
    }

    #[test]
    fn a_version_has_a_name_only_where_that_means_the_same_bytes() {
        let named = |pairs: &[(&HeaderName, &str)]| {
            let headers = pairs.iter().map(|(name, value)| ((*name).clone(), value.parse().unwrap())).collect();
            version(&headers)
        };
        let (old, new) = ("Mon, 01 Jan 2024 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:05 GMT");
        assert_eq!(named(&[(&ETAG, "\"a\""), (&LAST_MODIFIED, old)]), Some(Version::Tag("\"a\"".into())));
        assert_eq!(named(&[(&LAST_MODIFIED, old), (&DATE, new)]), Some(Version::Date(old.into())));
        for headers in [
            &[(&ETAG, "W/\"a\"")][..],
            &[(&ETAG, "a")],
            &[(&LAST_MODIFIED, old), (&DATE, old)],
            &[(&LAST_MODIFIED, old)],
            &[],
        ] {
            assert_eq!(named(headers), None, "{headers:?}");
        }
    }
}
