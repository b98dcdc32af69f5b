//! Reads and writes of objects that the caller has or wants in memory.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use longshore_engine::{
    Context, Discard, Error, Object, Progress, expand, get_many as read_many, put_many as write_many,
};
use longshore_runtime::Shelf;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::arguments::{Target, limits, text, texts};
use crate::call::{Call, How};
use crate::errors::{raise, wrong_type};
use crate::landing::{IntoBytes, into_bytes, keepable, lend, missing};

/// What a URI of a bulk read stands for.
pub(crate) enum Wanted {
    One(Object),
    Matching(longshore_config::Location, Arc<longshore_config::Store>),
}

impl Wanted {
    fn parse(target: &Target<'_, '_>, uri: &str) -> PyResult<Self> {
        let (location, store) = target.place(uri)?;
        if location.has_wildcard() {
            return Ok(Self::Matching(location, store));
        }
        let key = location.object_key("").map_err(|error| target.refuse(uri, error))?;
        Ok(Self::One(Object { store, key, uri: uri.into() }))
    }

    pub(crate) async fn resolve(wanted: Vec<Self>) -> Result<Vec<Object>, Error> {
        let mut objects = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            match wanted {
                Self::One(object) => objects.push(object),
                Self::Matching(location, store) => {
                    let context = Context::new("get", location.to_string());
                    objects.extend(expand(&store, &location, &context, &Progress::silent()).await?);
                }
            }
        }
        Ok(objects)
    }
}

#[pyfunction]
pub(crate) fn get<'py>(
    py: Python<'py>,
    how: How<'py>,
    uri: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
    listener: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let object = Target::new(py, "get", store)?.object(&uri, "use get_many")?;
    Call::new(py, how, listener).run(
        |mailbox, progress| {
            let sink = IntoBytes(mailbox.clone());
            async move { longshore_engine::get(object, &sink, &progress).await }
        },
        |py, landed, shelf| {
            let bytes = into_bytes(py, vec![landed], shelf)?.pop();
            bytes.map(|bytes| bytes.into_any().unbind()).ok_or_else(missing)
        },
    )
}

#[pyfunction]
pub(crate) fn get_many<'py>(
    py: Python<'py>,
    how: How<'py>,
    uris: &Bound<'py, PyAny>,
    max_in_flight: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
    listener: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let (wanted, limits) = bulk_arguments(py, uris, max_in_flight, store)?;
    Call::new(py, how, listener).run(
        |mailbox, progress| {
            let sink = IntoBytes(mailbox.clone());
            async move {
                let objects = Wanted::resolve(wanted).await?;
                let uris: Vec<Arc<str>> = objects.iter().map(|object| Arc::clone(&object.uri)).collect();
                let landed = read_many(objects, limits, Arc::new(sink), &progress).await?;
                Ok((uris, landed))
            }
        },
        |py, (uris, landed), shelf| {
            let pairs = uris.iter().map(|uri| &**uri).zip(into_bytes(py, landed, shelf)?);
            Ok(PyList::new(py, pairs.collect::<Vec<_>>())?.into_any().unbind())
        },
    )
}

#[pyfunction]
pub(crate) fn get_many_stats<'py>(
    py: Python<'py>,
    how: How<'py>,
    uris: &Bound<'py, PyAny>,
    max_in_flight: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
    listener: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let (wanted, limits) = bulk_arguments(py, uris, max_in_flight, store)?;
    Call::new(py, how, listener).run(
        |_, progress| async move {
            let objects = Wanted::resolve(wanted).await?;
            let sizes = read_many(objects, limits, Arc::new(Discard), &progress).await?;
            Ok((sizes.len(), sizes.iter().sum::<u64>()))
        },
        |py, stats: (usize, u64), _| Ok(stats.into_pyobject(py)?.into_any().unbind()),
    )
}

pub(crate) fn bulk_arguments<'py>(
    py: Python<'py>,
    uris: &Bound<'py, PyAny>,
    max_in_flight: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
) -> PyResult<(Vec<Wanted>, longshore_engine::Limits)> {
    let target = Target::new(py, "get", store)?;
    let limits = limits(max_in_flight)?;
    let wanted = texts("uris", uris)?.iter().map(|uri| Wanted::parse(&target, uri)).collect::<PyResult<_>>()?;
    Ok((wanted, limits))
}

#[pyfunction]
pub(crate) fn put_bytes<'py>(
    py: Python<'py>,
    how: How<'py>,
    uri: &Bound<'py, PyAny>,
    data: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
    listener: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let object = Target::new(py, "put", store)?.object(&uri, "a write names one object")?;
    let mut call = Call::new(py, how, listener);
    let body = lend("data", data, &mut call.shelf)?;
    call.run(
        |mailbox, progress| {
            let body = body(mailbox);
            async move {
                let context = Context::new("put", &*object.uri);
                let body = if object.store.keeps_bodies() { keepable(body, &context).await? } else { body };
                longshore_engine::put(&object, body, &progress).await
            }
        },
        |py, (), _| Ok(py.None()),
    )
}

#[pyfunction]
pub(crate) fn put_many<'py>(
    py: Python<'py>,
    how: How<'py>,
    items: &Bound<'py, PyAny>,
    max_in_flight: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
    listener: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let target = Target::new(py, "put", store)?;
    let limits = limits(max_in_flight)?;
    let mut call = Call::new(py, how, listener);
    let (objects, bodies): (Vec<_>, Vec<_>) = pairs(items, &target, &mut call.shelf)?.into_iter().unzip();
    let mut seen = HashSet::new();
    if let Some(twice) = objects.iter().find(|object| !seen.insert((Arc::as_ptr(&object.store), &*object.key))) {
        let reason = "two items are for this object; which would be kept is a matter of chance";
        let context = Context::new("put", &*twice.uri);
        return Err(raise(py, &context.error(longshore_engine::ErrorKind::InvalidArgument, reason)));
    }
    call.run(
        |mailbox, progress| {
            let mut bodies: Vec<Bytes> = bodies.into_iter().map(|body| body(mailbox)).collect();
            async move {
                for (object, body) in objects.iter().zip(&mut bodies) {
                    if object.store.keeps_bodies() {
                        let context = Context::new("put", &*object.uri);
                        *body = keepable(std::mem::take(body), &context).await?;
                    }
                }
                write_many(objects, Arc::new(bodies), limits, &progress).await
            }
        },
        |py, (), _| Ok(py.None()),
    )
}

/// Items of a bulk write: `(uri, data)` each.
fn pairs<'py>(
    items: &Bound<'py, PyAny>,
    target: &Target<'_, 'py>,
    shelf: &mut Shelf,
) -> PyResult<Vec<(Object, impl FnOnce(&longshore_runtime::Mailbox) -> Bytes + use<>)>> {
    let wanted = "an iterable of (uri, data) pairs";
    let py = items.py();
    let items = items.try_iter().map_err(|_| wrong_type(py, &format!("items must be {wanted}")))?;
    let mut pairs = Vec::new();
    for (index, item) in items.enumerate() {
        let item = item?;
        let pair = item.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2);
        let pair =
            pair.ok_or_else(|| wrong_type(py, &format!("items must be {wanted}; items[{index}] is no such pair")))?;
        let uri = text(&format!("items[{index}][0]"), &pair.get_item(0)?)?;
        let object = target.object(&uri, "a write names one object")?;
        let body = lend(&format!("items[{index}][1]"), &pair.get_item(1)?, shelf)?;
        pairs.push((object, body));
    }
    Ok(pairs)
}
