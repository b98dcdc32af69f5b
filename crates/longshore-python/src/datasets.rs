//! Generated data sets, and arrays out of NPZ files.

use std::sync::Arc;

use longshore_engine::{Cleanup, Context, Error, ErrorKind, Memory, Object, create_bucket, put_many};
use longshore_formats::{DataOptions, Generator, NpyHeader, NpzArchive, NpzError, ObjectType};
use longshore_runtime::Mailbox;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::arguments::{Target, flag, limits, optional_text, ratio, text, texts, whole};
use crate::call::{Call, How};
use crate::errors::{invalid, raise};
use crate::landing::{Region, missing};

/// Generates and writes one object for each of `names`, beneath `prefix`.
///
/// `data` is `(object_type, size, seed, dedup, compress)`.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python's own interface has them all")]
pub(crate) fn put<'py>(
    py: Python<'py>,
    how: How<'py>,
    prefix: &Bound<'py, PyAny>,
    names: &Bound<'py, PyAny>,
    max_in_flight: &Bound<'py, PyAny>,
    should_create_bucket: &Bound<'py, PyAny>,
    data: [Bound<'py, PyAny>; 5],
    store: &Bound<'py, PyAny>,
    listener: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let uri = text("prefix", prefix)?;
    let target = Target::new(py, "put", store)?;
    let limits = limits(max_in_flight)?;
    let create = flag("should_create_bucket", should_create_bucket)?;
    let generator = generator(py, &uri, data)?;
    let (location, store) = target.place(&uri)?;
    let mut prefix = location.prefix("a write names one place").map_err(|error| target.refuse(&uri, error))?;
    if !prefix.is_empty() && !prefix.ends_with('/') {
        prefix.push('/');
    }
    let object = |name: String| {
        let key = format!("{prefix}{name}");
        Object { uri: location.uri_of(&key).into(), store: Arc::clone(&store), key }
    };
    let objects: Vec<Object> = texts("names", names)?.into_iter().map(object).collect();
    let folder = prefix.clone();
    Call::new(py, how, listener).run(
        |_, progress| async move {
            if create {
                create_bucket(&store, &folder, &Context::new("create_bucket", location.root())).await?;
            }
            put_many(objects, Arc::new(generator), limits, &progress, &Cleanup::default()).await
        },
        |py, (), _| Ok(py.None()),
    )
}

fn generator(py: Python<'_>, uri: &str, data: [Bound<'_, PyAny>; 5]) -> PyResult<Generator> {
    let [object_type, size, seed, dedup, compress] = data;
    let name = text("object_type", &object_type)?;
    let object_type: ObjectType =
        name.parse().map_err(|error: longshore_formats::ParseObjectTypeError| invalid(py, &error.to_string()))?;
    let seed = if seed.is_none() { fresh_seed()? } else { whole("seed", &seed, 0)? };
    let options = DataOptions { seed, dedup: ratio("dedup", &dedup)?, compress: ratio("compress", &compress)? };
    let size = whole("size", &size, 0)?;
    // Laying out a large frame takes milliseconds, in which other threads may run.
    py.detach(|| Generator::new(object_type, size, options))
        .map_err(|error| raise(py, &Context::new("put", uri).error(ErrorKind::InvalidArgument, error.to_string())))
}

/// From the operating system: a generator of our own would go on alike in every forked child.
fn fresh_seed() -> PyResult<u64> {
    getrandom::u64().map_err(|error| PyOSError::new_err(error.to_string()))
}

/// Reads an array of an NPZ object.
#[pyfunction]
pub(crate) fn read_npz<'py>(
    py: Python<'py>,
    how: How<'py>,
    uri: &Bound<'py, PyAny>,
    array_name: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
    listener: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let array_name = optional_text("array_name", array_name)?;
    let object = Target::new(py, "read_npz", store)?.object(&uri, "read the objects one by one")?;
    Call::new(py, how, listener).run(
        |mailbox, progress| {
            let mailbox = mailbox.clone();
            async move {
                let context = Context::new("read_npz", &*object.uri);
                let archive = longshore_engine::get(object, &Memory, &progress).await?;
                decode(Arc::new(archive), array_name, mailbox, &context).await
            }
        },
        |_, (), shelf| shelf.objects.pop().map(|(_, array)| array).ok_or_else(missing),
    )
}

/// Finds the array, has NumPy make room for it, and decodes it there; the work is done off the runtime's workers.
async fn decode(archive: Arc<Vec<u8>>, name: Option<String>, mailbox: Mailbox, context: &Context) -> Result<(), Error> {
    let found = Arc::clone(&archive);
    let wanted = name.clone();
    let find = move || {
        let archive = NpzArchive::open(&found)?;
        let member = archive.find(wanted.as_deref())?;
        Ok::<_, NpzError>((member.header().clone(), member.data_len()))
    };
    let (header, length) = work(find, context).await?;
    let (reply, room) = oneshot::channel();
    let writer = mailbox.clone();
    let uri = context.uri.clone();
    mailbox.send(move |py, shelf| {
        let (array, memory) = allocate(py, &header, length).inspect_err(|error| {
            // What NumPy refuses is about this object too. An exception that takes no attributes says enough by itself.
            let _ = error.value(py).setattr("uri", &uri);
            let _ = error.value(py).setattr("operation", "read_npz");
        })?;
        let region = Region::of_writable(shelf, &memory, writer)?;
        shelf.objects.push((0, array));
        // Nobody receives when the call is being cancelled.
        let _ = reply.send(region);
        Ok(())
    });
    let Ok(mut region) = room.await else {
        return Err(context.error(ErrorKind::Join, "nobody waits for the result any more"));
    };
    let read = move || NpzArchive::open(&archive)?.find(name.as_deref())?.read_into(region.as_mut_slice());
    work(read, context).await
}

/// An empty array as the header describes it, and the plain memory beneath it.
fn allocate<'py>(py: Python<'py>, header: &NpyHeader, length: usize) -> PyResult<(Py<PyAny>, Bound<'py, PyAny>)> {
    let make = py.import("longshore._arrays")?.getattr("allocate")?;
    make.call1((&header.descr, header.fortran_order, header.shape.clone(), length))?.extract()
}

async fn work<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NpzError> + Send + 'static,
    context: &Context,
) -> Result<T, Error> {
    let outcome = spawn_blocking(work).await.map_err(|error| context.error(ErrorKind::Join, error.to_string()))?;
    outcome.map_err(|error| {
        let kind = match error {
            NpzError::Missing { .. } => ErrorKind::NotFound,
            _ => ErrorKind::Generic,
        };
        context.error(kind, error.to_string())
    })
}
