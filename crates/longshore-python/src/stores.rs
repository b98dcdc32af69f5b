//! The store classes are those of `longshore-store`. Here is how this package comes to them.

use longshore_config::{Environment, Location, open};
use longshore_engine::Context;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use crate::arguments::text;
use crate::errors::raise;

pub(crate) use longshore_store::{Store, read_options};

/// The live store for `uri`, with `options` over the environment.
#[pyfunction]
pub(crate) fn store_for<'py>(
    py: Python<'py>,
    uri: &Bound<'py, PyAny>,
    options: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let uri = text("uri", uri)?;
    let given = read_options(options)?;
    let fail = |error| raise(py, &Context::new("store_for", uri.as_str()).config_error(error));
    let location = Location::parse(&uri).map_err(fail)?;
    Store::wrap(py, open(&location, given, &Environment::read()).map_err(fail)?)
}

/// Has stores that this module makes be objects of `class_`, which is derived from one of its store classes.
#[pyfunction]
pub(crate) fn use_store_class(class_: &Bound<'_, PyType>) -> PyResult<()> {
    longshore_store::use_class(class_)
}
