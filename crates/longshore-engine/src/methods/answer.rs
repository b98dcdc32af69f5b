//! An object that is being read: what the store says of it, and its bytes as they come.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use longshore_config::{Scheme, Trace};
use object_store::path::Path;
use object_store::{Attributes, GetOptions, GetRange, ObjectMeta, ObjectStore};

use super::spot::{Spot, Way};
use crate::body::Body;
use crate::error::{Context, Error, ErrorKind, trace};
use crate::local::OpenFile;
use crate::manage::{Metadata, head};
use crate::range::ByteRange;
use crate::web;

/// Read at once from a file.
const FILE_CHUNK: u64 = 1 << 20;

/// What a store answers to a read. The bytes come when they are asked for.
pub struct Answer {
    /// The object, whole.
    pub meta: Metadata,
    /// What is said of its content.
    pub attributes: Attributes,
    /// Which of its bytes come.
    pub range: Range<u64>,
    pub(super) spot: Spot,
    /// The version that was asked for, where one was.
    pub(super) version: Option<String>,
    context: Context,
    /// The offset of the next byte.
    pub(super) at: u64,
    chunks: Chunks,
}

enum Chunks {
    /// Nothing was asked for but the description, or there is nothing.
    Nothing,
    File(OpenFile),
    Body(Box<Body>),
    Store {
        stream: BoxStream<'static, object_store::Result<Bytes>>,
        trace: Arc<Trace>,
    },
    /// All of it, in memory already.
    Memory(Bytes),
}

/// Reads the object at `spot` as `options` say.
///
/// # Errors
///
/// [`ErrorKind::NotFound`]; [`ErrorKind::Precondition`] and [`ErrorKind::NotModified`] where a condition does not hold;
/// [`ErrorKind::OutOfRange`] where the object ends before the range begins; and what else the store answers. A range that goes
/// on after the object's end is cut there.
pub async fn open(spot: &Spot, options: GetOptions) -> Result<Answer, Error> {
    open_as(spot, options, spot.context("get")).await
}

pub(super) async fn open_as(spot: &Spot, options: GetOptions, context: Context) -> Result<Answer, Error> {
    if let Some(range) = &options.range {
        require_some(range, &context)?;
    }
    let version = options.version.clone();
    let opened = opened(spot, options, &context).await.map_err(told)?;
    let (meta, attributes, range, chunks) = opened;
    let at = range.start;
    Ok(Answer { meta, attributes, range, spot: spot.clone(), version, context, at, chunks })
}

async fn opened(spot: &Spot, options: GetOptions, context: &Context) -> Result<Opened, Error> {
    match spot.way(context)? {
        Way::File => from_file(spot, &options, context).await,
        Way::Path(objects, path, in_memory) => {
            let options = with_start(spot, options, context).await?;
            from_store(spot, objects, &path, options, in_memory, context).await
        }
        Way::Web | Way::S3(_) => from_own(spot, &options, context).await,
    }
}

/// Some servers have one code for what the status tells apart, and some have no words at all.
fn told(error: Error) -> Error {
    match error.status() {
        Some(304) => error.with_kind(ErrorKind::NotModified),
        Some(416) => error.with_kind(ErrorKind::OutOfRange).with_advice("the range begins where the object has ended"),
        _ => error,
    }
}

/// Azure has no words for the last bytes of an object, so its size is asked for first.
async fn with_start(spot: &Spot, options: GetOptions, context: &Context) -> Result<GetOptions, Error> {
    let (Some(GetRange::Suffix(_)), Some(Scheme::Azure), Some(object)) =
        (&options.range, spot.place.scheme(), spot.object())
    else {
        return Ok(options);
    };
    let described = head(&object).await?;
    let range = range_in(options.range.as_ref(), described.size, context)?;
    if range.is_empty() {
        return Ok(GetOptions { range: None, ..options });
    }
    let pinned = options.if_match.or(described.e_tag);
    Ok(GetOptions { range: Some(GetRange::Bounded(range)), if_match: pinned, ..options })
}

/// Describes the object at `spot`.
///
/// # Errors
///
/// As [`open`].
pub async fn stat(spot: &Spot) -> Result<Metadata, Error> {
    match spot.object() {
        Some(object) => head(&object).await,
        None => {
            let options = GetOptions { head: true, ..GetOptions::default() };
            Ok(open_as(spot, options, spot.context("head")).await?.meta)
        }
    }
}

impl Answer {
    /// The next bytes; `None` when all have come.
    ///
    /// # Errors
    ///
    /// The body broke off and could not be continued, or is not as long as was announced.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = match &mut self.chunks {
            Chunks::Nothing => None,
            Chunks::File(file) if self.at < self.range.end => {
                let end = self.range.end.min(self.at + FILE_CHUNK);
                Some(file.read(self.at..end, &self.context).await?)
            }
            Chunks::File(_) => None,
            Chunks::Body(body) => body.next().await?,
            Chunks::Memory(bytes) => Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()),
            Chunks::Store { stream, trace } => loop {
                let next = trace.scope(stream.try_next()).await;
                match next.map_err(|error| self.context.store_error(error, trace))? {
                    Some(chunk) if chunk.is_empty() => {}
                    chunk => break chunk,
                }
            },
        };
        let Some(chunk) = chunk else {
            let nothing = matches!(self.chunks, Chunks::Nothing);
            return if self.at == self.range.end || nothing { Ok(None) } else { Err(self.wrong_length("less")) };
        };
        self.at += chunk.len() as u64;
        if self.at > self.range.end { Err(self.wrong_length("more")) } else { Ok(Some(chunk)) }
    }

    /// All bytes that still come, without a copy where they come in one piece.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn collect(mut self) -> Result<Bytes, Error> {
        if let Chunks::File(file) = &self.chunks {
            return file.read(self.at..self.range.end, &self.context).await;
        }
        super::whole::gather(&mut self).await
    }

    /// How many bytes still come.
    pub fn remaining(&self) -> u64 {
        if matches!(self.chunks, Chunks::Nothing) { 0 } else { self.range.end - self.at }
    }

    /// Whether the body comes over a network, so that several requests bring it sooner than one.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self.chunks, Chunks::Body(_) | Chunks::Store { .. })
    }

    pub(super) fn fail(&self, kind: ErrorKind, reason: impl Into<String>) -> Error {
        self.context.error(kind, reason)
    }

    fn wrong_length(&self, how: &str) -> Error {
        let (there, all) = (self.at - self.range.start, self.range.end - self.range.start);
        self.fail(ErrorKind::Connection, format!("{how} arrived than was announced: {there} of {all} bytes"))
    }
}

type Opened = (Metadata, Attributes, Range<u64>, Chunks);

async fn from_file(spot: &Spot, options: &GetOptions, context: &Context) -> Result<Opened, Error> {
    no_version(options, context)?;
    let file = OpenFile::open(&spot.key, context).await?;
    let meta = file.describe(&spot.key);
    check(options, &meta, context)?;
    let range = range_in(options.range.as_ref(), meta.size, context)?;
    let chunks = if options.head { Chunks::Nothing } else { Chunks::File(file) };
    Ok((meta, Attributes::new(), range, chunks))
}

async fn from_store(
    spot: &Spot,
    objects: &Arc<dyn ObjectStore>,
    path: &Path,
    mut options: GetOptions,
    in_memory: bool,
    context: &Context,
) -> Result<Opened, Error> {
    let (is_head, asked) = (options.head, options.range.clone());
    if spot.place.scheme() == Some(Scheme::Memory) {
        // That store would send what is there, whatever version is asked for.
        no_version(&options, context)?;
    }
    if in_memory {
        // Cut here: that store has no answer of its own for ranges beyond the end.
        options.range = None;
    }
    let is_gcs = spot.place.scheme() == Some(Scheme::Gcs);
    let trace = trace();
    let answer = match trace.scope(objects.get_opts(path, options.clone())).await {
        Err(error) => match context.store_error(error, &trace) {
            // A success that its client refuses: the server sends everything, whatever range it is asked for, or says nonsense
            // about the range that it sends.
            error if options.range.is_some() && matches!(error.status(), Some(200 | 206)) => {
                options.range = None;
                let whole = trace.scope(objects.get_opts(path, options.clone())).await;
                whole.map_err(|error| context.store_error(error, &trace))?
            }
            error => return Err(error),
        },
        Ok(answer) => answer,
    };
    let meta = metadata(&spot.key, &answer.meta);
    if is_gcs {
        // Google's JSON interface knows no conditions of HTTP.
        check(&tidied(&options), &Metadata { e_tag: meta.e_tag.as_deref().map(bare), ..meta.clone() }, context)?;
    }
    let (attributes, mut range) = (answer.attributes.clone(), answer.range.clone());
    if is_head {
        let range = range_in(asked.as_ref(), meta.size, context)?;
        return Ok((meta, attributes, range, Chunks::Nothing));
    }
    if in_memory {
        let range = range_in(asked.as_ref(), meta.size, context)?;
        let whole = answer.bytes().await.map_err(|error| context.store_error(error, &trace))?;
        // Both fit into the length of what is in memory.
        let chunks = Chunks::Memory(whole.slice(range.start as usize..range.end as usize));
        return Ok((meta, attributes, range, chunks));
    }
    let mut stream = answer.into_stream();
    if asked.is_some() && options.range.is_none() {
        range = range_in(asked.as_ref(), meta.size, context)?;
        stream = cut(stream, &range);
    }
    Ok((meta, attributes, range, Chunks::Store { stream, trace }))
}

/// What of a whole body lies in `range`.
fn cut(
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    range: &Range<u64>,
) -> BoxStream<'static, object_store::Result<Bytes>> {
    let (mut skip, mut take) = (range.start, range.end - range.start);
    let cut = stream.map_ok(move |mut chunk| {
        // Both fit into a chunk's length after `min`.
        let skipped = skip.min(chunk.len() as u64);
        drop(chunk.split_to(skipped as usize));
        chunk.truncate(take.min(chunk.len() as u64) as usize);
        skip -= skipped;
        take -= chunk.len() as u64;
        chunk
    });
    cut.boxed()
}

/// Tags without quotes and prefix, in which interfaces of one service differ.
fn bare(tag: &str) -> String {
    tag.trim().trim_start_matches("W/").trim_matches('"').to_owned()
}

fn tidied(options: &GetOptions) -> GetOptions {
    let all = |tags: &String| tags.split(',').map(bare).collect::<Vec<_>>().join(",");
    GetOptions {
        if_match: options.if_match.as_ref().map(all),
        if_none_match: options.if_none_match.as_ref().map(all),
        ..options.clone()
    }
}

/// By requests of our own. What they have no header for is looked at here, when the answer is there.
async fn from_own(spot: &Spot, options: &GetOptions, context: &Context) -> Result<Opened, Error> {
    no_version(options, context)?;
    let object = spot.object().ok_or_else(|| context.error(ErrorKind::NotSupported, "this store is not ours"))?;
    if options.head {
        let live = object.live(context)?;
        let meta = match &live.web {
            Some(access) => web::head(access, &object.key, context).await?,
            None => head(&object).await?,
        };
        check(options, &meta, context)?;
        let range = range_in(options.range.as_ref(), meta.size, context)?;
        return Ok((meta, Attributes::new(), range, Chunks::Nothing));
    }
    let asked = options.range.as_ref().map(byte_range);
    let mut body = Body::open(&object, asked.as_ref(), None, context).await?;
    let meta = body.meta.clone();
    check(options, &meta, context)?;
    let range = range_in(options.range.as_ref(), meta.size, context)?;
    body.narrow(&range)?;
    Ok((meta, body.attributes.clone(), range, Chunks::Body(Box::new(body))))
}

fn no_version(options: &GetOptions, context: &Context) -> Result<(), Error> {
    if options.version.is_none() {
        return Ok(());
    }
    Err(context
        .error(ErrorKind::NotSupported, "no version can be asked for here: this kind of store, or key, has none"))
}

pub(super) fn metadata(key: &str, meta: &ObjectMeta) -> Metadata {
    Metadata {
        key: key.to_owned(),
        size: meta.size,
        last_modified: meta.last_modified,
        e_tag: meta.e_tag.clone(),
        version: meta.version.clone(),
    }
}

/// The conditions of `options`, of an object that this process knows more of than its server was told.
fn check(options: &GetOptions, meta: &Metadata, context: &Context) -> Result<(), Error> {
    let (modified, size) = (meta.last_modified, meta.size);
    let (e_tag, version) = (meta.e_tag.clone(), meta.version.clone());
    let found = ObjectMeta { location: Path::default(), last_modified: modified, size, e_tag, version };
    options.check_preconditions(&found).map_err(|error| match error {
        object_store::Error::NotModified { .. } => context.error(ErrorKind::NotModified, "the object has not changed"),
        _ => context.error(ErrorKind::Precondition, "a condition of the request does not hold"),
    })
}

pub(super) fn byte_range(range: &GetRange) -> ByteRange {
    match range {
        GetRange::Bounded(range) => ByteRange::Bounded(range.clone()),
        GetRange::Offset(start) => ByteRange::From(*start),
        GetRange::Suffix(count) => ByteRange::Last(*count),
    }
}

fn require_some(range: &GetRange, context: &Context) -> Result<(), Error> {
    byte_range(range).require(context)
}

/// What of an object of `size` bytes is meant.
pub(super) fn range_in(range: Option<&GetRange>, size: u64, context: &Context) -> Result<Range<u64>, Error> {
    let Some(range) = range else { return Ok(0..size) };
    match byte_range(range) {
        // All there is of nothing.
        ByteRange::Last(_) if size == 0 => Ok(0..0),
        asked => asked.within(size).ok_or_else(|| asked.beyond(size, context)),
    }
}
