//! One body on its way here, from any store that is reached through a client: pinned to one version, continued when it
//! breaks off, and exactly as long as was announced.

use std::ops::Range;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};
use longshore_config::Trace;
use object_store::client::HttpError;
use object_store::{Attributes, GetOptions};

use crate::error::{Context, Error, ErrorKind, trace};
use crate::manage::Metadata;
use crate::object::{Object, path, require_path};
use crate::range::ByteRange;
use crate::retry::Pace;
use crate::s3;
use crate::web;

/// So much in one piece makes up for a broken connection: from here on a body is granted as many anew.
const AMENDS: u64 = 8 << 20;

/// A body that is read chunk by chunk.
pub(crate) struct Body {
    /// The object as the answer described it, whole.
    pub(crate) meta: Metadata,
    /// What it says of its content.
    pub(crate) attributes: Attributes,
    /// Which of its bytes come.
    pub(crate) range: Range<u64>,
    object: Object,
    context: Context,
    /// The offset of the next byte.
    at: u64,
    chunks: Chunks,
}

enum Chunks {
    /// Our own request, which this side continues.
    S3 { stream: BoxStream<'static, Result<Bytes, HttpError>>, trace: std::sync::Arc<Trace>, pace: Pace, unbroken: u64 },
    /// A web server's answer, which continues by itself.
    Web(Box<web::Body>),
    /// As [`Web`](Self::Web), of an object that had to be read to know its length.
    Collected(std::vec::IntoIter<Bytes>),
    /// Whatever else; a client of `object_store` continues by itself.
    Other { stream: BoxStream<'static, object_store::Result<Bytes>>, trace: std::sync::Arc<Trace> },
}

impl Body {
    /// Asks for `range` of `object`, or for all of it; of the version called `pin`, where one is given. A server that does not
    /// know ranges sends all of it: look at `range`, or call [`require`](Self::require).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Precondition`] where the object is another version now, and what else the store answers.
    pub(crate) async fn open(
        object: &Object,
        range: Option<&ByteRange>,
        pin: Option<&str>,
        context: &Context,
    ) -> Result<Self, Error> {
        let live = object.live(context)?;
        let (meta, attributes, found, chunks) = if let Some(access) = &live.s3 {
            let opened = s3::open(access, &object.key, range, pin, context).await?;
            let (stream, trace, pace) = (opened.stream, opened.trace, Pace::new(&access.retry));
            (opened.meta, opened.attributes, opened.range, Chunks::S3 { stream, trace, pace, unbroken: 0 })
        } else if let Some(access) = &live.web {
            let body = web::Body::open(access, &object.key, range, pin, context).await?;
            from_web(object, body).await?
        } else {
            open_other(object, range, pin, context).await?
        };
        if let (Some(pin), Some(found)) = (pin, &meta.e_tag)
            && pin != found
        {
            return Err(changed(context));
        }
        let at = found.start;
        Ok(Self { meta, attributes, range: found, object: object.clone(), context: context.clone(), at, chunks })
    }

    /// # Errors
    ///
    /// Where the server sends something else than `range`.
    pub(crate) fn require(&self, range: &Range<u64>) -> Result<(), Error> {
        if self.range == *range {
            return Ok(());
        }
        let (asked, found) = (range, &self.range);
        let reason = format!("the server does not keep to ranges: it sends {found:?} where {asked:?} was asked for");
        Err(self.context.error(ErrorKind::NotSupported, reason))
    }

    /// As [`require`](Self::require), of a body that has not begun to be read: from web servers that send everything, whatever they
    /// are asked for, `range` is cut out here.
    ///
    /// # Errors
    ///
    /// Where the server sends something that `range` does not lie in, or that cannot be cut.
    pub(crate) fn narrow(&mut self, range: &Range<u64>) -> Result<(), Error> {
        if self.range.start <= range.start && range.end <= self.range.end {
            match &mut self.chunks {
                Chunks::Web(body) => body.narrow(range),
                Chunks::Collected(chunks) => *chunks = cut(std::mem::take(chunks), range),
                Chunks::S3 { .. } | Chunks::Other { .. } => return self.require(range),
            }
            (self.range, self.at) = (range.clone(), range.start);
        }
        self.require(range)
    }

    /// The next bytes; `None` when all have arrived.
    ///
    /// # Errors
    ///
    /// When the body broke off once too often, or belongs to another version now.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let broken = match self.poll().await {
                Ok(Some(chunk)) if chunk.is_empty() => continue,
                Ok(Some(chunk)) => {
                    self.at += chunk.len() as u64;
                    if self.at > self.range.end {
                        return Err(self
                            .context
                            .error(ErrorKind::Connection, "the server sent more than it had announced"));
                    }
                    return Ok(Some(chunk));
                }
                Ok(None) if self.at == self.range.end => return Ok(None),
                Ok(None) => {
                    let (there, all) = (self.at - self.range.start, self.range.end - self.range.start);
                    self.context.error(ErrorKind::Connection, format!("{there} of {all} bytes arrived"))
                }
                Err(error) => error,
            };
            self.go_on(broken).await?;
        }
    }

    async fn poll(&mut self) -> Result<Option<Bytes>, Error> {
        match &mut self.chunks {
            Chunks::S3 { stream, trace, unbroken, .. } => {
                let chunk = stream.try_next().await.map_err(|error| self.context.http_error(error, trace))?;
                *unbroken += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
                Ok(chunk)
            }
            Chunks::Web(body) => body.next().await,
            Chunks::Collected(chunks) => Ok(chunks.next()),
            Chunks::Other { stream, trace } => {
                let next = trace.scope(stream.try_next()).await;
                next.map_err(|error| self.context.store_error(error, trace))
            }
        }
    }

    /// Continues where the body broke off, if it may.
    async fn go_on(&mut self, broken: Error) -> Result<(), Error> {
        let (Chunks::S3 { stream, trace, pace, unbroken }, Some(pin)) = (&mut self.chunks, pin(&self.meta)) else {
            return Err(broken);
        };
        if *unbroken >= AMENDS {
            pace.calm();
        }
        pace.once_more(broken).await?;
        let Some(access) = &self.object.live(&self.context)?.s3 else { return Ok(()) };
        let rest = self.at..self.range.end;
        if rest.is_empty() {
            *stream = stream::empty().boxed();
            return Ok(());
        }
        let range = ByteRange::Bounded(rest.clone());
        let opened = s3::open(access, &self.object.key, Some(&range), Some(pin), &self.context).await?;
        if opened.meta.e_tag.as_deref().is_some_and(|found| found != pin) {
            return Err(changed(&self.context));
        }
        if opened.range != rest {
            let reason = "the connection broke, and the server does not continue a body where it stopped";
            return Err(self.context.error(ErrorKind::Connection, reason));
        }
        (*stream, *trace, *unbroken) = (opened.stream, opened.trace, 0);
        Ok(())
    }
}

/// The version's name, where requests can be pinned to it.
pub(crate) fn pin(meta: &Metadata) -> Option<&str> {
    // A weak tag says that contents mean the same, not that they are the same bytes.
    meta.e_tag.as_deref().filter(|tag| !tag.is_empty() && !tag.starts_with("W/"))
}

/// Whether two answers are about the same bytes, as far as they tell.
pub(crate) fn same_version(one: &Metadata, other: &Metadata) -> bool {
    if one.size != other.size {
        return false;
    }
    match (pin(one), pin(other)) {
        (Some(one), Some(other)) => one == other,
        // Whatever else there is: a weak tag, a version, a date.
        _ => (&one.e_tag, &one.version, one.last_modified) == (&other.e_tag, &other.version, other.last_modified),
    }
}

fn changed(context: &Context) -> Error {
    context.error(ErrorKind::Precondition, "the object was replaced while it was read; begin again")
}

/// What of `chunks`, which begin at 0, lies in `range`.
fn cut(chunks: std::vec::IntoIter<Bytes>, range: &Range<u64>) -> std::vec::IntoIter<Bytes> {
    let mut at = 0;
    let mut kept = Vec::new();
    for chunk in chunks {
        let end = at + chunk.len() as u64;
        let (from, to) = (range.start.clamp(at, end) - at, range.end.clamp(at, end) - at);
        // Both lie within the chunk.
        kept.push(chunk.slice(from as usize..to as usize));
        at = end;
    }
    kept.into_iter()
}

/// A web server need not say how long an object is; then it is read to its end first.
async fn from_web(object: &Object, mut body: web::Body) -> Result<(Metadata, Attributes, Range<u64>, Chunks), Error> {
    let attributes = std::mem::take(&mut body.said.attributes);
    let mut meta = Metadata {
        key: object.key.clone(),
        size: body.said.size.unwrap_or(0),
        last_modified: body.said.last_modified,
        e_tag: body.said.e_tag.clone(),
        version: None,
    };
    if let Some(end) = body.end {
        return Ok((meta, attributes, body.start..end, Chunks::Web(Box::new(body))));
    }
    let mut chunks = Vec::new();
    while let Some(chunk) = body.next().await? {
        meta.size += chunk.len() as u64;
        chunks.push(chunk);
    }
    let range = 0..meta.size;
    Ok((meta, attributes, range, Chunks::Collected(chunks.into_iter())))
}

async fn open_other(
    object: &Object,
    range: Option<&ByteRange>,
    pin: Option<&str>,
    context: &Context,
) -> Result<(Metadata, Attributes, Range<u64>, Chunks), Error> {
    let path = match path(&object.key) {
        Some(path) => path,
        None => require_path(&object.key, context)?,
    };
    let trace = trace();
    // What is in memory is cut here: its store has no answer of its own for ranges beyond the end.
    let in_memory = object.store.keeps_bodies();
    let options = GetOptions {
        range: range.filter(|_| !in_memory).map(Into::into),
        if_match: pin.map(str::to_owned),
        ..GetOptions::default()
    };
    let answer = trace.scope(object.live(context)?.objects.get_opts(&path, options)).await;
    let answer = answer.map_err(|error| {
        let error = context.store_error(error, &trace);
        // A success that its client refuses: the server sends everything, whatever range it is asked for, or a part and does not
        // say which.
        let refused = error.kind() == ErrorKind::Generic && matches!(error.status(), Some(200 | 206));
        if range.is_some() && refused { error.with_kind(ErrorKind::NotSupported) } else { error }
    })?;
    let meta = Metadata {
        key: object.key.clone(),
        size: answer.meta.size,
        last_modified: answer.meta.last_modified,
        e_tag: answer.meta.e_tag.clone(),
        version: answer.meta.version.clone(),
    };
    let (attributes, mut found) = (answer.attributes.clone(), answer.range.clone());
    let mut stream = answer.into_stream();
    if let (true, Some(range)) = (in_memory, range) {
        found = range.within(meta.size).ok_or_else(|| range.beyond(meta.size, context))?;
        let (mut skip, mut take) = (found.start, found.end - found.start);
        stream = stream
            .map_ok(move |mut chunk| {
                // Both fit into a chunk's length after `min`.
                let skipped = skip.min(chunk.len() as u64);
                drop(chunk.split_to(skipped as usize));
                chunk.truncate(take.min(chunk.len() as u64) as usize);
                skip -= skipped;
                take -= chunk.len() as u64;
                chunk
            })
            .boxed();
    }
    Ok((meta, attributes, found, Chunks::Other { stream, trace }))
}
