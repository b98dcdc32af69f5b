//! The bulk functions, by URI.

use std::sync::Arc;

use bytes::Bytes;
use longshore_config::{Location, Resolver, Store};
use longshore_engine::{Cleanup, Context, ErrorKind, Limits, Memory, Object, Progress, Source};
use longshore_engine::{delete_keys, get, get_many, list, put_many};
use longshore_formats::{DataOptions, Generator, ObjectType};

use crate::Result;
use crate::call::{block, spawn};

/// Reads one object.
///
/// ```
/// # fn main() -> longshore::Result<()> {
/// longshore::put_objects_parallel(&["memory://get/hello"], "hello", 1)?;
/// assert_eq!(longshore::get_object_uri("memory://get/hello")?, b"hello");
/// let error = longshore::get_object_uri("memory://get/missing").unwrap_err();
/// assert_eq!(error.kind(), longshore::ErrorKind::NotFound);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for a
/// URI that names no object, and whatever else the store answers.
pub fn get_object_uri(uri: &str) -> Result<Vec<u8>> {
    let object = object("get", uri)?;
    block("get", async move { get(object, &Memory, &Progress::silent()).await })
}

/// As [`get_object_uri`], without blocking.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// longshore::put_objects_parallel_async(&["memory://get-async/hello"], "hello", 1).await?;
/// assert_eq!(longshore::get_object_uri_async("memory://get-async/hello").await?, b"hello");
/// # longshore::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// As [`get_object_uri`].
pub async fn get_object_uri_async(uri: &str) -> Result<Vec<u8>> {
    let object = object("get", uri)?;
    spawn("get", async move { get(object, &Memory, &Progress::silent()).await }).await
}

/// Reads many objects, at most `max_in_flight` at once. The results come in the order of `uris`, repeats included.
///
/// ```
/// # fn main() -> longshore::Result<()> {
/// longshore::put_objects_parallel(&["memory://many/a", "memory://many/b"], "x", 2)?;
/// let objects = longshore::get_objects_parallel(&["memory://many/b", "memory://many/a", "memory://many/b"], 2)?;
/// assert_eq!(objects.iter().map(|(uri, _)| uri.as_str()).collect::<Vec<_>>(),
///            ["memory://many/b", "memory://many/a", "memory://many/b"]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The first failure, which names its URI; the rest is cancelled.
pub fn get_objects_parallel<S: AsRef<str>>(uris: &[S], max_in_flight: usize) -> Result<Vec<(String, Vec<u8>)>> {
    let objects = objects("get", uris)?;
    block("get", read_all(objects, max_in_flight))
}

/// As [`get_objects_parallel`], without blocking.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// assert!(longshore::get_objects_parallel_async(&[] as &[&str], 64).await?.is_empty());
/// # longshore::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// As [`get_objects_parallel`].
pub async fn get_objects_parallel_async<S: AsRef<str>>(
    uris: &[S],
    max_in_flight: usize,
) -> Result<Vec<(String, Vec<u8>)>> {
    let objects = objects("get", uris)?;
    spawn("get", read_all(objects, max_in_flight)).await
}

async fn read_all(objects: Vec<Object>, max_in_flight: usize) -> Result<Vec<(String, Vec<u8>)>> {
    let uris: Vec<String> = objects.iter().map(|object| object.uri.to_string()).collect();
    let bodies = get_many(objects, Limits::in_flight(max_in_flight), Arc::new(Memory), &Progress::silent()).await?;
    Ok(uris.into_iter().zip(bodies).collect())
}

/// Writes one object of `size` incompressible bytes.
///
/// ```
/// # fn main() -> longshore::Result<()> {
/// longshore::put_object_with_random_data("memory://random/object", 1000)?;
/// assert_eq!(longshore::get_object_uri("memory://random/object")?.len(), 1000);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// What the store answers; a missing bucket is [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
pub fn put_object_with_random_data(uri: &str, size: u64) -> Result<()> {
    put_objects_with_random_data_and_type(&[uri], size, 1, ObjectType::Raw)
}

/// As [`put_object_with_random_data`], without blocking.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// longshore::put_object_with_random_data_async("memory://random-async/object", 1000).await?;
/// # longshore::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// As [`put_object_with_random_data`].
pub async fn put_object_with_random_data_async(uri: &str, size: u64) -> Result<()> {
    put_objects_with_random_data_and_type_async(&[uri], size, 1, ObjectType::Raw).await
}

/// Writes the same `data` to every URI, at most `max_in_flight` at once. The bytes are shared, not copied.
///
/// ```
/// # fn main() -> longshore::Result<()> {
/// longshore::put_objects_parallel(&["memory://same/a", "memory://same/b"], vec![7; 3], 2)?;
/// assert_eq!(longshore::get_object_uri("memory://same/b")?, [7, 7, 7]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The first failure, which names its URI; the rest is cancelled.
pub fn put_objects_parallel<S: AsRef<str>>(uris: &[S], data: impl Into<Bytes>, max_in_flight: usize) -> Result<()> {
    let objects = objects("put", uris)?;
    block("put", write_all(objects, Shared(data.into()), max_in_flight))
}

/// As [`put_objects_parallel`], without blocking.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// longshore::put_objects_parallel_async(&["memory://same-async/a"], "data", 2).await?;
/// # longshore::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// As [`put_objects_parallel`].
pub async fn put_objects_parallel_async<S: AsRef<str>>(
    uris: &[S],
    data: impl Into<Bytes>,
    max_in_flight: usize,
) -> Result<()> {
    let objects = objects("put", uris)?;
    spawn("put", write_all(objects, Shared(data.into()), max_in_flight)).await
}

/// Writes one generated object of exactly `size` bytes to every URI, each with contents of its own.
///
/// ```
/// # fn main() -> longshore::Result<()> {
/// let kind: longshore::ObjectType = "hdf5".parse().unwrap();
/// longshore::put_objects_with_random_data_and_type(&["memory://typed/a.h5"], 50_000, 32, kind)?;
/// assert!(longshore::get_object_uri("memory://typed/a.h5")?.starts_with(b"\x89HDF"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) where `size` is too small for the format, before anything
/// is written; and as [`put_objects_parallel`].
pub fn put_objects_with_random_data_and_type<S: AsRef<str>>(
    uris: &[S],
    size: u64,
    max_in_flight: usize,
    object_type: ObjectType,
) -> Result<()> {
    let objects = objects("put", uris)?;
    let source = generated(uris, size, object_type)?;
    block("put", write_all(objects, source, max_in_flight))
}

/// As [`put_objects_with_random_data_and_type`], without blocking.
///
/// ```
/// # use longshore::ObjectType;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let uris = ["memory://typed-async/a", "memory://typed-async/b"];
/// longshore::put_objects_with_random_data_and_type_async(&uris, 5000, 2, ObjectType::TfRecord).await?;
/// # longshore::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// As [`put_objects_with_random_data_and_type`].
pub async fn put_objects_with_random_data_and_type_async<S: AsRef<str>>(
    uris: &[S],
    size: u64,
    max_in_flight: usize,
    object_type: ObjectType,
) -> Result<()> {
    let objects = objects("put", uris)?;
    let source = generated(uris, size, object_type)?;
    spawn("put", write_all(objects, source, max_in_flight)).await
}

async fn write_all(objects: Vec<Object>, source: impl Source, max_in_flight: usize) -> Result<()> {
    let (limits, progress) = (Limits::in_flight(max_in_flight), Progress::silent());
    put_many(objects, Arc::new(source), limits, &progress, &Cleanup::default()).await
}

/// One body for every object.
struct Shared(Bytes);

impl Source for Shared {
    fn size(&self, _index: usize) -> u64 {
        self.0.len() as u64
    }

    fn body(&self, _index: usize) -> Bytes {
        self.0.clone()
    }
}

fn generated<S: AsRef<str>>(uris: &[S], size: u64, object_type: ObjectType) -> Result<Generator> {
    let context = Context::new("put", uris.first().map(|uri| uri.as_ref()).unwrap_or_default());
    let seed = getrandom::u64().map_err(|error| context.error(ErrorKind::Generic, error.to_string()))?;
    let generator = Generator::new(object_type, size, DataOptions { seed, ..DataOptions::default() });
    generator.map_err(|error| context.error(ErrorKind::InvalidArgument, error.to_string()))
}

/// The keys of `bucket` that begin with `prefix`, in order, however many there are.
///
/// `bucket` is the name of an S3 bucket, or the URI of any store's: `memory://name`, `file:///`. `prefix` is plain text: `a/b`
/// finds `a/bc`.
///
/// ```
/// # fn main() -> longshore::Result<()> {
/// longshore::put_objects_parallel(&["memory://list/a/b", "memory://list/a/bc", "memory://list/z"], "x", 2)?;
/// assert_eq!(longshore::list_objects("memory://list", "a/b")?, ["a/b", "a/bc"]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// A missing bucket is [`ErrorKind::NotFound`](crate::ErrorKind::NotFound); a page that fails is an error, never a short list.
pub fn list_objects(bucket: &str, prefix: &str) -> Result<Vec<String>> {
    let (store, location) = bucket_store("list", bucket)?;
    let context = Context::new("list", location.uri_of(prefix));
    let prefix = prefix.to_owned();
    block("list", async move { keys(&store, &prefix, &context).await })
}

/// As [`list_objects`], without blocking.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// assert!(longshore::list_objects_async("memory://empty", "").await?.is_empty());
/// # longshore::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// As [`list_objects`].
pub async fn list_objects_async(bucket: &str, prefix: &str) -> Result<Vec<String>> {
    let (store, location) = bucket_store("list", bucket)?;
    let context = Context::new("list", location.uri_of(prefix));
    let prefix = prefix.to_owned();
    spawn("list", async move { keys(&store, &prefix, &context).await }).await
}

async fn keys(store: &Arc<Store>, prefix: &str, context: &Context) -> Result<Vec<String>> {
    let entries = list(store, prefix, context, &Progress::silent()).await?;
    Ok(entries.into_iter().map(|entry| entry.key).collect())
}

/// Deletes `keys` from `bucket`, on S3 in batches of up to 1000. Missing ones are deleted already.
///
/// `bucket` is as in [`list_objects`].
///
/// ```
/// # fn main() -> longshore::Result<()> {
/// longshore::put_objects_parallel(&["memory://gone/a", "memory://gone/b"], "x", 2)?;
/// longshore::delete_objects("memory://gone", &["a", "missing"])?;
/// assert_eq!(longshore::list_objects("memory://gone", "")?, ["b"]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// One error for all keys that could not be deleted; [`Error::failures`](crate::Error::failures) lists them.
pub fn delete_objects<S: AsRef<str>>(bucket: &str, keys: &[S]) -> Result<()> {
    let (store, location) = bucket_store("delete", bucket)?;
    let context = Context::new("delete", location.to_string());
    let keys = keys.iter().map(|key| key.as_ref().to_owned()).collect();
    block("delete", async move { delete_keys(&store, keys, &context, &Progress::silent()).await })
}

/// As [`delete_objects`], without blocking.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// longshore::delete_objects_async("memory://gone-async", &["a"]).await?;
/// # longshore::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// As [`delete_objects`].
pub async fn delete_objects_async<S: AsRef<str>>(bucket: &str, keys: &[S]) -> Result<()> {
    let (store, location) = bucket_store("delete", bucket)?;
    let context = Context::new("delete", location.to_string());
    let keys = keys.iter().map(|key| key.as_ref().to_owned()).collect();
    spawn("delete", async move { delete_keys(&store, keys, &context, &Progress::silent()).await }).await
}

fn objects<S: AsRef<str>>(operation: &'static str, uris: &[S]) -> Result<Vec<Object>> {
    let mut resolver = Resolver::default();
    let mut object = |uri: &str| {
        let location = Location::parse(uri)?;
        let key = location.object_key("name one object")?;
        Ok(Object { store: resolver.open(&location)?, key, uri: uri.into() })
    };
    uris.iter()
        .map(|uri| object(uri.as_ref()).map_err(|error| Context::new(operation, uri.as_ref()).config_error(error)))
        .collect()
}

fn object(operation: &'static str, uri: &str) -> Result<Object> {
    // One URI gives one object.
    objects(operation, &[uri]).map(|mut objects| objects.remove(0))
}

fn bucket_store(operation: &'static str, bucket: &str) -> Result<(Arc<Store>, Location)> {
    let fail = |error| Context::new(operation, bucket).config_error(error);
    let uri = if bucket.contains("://") { bucket.to_owned() } else { format!("s3://{bucket}") };
    let location = Location::parse(&uri).map_err(fail)?;
    if !location.is_bare_bucket() {
        let reason = "this names more than a bucket; write the rest into the prefix or the keys";
        return Err(Context::new(operation, bucket).error(ErrorKind::InvalidArgument, reason));
    }
    Ok((Resolver::default().open(&location).map_err(fail)?, location))
}
