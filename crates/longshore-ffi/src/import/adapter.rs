// What every version has in common. Compiled once for each, as a module of the version's own, whose `object_store` is that version.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use longshore_abi::raw::{
    ERROR_ALREADY_EXISTS, ERROR_INVALID_PATH, ERROR_NOT_FOUND, ERROR_NOT_IMPLEMENTED, ERROR_NOT_MODIFIED,
    ERROR_NOT_SUPPORTED, ERROR_PERMISSION_DENIED, ERROR_PRECONDITION, ERROR_UNAUTHENTICATED, METADATA_PREFIX,
};
use longshore_abi::{Answer, Meta, StoreRef};

use super::object_store::path::Path;
use super::object_store::{
    Attribute, Attributes, Error, GetOptions, GetRange, GetResult, GetResultPayload, MultipartUpload, ObjectMeta,
    PutMode, PutOptions, PutPayload, PutResult, Result, TagSet, UploadPart,
};
use super::{Size, get_result, not_implemented, number, put_result, size, storage_class};
use crate::import::error::ForeignError;
use crate::import::remote::{Bounds, Get, Mode, Named, Remote, Upload, body};

/// As many paths are deleted with one call.
const DELETED_AT_ONCE: usize = 1000;

/// A store that lives in another module of this process, with that module's connections, credentials and runtime.
///
/// It can be used from any executor. Clones are the same store. Errors keep their kind, with a [`ForeignError`] as their source.
/// Extensions of options and results, which only Rust has, do not cross.
#[derive(Clone)]
pub struct ForeignStore {
    remote: Remote,
}

impl ForeignStore {
    /// The store that `store` is a reference to.
    pub fn new(store: StoreRef) -> Self {
        Self { remote: Remote::new(store) }
    }

    /// The reference, such as to hand it on: whoever gets it reaches the same store, and not this one.
    pub fn table(&self) -> &StoreRef {
        &self.remote.store
    }

    /// URLs that allow whoever has them to do `method` with each of `paths`, for as long as `expires`. Each is a secret.
    ///
    /// # Errors
    ///
    /// Where the store cannot sign, `NotSupported` or `NotImplemented`.
    pub async fn signed_urls(&self, method: &str, paths: &[Path], expires: Duration) -> Result<Vec<String>> {
        let paths: Vec<_> = paths.iter().map(|path| path.as_ref().to_owned()).collect();
        self.remote.sign(method, &paths, expires).await.map_err(error)
    }
}

impl fmt::Display for ForeignStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.remote.fmt(formatter)
    }
}

impl fmt::Debug for ForeignStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.remote, formatter)
    }
}

pub(super) async fn get(store: &ForeignStore, location: &Path, options: GetOptions) -> Result<GetResult> {
    let path = location.as_ref();
    let answer = store.remote.get(&Get {
        path,
        range: options.range.as_ref().map(|range| match range {
            GetRange::Bounded(range) => Bounds::Bounded(number(range.start), number(range.end)),
            GetRange::Offset(start) => Bounds::Offset(number(*start)),
            GetRange::Suffix(length) => Bounds::Suffix(number(*length)),
        }),
        if_match: options.if_match.as_deref(),
        if_none_match: options.if_none_match.as_deref(),
        if_modified_since_ns: options.if_modified_since.map(nanoseconds),
        if_unmodified_since_ns: options.if_unmodified_since.map(nanoseconds),
        version: options.version.as_deref(),
        is_head: options.head,
    });
    let mut answer = answer.await.map_err(error)?;
    let Some((meta, range)) = answer.object() else { return Err(malformed(store, "an object", path)) };
    // As a rule it is the one that was asked for, which is known to be a path.
    let location = if meta.location == path { Ok(location.clone()) } else { Path::parse(meta.location) };
    let location = location.map_err(|_| malformed(store, "an object", path))?;
    let meta = object(location, meta);
    let attributes = answer.attributes().filter_map(|(key, value)| Some((attribute(key)?, value.to_owned()))).collect();
    let (first, rest) = body(&store.remote, &mut answer, path);
    let first = stream::iter(first).map(Ok);
    // Most answers are whole, and then the stream is a small one.
    let content = match rest {
        Some(rest) => first.chain(rest.map_err(error)).boxed(),
        None => first.boxed(),
    };
    Ok(get_result(GetResultPayload::Stream(content), meta, size(range.start)..size(range.end), attributes))
}

pub(super) async fn get_ranges(
    store: &ForeignStore,
    location: &Path,
    ranges: &[std::ops::Range<Size>],
) -> Result<Vec<Bytes>> {
    let ranges: Vec<_> = ranges.iter().map(|range| (number(range.start), number(range.end))).collect();
    store.remote.get_ranges(location.as_ref(), &ranges).await.map_err(error)
}

pub(super) async fn put(
    store: &ForeignStore,
    location: &Path,
    payload: &PutPayload,
    options: PutOptions,
) -> Result<PutResult> {
    let mode = match &options.mode {
        PutMode::Overwrite => Mode::Overwrite,
        PutMode::Create => Mode::Create,
        PutMode::Update(update) => Mode::Update { e_tag: update.e_tag.as_deref(), version: update.version.as_deref() },
    };
    let attributes = named(store, &options.attributes, location)?;
    let put = store.remote.put(location.as_ref(), payload.as_ref(), mode, &attributes, &pairs(&options.tags));
    written(&put.await.map_err(error)?)
}

pub(super) async fn put_multipart(
    store: &ForeignStore,
    location: &Path,
    attributes: &Attributes,
    tags: &TagSet,
) -> Result<Box<dyn MultipartUpload>> {
    let attributes = named(store, attributes, location)?;
    let upload = store.remote.upload_start(location.as_ref(), &attributes, &pairs(tags));
    Ok(Box::new(ForeignUpload(upload.await.map_err(error)?)))
}

/// An upload in another module.
#[derive(Debug)]
struct ForeignUpload(Upload);

#[async_trait]
impl MultipartUpload for ForeignUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let part = self.0.part(data.as_ref());
        Box::pin(async move { part.await.map_err(error) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        written(&self.0.complete().await.map_err(error)?)
    }

    async fn abort(&mut self) -> Result<()> {
        self.0.abort().await.map(drop).map_err(error)
    }
}

pub(super) fn list(
    store: &ForeignStore,
    prefix: Option<&Path>,
    start_after: Option<&Path>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let answers = match store.remote.list(prefix.map(Path::as_ref), start_after.map(Path::as_ref), false) {
        Ok(answers) => answers,
        Err(refused) => return stream::once(std::future::ready(Err(error(refused)))).boxed(),
    };
    let store = store.clone();
    let objects = move |answer: Answer| {
        let objects = answer.objects().map(|meta| listed(&store, meta)).collect::<Vec<_>>();
        stream::iter(objects)
    };
    answers.map_err(error).map_ok(objects).try_flatten().boxed()
}

pub(super) async fn list_level(store: &ForeignStore, prefix: Option<&Path>) -> Result<(Vec<ObjectMeta>, Vec<Path>)> {
    let answers = store.remote.list(prefix.map(Path::as_ref), None, true).map_err(error)?;
    let mut answers = std::pin::pin!(answers);
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    while let Some(answer) = answers.next().await {
        let answer = answer.map_err(error)?;
        for meta in answer.objects() {
            objects.push(listed(store, meta)?);
        }
        for prefix in answer.prefixes() {
            let prefix = prefix.and_then(|prefix| Path::parse(prefix).ok());
            prefixes.push(prefix.ok_or_else(|| malformed(store, "a folder", ""))?);
        }
    }
    Ok((objects, prefixes))
}

/// Deletes what `locations` brings, many with one call, and answers in the same order.
pub(super) fn delete_stream<'a>(
    store: &ForeignStore,
    locations: BoxStream<'a, Result<Path>>,
) -> impl Stream<Item = Result<Path>> + Send + 'a {
    let remote = store.remote.clone();
    // What cannot be said of a path is said at its place.
    let batches = locations.ready_chunks(DELETED_AT_ONCE).then(move |batch| {
        let paths: Vec<_> = batch.iter().flatten().map(|path| path.as_ref().to_owned()).collect();
        let deleting = (!paths.is_empty()).then(|| remote.delete(&paths));
        async move {
            let mut answers = match deleting {
                None => Vec::new(),
                Some(deleting) => match deleting.await {
                    Ok(answers) => answers,
                    Err(failed) => {
                        let first = Err(error(failed));
                        return stream::iter(vec![first]);
                    }
                },
            }
            .into_iter();
            let outcome = |path: Result<Path>| {
                let path = path?;
                match answers.next().flatten() {
                    None => Ok(path),
                    Some(failed) => Err(error(failed)),
                }
            };
            stream::iter(batch.into_iter().map(outcome).collect::<Vec<_>>())
        }
    });
    batches.flatten()
}

/// For the versions in which one deletion is a method of its own.
#[allow(dead_code, reason = "the newer versions have only the stream")]
pub(super) async fn delete(store: &ForeignStore, location: &Path) -> Result<()> {
    match store.remote.delete(&[location.as_ref().to_owned()]).await.map_err(error)?.pop().flatten() {
        None => Ok(()),
        Some(failed) => Err(error(failed)),
    }
}

pub(super) async fn copy(store: &ForeignStore, from: &Path, to: &Path, is_rename: bool, if_absent: bool) -> Result<()> {
    store.remote.copy(from.as_ref(), to.as_ref(), is_rename, if_absent).await.map_err(error)
}

/// Keeps the kind: code that branches on it goes on to work.
pub(super) fn error(foreign: ForeignError) -> Error {
    let path = || foreign.path().unwrap_or_default().to_owned();
    match foreign.code() {
        ERROR_NOT_FOUND => Error::NotFound { path: path(), source: foreign.into() },
        ERROR_ALREADY_EXISTS => Error::AlreadyExists { path: path(), source: foreign.into() },
        ERROR_PRECONDITION => Error::Precondition { path: path(), source: foreign.into() },
        ERROR_NOT_MODIFIED => Error::NotModified { path: path(), source: foreign.into() },
        ERROR_PERMISSION_DENIED => Error::PermissionDenied { path: path(), source: foreign.into() },
        ERROR_UNAUTHENTICATED => Error::Unauthenticated { path: path(), source: foreign.into() },
        ERROR_NOT_SUPPORTED => Error::NotSupported { source: foreign.into() },
        ERROR_NOT_IMPLEMENTED => not_implemented(&foreign),
        // Its own error cannot be made from text; of its kinds, this one can carry any.
        ERROR_INVALID_PATH => Error::InvalidPath {
            source: super::object_store::path::Error::Canonicalize {
                path: path().into(),
                source: std::io::Error::other(foreign),
            },
        },
        _ => Error::Generic { store: store_name(foreign.store()), source: foreign.into() },
    }
}

/// The names that `object_store` gives its stores, which must be static.
fn store_name(name: Option<&str>) -> &'static str {
    const NAMES: [&str; 7] = ["S3", "GCS", "MicrosoftAzure", "HTTP", "LocalFileSystem", "InMemory", "Config"];
    NAMES.into_iter().find(|known| Some(*known) == name).unwrap_or("foreign store")
}

fn malformed(store: &ForeignStore, what: &str, path: &str) -> Error {
    error(ForeignError::malformed(&store.remote.store, what, path))
}

fn written(answer: &Answer) -> Result<PutResult> {
    let (e_tag, version) = answer.written().unwrap_or_default();
    Ok(put_result(e_tag.map(str::to_owned), version.map(str::to_owned)))
}

fn listed(store: &ForeignStore, meta: Option<Meta<'_>>) -> Result<ObjectMeta> {
    let object = meta.and_then(|meta| Some(object(Path::parse(meta.location).ok()?, meta)));
    object.ok_or_else(|| malformed(store, "an object", ""))
}

fn object(location: Path, meta: Meta<'_>) -> ObjectMeta {
    ObjectMeta {
        location,
        last_modified: DateTime::from_timestamp_nanos(meta.last_modified_ns),
        size: size(meta.size),
        e_tag: meta.e_tag.map(str::to_owned),
        version: meta.version.map(str::to_owned),
    }
}

/// What lies outside of 64 bits is clamped to the nearest that does not.
fn nanoseconds(time: DateTime<Utc>) -> i64 {
    time.timestamp_nanos_opt().unwrap_or(if time.timestamp() < 0 { i64::MIN } else { i64::MAX })
}

/// The attributes by the names that the interface gives them.
fn named(store: &ForeignStore, attributes: &Attributes, location: &Path) -> Result<Vec<Named>> {
    let name = |attribute: &Attribute| match attribute {
        Attribute::CacheControl => Some("cache-control".to_owned()),
        Attribute::ContentDisposition => Some("content-disposition".to_owned()),
        Attribute::ContentEncoding => Some("content-encoding".to_owned()),
        Attribute::ContentLanguage => Some("content-language".to_owned()),
        Attribute::ContentType => Some("content-type".to_owned()),
        Attribute::Metadata(name) => Some(format!("{METADATA_PREFIX}{name}")),
        other => (storage_class().as_ref() == Some(other)).then(|| "storage-class".to_owned()),
    };
    let mut named = Vec::with_capacity(attributes.len());
    for (key, value) in attributes {
        let unknown = || {
            let message = format!("the interface of {} has no attribute like {key:?}", store.remote);
            error(ForeignError::new(ERROR_NOT_SUPPORTED, location.as_ref(), message))
        };
        named.push((name(key).ok_or_else(unknown)?, value.to_string()));
    }
    Ok(named)
}

fn attribute(name: &str) -> Option<Attribute> {
    match name {
        "cache-control" => Some(Attribute::CacheControl),
        "content-disposition" => Some(Attribute::ContentDisposition),
        "content-encoding" => Some(Attribute::ContentEncoding),
        "content-language" => Some(Attribute::ContentLanguage),
        "content-type" => Some(Attribute::ContentType),
        "storage-class" => storage_class(),
        other => other.strip_prefix(METADATA_PREFIX).map(|name| Attribute::Metadata(name.to_owned().into())),
    }
}

/// Tags as they were before they were encoded.
fn pairs(tags: &TagSet) -> Vec<Named> {
    form_urlencoded::parse(tags.encoded().as_bytes()).into_owned().collect()
}
