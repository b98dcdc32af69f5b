//! Pickling and copying.
//!
//! From protocol 5 on, the memory itself is handed to the pickler, which may keep it out of the stream and give the same memory
//! back when it is loaded. Before, a copy of the bytes is in the stream.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::sequence::builtin;
use crate::{PyBytes, export};

/// Protocols from this one on know `PickleBuffer`.
const WITH_BUFFERS: i32 = 5;

/// How to make `value` again: its own class, so that each author's `Bytes` stays theirs, without its `__init__`, as for `bytes`.
pub(crate) fn reduce<'py>(value: &Bound<'py, PyBytes>, protocol: i32) -> PyResult<Bound<'py, PyTuple>> {
    let py = value.py();
    let class = value.get_type();
    if class.module()? == "builtins" {
        return Err(PyTypeError::new_err(format!(
            "cannot pickle a {}: its class was not told which module it is in; the author of that module adds it with \
             longshore_bytes::register, and others can pickle its to_bytes()",
            class.name()?,
        )));
    }
    let data = if protocol < WITH_BUFFERS {
        builtin(py, value.get().as_slice())?.into_any()
    } else {
        py.import("pickle")?.getattr("PickleBuffer")?.call1((value,))?
    };
    let new = py.import("copyreg")?.getattr("__newobj__")?;
    (new, (class, data), attributes(value)?).into_pyobject(py)
}

/// `value` itself. Of a subclass, which may have attributes that change, another one in the same memory.
pub(crate) fn shallow_copy<'py>(value: &Bound<'py, PyBytes>) -> PyResult<Bound<'py, PyAny>> {
    if value.get_type().is(value.py().get_type::<PyBytes>()) {
        return Ok(value.as_any().clone());
    }
    remake(value, value.as_any(), attributes(value)?)
}

/// Another one in memory of its own, whatever becomes of the memory that `value` was made from.
pub(crate) fn deep_copy<'py>(value: &Bound<'py, PyBytes>, memo: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let copied = PyBytes::new(export::copy_of(value.get().as_slice())?).into_pyobject(py)?;
    let attributes = match attributes(value)? {
        None => None,
        Some(attributes) => Some(py.import("copy")?.call_method1("deepcopy", (attributes, memo))?),
    };
    remake(value, copied.as_any(), attributes)
}

/// An object of the class of `value`, of other memory, with attributes.
fn remake<'py>(
    value: &Bound<'py, PyBytes>,
    data: &Bound<'py, PyAny>,
    attributes: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let class = value.get_type();
    let made = class.call_method1("__new__", (&class, data))?;
    if let Some(attributes) = attributes {
        made.getattr("__dict__")?.cast::<PyDict>()?.update(attributes.cast()?)?;
    }
    Ok(made)
}

/// The attributes that a subclass has given it, if there are any.
fn attributes<'py>(value: &Bound<'py, PyBytes>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let attributes = value.getattr_opt("__dict__")?;
    match attributes {
        Some(attributes) if attributes.is_truthy()? => Ok(Some(attributes)),
        _ => Ok(None),
    }
}
