//! Arguments, checked before anything is sent: a wrong type is an `ArgumentTypeError`, a bad value an `InvalidArgumentError`.

use std::cell::RefCell;
use std::sync::Arc;

use longshore_config::{Location, Resolver, Store as Handle};
use longshore_engine::{Context, ErrorKind, Limits, Object};
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

use crate::errors::{invalid, raise, wrong_type};
use crate::stores::Store;

/// The text of a `str`.
pub(crate) fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = value.py();
    let text = value.cast::<PyString>().map_err(|_| wrong_type(py, &expected(name, "a str", value)))?;
    text.extract().map_err(|_| invalid(py, &format!("{name} has characters that are not valid Unicode: {value:?}")))
}

/// As [`text`], for `None` as well.
pub(crate) fn optional_text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if value.is_none() { Ok(None) } else { text(name, value).map(Some) }
}

/// The texts of an iterable of `str`. A single `str`, which is one too, is refused.
pub(crate) fn texts(name: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let py = values.py();
    let wanted = "an iterable of str";
    if values.is_instance_of::<PyString>() {
        return Err(wrong_type(py, &format!("{name} must be {wanted}, not one str; write [{}]", values.repr()?)));
    }
    let items = values.try_iter().map_err(|_| wrong_type(py, &expected(name, wanted, values)))?;
    items.enumerate().map(|(index, item)| text(&format!("{name}[{index}]"), &item?)).collect()
}

/// A whole number of at least `least`. NumPy's integers will do; a bool will not.
pub(crate) fn whole(name: &str, value: &Bound<'_, PyAny>, least: u64) -> PyResult<u64> {
    let py = value.py();
    if value.is_instance_of::<PyBool>() || !value.hasattr("__index__")? {
        return Err(wrong_type(py, &expected(name, "an int", value)));
    }
    match value.extract::<u64>() {
        Ok(number) if number >= least => Ok(number),
        Err(error) if !error.is_instance_of::<PyOverflowError>(py) => Err(error),
        Err(_) if !value.lt(0)? => Err(invalid(py, &format!("{name} is larger than anything it could count"))),
        _ => Err(invalid(py, &format!("{name} must be at least {least}, not {value}"))),
    }
}

/// A finite number of at least 1.
pub(crate) fn ratio(name: &str, value: &Bound<'_, PyAny>) -> PyResult<f64> {
    let py = value.py();
    if value.is_instance_of::<PyBool>() || value.is_instance_of::<PyString>() || !value.hasattr("__float__")? {
        return Err(wrong_type(py, &expected(name, "a number", value)));
    }
    match value.extract::<f64>() {
        Ok(number) if number.is_finite() && number >= 1.0 => Ok(number),
        _ => Err(invalid(py, &format!("{name} must be a finite number of at least 1"))),
    }
}

/// A truth value; NumPy's will do.
pub(crate) fn flag(name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    value.extract().map_err(|_| wrong_type(value.py(), &expected(name, "a bool", value)))
}

pub(crate) fn limits(max_in_flight: &Bound<'_, PyAny>) -> PyResult<Limits> {
    let in_flight = whole("max_in_flight", max_in_flight, 1)?;
    // A wider window than this would be a mistake, and its tasks would take memory before any byte arrives.
    Ok(Limits::in_flight(usize::try_from(in_flight).unwrap_or(usize::MAX).min(65_536)))
}

/// The arguments of a call that names objects: which operation for messages, and the store that the caller chose.
pub(crate) struct Target<'a, 'py> {
    py: Python<'py>,
    operation: &'static str,
    store: Option<&'a Bound<'py, Store>>,
    resolver: RefCell<Resolver>,
}

impl<'a, 'py> Target<'a, 'py> {
    pub(crate) fn new(py: Python<'py>, operation: &'static str, store: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        let store = match store.cast::<Store>() {
            Ok(store) => Some(store),
            Err(_) if store.is_none() => None,
            Err(_) => return Err(wrong_type(py, &expected("store", "a store from store_for", store))),
        };
        Ok(Self { py, operation, store, resolver: RefCell::default() })
    }

    /// The place that `uri` names, and its store.
    pub(crate) fn place(&self, uri: &str) -> PyResult<(Location, Arc<Handle>)> {
        let location = Location::parse(uri).map_err(|error| self.refuse(uri, error))?;
        let Some(store) = self.store else {
            let store = self.resolver.borrow_mut().open(&location).map_err(|error| self.refuse(uri, error))?;
            // Made here, attached, because a new client reads the environment.
            store.live().map_err(|error| self.refuse(uri, error))?;
            return Ok((location, store));
        };
        let handle = store.get().handle();
        if !handle.holds(&location) {
            let reason = format!("the store that was passed is {}, which this URI is not in", store.repr()?);
            let context = Context::new(self.operation, uri);
            return Err(raise(self.py, &context.error(ErrorKind::InvalidArgument, reason)));
        }
        handle.live().map_err(|error| self.refuse(uri, error))?;
        Ok((location, Arc::clone(handle)))
    }

    /// The one object that `uri` names. `instead` says what takes wildcards.
    pub(crate) fn object(&self, uri: &str, instead: &str) -> PyResult<Object> {
        let (location, store) = self.place(uri)?;
        let key = location.object_key(instead).map_err(|error| self.refuse(uri, error))?;
        Ok(Object { store, key, uri: uri.into() })
    }

    pub(crate) fn refuse(&self, uri: &str, error: longshore_config::ConfigError) -> PyErr {
        raise(self.py, &Context::new(self.operation, uri).config_error(error))
    }
}

fn expected(name: &str, wanted: &str, value: &Bound<'_, PyAny>) -> String {
    let found = value.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
    format!("{name} must be {wanted}, not {found}")
}
