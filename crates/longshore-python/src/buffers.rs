//! Reads of whole objects by URI into memory that Rust keeps: what came in one piece is never copied.

use std::sync::Arc;

use bytes::Bytes;
use longshore_engine::{Object, Place, Spot, read_buffer, read_buffers};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::arguments::{Target, text};
use crate::call::{Call, How};
use crate::objects::{Wanted, bulk_arguments};
use crate::obs::give;

#[pyfunction]
pub(crate) fn get_buffer<'py>(
    py: Python<'py>,
    how: How<'py>,
    uri: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
    listener: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let spot = spot(Target::new(py, "get", store)?.object(&uri, "use get_many_buffers")?);
    Call::new(py, how, listener)
        .run(|_, progress| async move { read_buffer(&spot, &progress).await }, |py, bytes, _| give(py, bytes))
}

#[pyfunction]
pub(crate) fn get_many_buffers<'py>(
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
            let spots: Vec<Spot> = Wanted::resolve(wanted).await?.into_iter().map(spot).collect();
            let uris: Vec<Arc<str>> = spots.iter().map(|spot| Arc::clone(&spot.uri)).collect();
            Ok((uris, read_buffers(spots, limits, &progress).await?))
        },
        |py, (uris, bodies): (Vec<Arc<str>>, Vec<Bytes>), _| {
            let list = PyList::empty(py);
            for (uri, body) in uris.iter().zip(bodies) {
                list.append((&**uri, give(py, body)?))?;
            }
            Ok(list.into_any().unbind())
        },
    )
}

fn spot(object: Object) -> Spot {
    Spot { place: Place::Own(object.store), key: object.key, uri: object.uri }
}
