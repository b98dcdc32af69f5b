//! A store that is written in Python, as an `ObjectStore`.
//!
//! What the Python store leaves out is made of what it has: ranges are cut out of what it gives, conditions of a read are checked against what
//! it says of the object, folders are made of a listing, and an upload in parts is one write at its end.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};
use longshore_config::adopt_for_all_processes;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode,
    Result, UploadPart,
};
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::classes::native;
use crate::exceptions::invalid;
use crate::served::{Answer, Ask, Served};
use crate::store::{Inner, Kind, Store, class_of, wrap};

/// How many objects are deleted at the same time.
const DELETES: usize = 8;

/// A store of this module whose objects are those of `store`, which is written in Python.
///
/// `store` has methods that are called like those of the store classes: `get`, `put`, `list`, `delete` and `head`, and as many of the
/// others as it likes; each may be a coroutine. They are called by Python threads that are started for it, up to `threads` at the same
/// time. A store of this module is that store itself, unless a Python class changes what it does.
///
/// # Errors
///
/// `InvalidArgumentError` for no threads, and what Python raises when one cannot be started.
#[pyfunction]
#[pyo3(signature = (store, *, threads=8))]
pub fn export_store<'py>(store: &Bound<'py, PyAny>, threads: usize) -> PyResult<Bound<'py, PyAny>> {
    let py = store.py();
    if !(1..=1024).contains(&threads) {
        return Err(invalid(py, &format!("threads must be from 1 to 1024, not {threads}")));
    }
    if store.cast::<Store>().is_ok() && !overrides(store)? {
        return Ok(store.clone());
    }
    let served = Served::new(store, threads);
    let objects: Arc<dyn ObjectStore> = Arc::new(Serving(Arc::clone(&served)));
    let inner = Inner {
        foreign: Some(Arc::clone(&objects)),
        served: Some(served),
        ..Inner::new(Kind::Other, adopt_for_all_processes(objects))
    };
    wrap(&class_of(py, Kind::Other), Arc::new(inner))
}

/// Whether a Python class changes what a store of this module does. Such classes as a package uses for all its stores are not meant.
pub(crate) fn overrides(store: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = store.py();
    for class in store.get_type().mro() {
        let class = class.cast_into::<PyType>()?;
        if Kind::ALL.into_iter().any(|kind| class.is(class_of(py, kind)) || class.is(native(py, kind))) {
            return Ok(false);
        }
        let own = class.getattr(pyo3::intern!(py, "__dict__"))?;
        for method in crate::external::METHODS {
            if own.contains(method)? || own.contains(format!("{method}_async"))? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

struct Serving(Arc<Served>);

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serving({:?})", self.0)
    }
}

impl fmt::Display for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Serving {
    fn wrong(&self, reason: String) -> Error {
        Error::Generic { store: "Python", source: format!("{}: {reason}", self.0.name()).into() }
    }

    /// The bytes of `range`, of what the store gave for it: just these, or all of the object.
    fn cut(&self, path: &Path, body: Bytes, size: u64, given: Option<Range<u64>>, range: &Range<u64>) -> Result<Bytes> {
        let given = given.unwrap_or(0..size);
        let length = body.len() as u64;
        if given.end.checked_sub(given.start) != Some(length) {
            return Err(self.wrong(format!("get of {path} gave {length} bytes, and said that they are {given:?}")));
        }
        if given.start > range.start || given.end < range.end {
            return Err(self.wrong(format!("get of {path} gave the bytes {given:?}, and was asked for {range:?}")));
        }
        // What is inside of a body that is in memory fits.
        let within = |offset: u64| (offset - given.start) as usize;
        Ok(body.slice(within(range.start)..within(range.end)))
    }

    fn unexpected<T>(&self) -> Result<T> {
        Err(self.wrong("another answer than was asked for".to_owned()))
    }
}

fn other(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: "Python", source: Box::new(source) }
}

fn joined(payload: PutPayload) -> Bytes {
    match payload.as_ref() {
        [one] => one.clone(),
        chunks => {
            let mut all = BytesMut::with_capacity(payload.content_length());
            chunks.iter().for_each(|chunk| all.extend_from_slice(chunk));
            all.freeze()
        }
    }
}

#[async_trait]
impl ObjectStore for Serving {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let ask = Ask::Put { path: location.clone(), body: joined(payload), options: Box::new(options) };
        match self.0.ask(ask).await? {
            Answer::Put(result) => Ok(result),
            _ => self.unexpected(),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let options = PutOptions { tags: options.tags, attributes: options.attributes, ..PutOptions::default() };
        let (served, path) = (Arc::clone(&self.0), location.clone());
        Ok(Box::new(Upload { served, path, options, parts: Mutex::default() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let asked = options.range.clone().filter(|_| !options.head);
        let (checked, head) = (options.clone(), options.head);
        let ask = Ask::Get { path: location.clone(), options: Box::new(options) };
        let Answer::Got(body, meta, given, attributes) = self.0.ask(ask).await? else { return self.unexpected() };
        checked.check_preconditions(&meta)?;
        let range = match &asked {
            Some(range) => range.as_range(meta.size).map_err(other)?,
            None if head => 0..0,
            None => 0..meta.size,
        };
        let body = if head { body } else { self.cut(location, body, meta.size, given, &range)? };
        let payload = GetResultPayload::Stream(stream::once(async { Ok(body) }).boxed());
        let range = if head { 0..meta.size } else { range };
        Ok(GetResult { payload, meta, range, attributes, extensions: Default::default() })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let ask = Ask::GetRanges { path: location.clone(), ranges: ranges.to_vec() };
        let Answer::Ranges(bodies) = self.0.ask(ask).await? else { return self.unexpected() };
        let Some(bodies) = bodies else {
            let mut bodies = Vec::with_capacity(ranges.len());
            for range in ranges {
                let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
                bodies.push(self.get_opts(location, options).await?.bytes().await?);
            }
            return Ok(bodies);
        };
        // One that ends behind the object's end may be shorter, and is never longer.
        let fits = |(body, range): (&Bytes, &Range<u64>)| body.len() as u64 <= range.end.saturating_sub(range.start);
        if bodies.len() != ranges.len() || !bodies.iter().zip(ranges).all(fits) {
            let lengths: Vec<_> = bodies.iter().map(Bytes::len).collect();
            return Err(self.wrong(format!("get_ranges of {location} gave {lengths:?} bytes for {ranges:?}")));
        }
        Ok(bodies)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let served = Arc::clone(&self.0);
        let delete = move |path: Result<Path>| {
            let served = Arc::clone(&served);
            async move {
                let path = path?;
                served.ask(Ask::Delete { path: path.clone() }).await.map(|_| path)
            }
        };
        locations.map(delete).buffered(DELETES).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        listing(Arc::clone(&self.0), prefix.cloned(), None)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        listing(Arc::clone(&self.0), prefix.cloned(), Some(offset.clone()))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let Answer::Level(level) = self.0.ask(Ask::ListWithDelimiter { prefix: prefix.cloned() }).await? else {
            return self.unexpected();
        };
        let (common_prefixes, objects) = match level {
            Some(level) => level,
            None => level_of(prefix, listed(&self.0, prefix.cloned(), None).await?),
        };
        Ok(ListResult { common_prefixes, objects, extensions: Default::default() })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let overwrite = options.mode == CopyMode::Overwrite;
        self.0.ask(Ask::Copy { from: from.clone(), to: to.clone(), overwrite }).await.map(drop)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let overwrite = options.target_mode == RenameTargetMode::Overwrite;
        self.0.ask(Ask::Rename { from: from.clone(), to: to.clone(), overwrite }).await.map(drop)
    }
}

fn listing(served: Arc<Served>, prefix: Option<Path>, offset: Option<Path>) -> BoxStream<'static, Result<ObjectMeta>> {
    let found = async move {
        match listed(&served, prefix, offset).await {
            Ok(found) => stream::iter(found).map(Ok).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    };
    found.flatten_stream().boxed()
}

/// What is below `prefix`, whole segments of it, whatever the store takes for a prefix.
async fn listed(served: &Served, prefix: Option<Path>, offset: Option<Path>) -> Result<Vec<ObjectMeta>> {
    let Answer::Listed(mut found) = served.ask(Ask::List { prefix: prefix.clone(), offset }).await? else {
        return Err(Error::Generic { store: "Python", source: format!("{} gave no listing", served.name()).into() });
    };
    if let Some(prefix) = prefix {
        found.retain(|meta| meta.location.prefix_match(&prefix).is_some_and(|mut rest| rest.next().is_some()));
    }
    Ok(found)
}

fn level_of(prefix: Option<&Path>, found: Vec<ObjectMeta>) -> (Vec<Path>, Vec<ObjectMeta>) {
    let root = Path::default();
    let prefix = prefix.unwrap_or(&root);
    let (mut folders, mut objects) = (BTreeSet::new(), Vec::new());
    for meta in found {
        let parts: Vec<_> = meta.location.prefix_match(prefix).into_iter().flatten().take(2).collect();
        match parts.as_slice() {
            [_] => objects.push(meta),
            [folder, _] => _ = folders.insert(prefix.parts().chain([folder.clone()]).collect::<Path>()),
            _ => {}
        }
    }
    (folders.into_iter().collect(), objects)
}

/// Parts are kept until the last is there, and then written as one.
struct Upload {
    served: Arc<Served>,
    path: Path,
    options: PutOptions,
    parts: Mutex<Vec<Bytes>>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).extend(data);
        async { Ok(()) }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let parts = std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner));
        let body = joined(parts.into_iter().collect());
        let ask = Ask::Put { path: self.path.clone(), body, options: Box::new(self.options.clone()) };
        match self.served.ask(ask).await? {
            Answer::Put(result) => Ok(result),
            _ => Err(Error::Generic { store: "Python", source: "another answer than was asked for".into() }),
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }
}
