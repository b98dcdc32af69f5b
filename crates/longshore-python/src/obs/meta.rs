//! What stores say of objects, as the dictionaries that Python has of it.

use chrono::{DateTime, Utc};
use longshore_engine::{Metadata, Put};
use object_store::{Attribute, Attributes};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// `ObjectMeta`.
pub(super) fn describe(py: Python<'_>, meta: Metadata) -> PyResult<Bound<'_, PyDict>> {
    let described = PyDict::new(py);
    described.set_item(intern!(py, "path"), meta.key)?;
    described.set_item(intern!(py, "last_modified"), moment(py, meta.last_modified)?)?;
    described.set_item(intern!(py, "size"), meta.size)?;
    described.set_item(intern!(py, "e_tag"), meta.e_tag)?;
    described.set_item(intern!(py, "version"), meta.version)?;
    Ok(described)
}

/// `PutResult`.
pub(super) fn describe_put(py: Python<'_>, put: Put) -> PyResult<Py<PyAny>> {
    let described = PyDict::new(py);
    described.set_item(intern!(py, "e_tag"), put.e_tag)?;
    described.set_item(intern!(py, "version"), put.version)?;
    Ok(described.into_any().unbind())
}

/// An aware `datetime`.
fn moment(py: Python<'_>, moment: DateTime<Utc>) -> PyResult<Bound<'_, PyAny>> {
    static TOOLS: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    let (from_timestamp, utc) = TOOLS.get_or_try_init(py, || {
        let datetime = py.import("datetime")?;
        let from_timestamp = datetime.getattr("datetime")?.getattr("fromtimestamp")?;
        Ok::<_, PyErr>((from_timestamp.unbind(), datetime.getattr("timezone")?.getattr("utc")?.unbind()))
    })?;
    // A double holds the microseconds of any year that a server will name.
    let seconds = moment.timestamp() as f64 + f64::from(moment.timestamp_subsec_micros()) / 1e6;
    from_timestamp.bind(py).call1((seconds, utc))
}

/// `Attributes`: the names of headers, and whatever else the writer chose.
pub(super) fn describe_attributes<'py>(py: Python<'py>, attributes: &Attributes) -> PyResult<Bound<'py, PyDict>> {
    let described = PyDict::new(py);
    for (attribute, value) in attributes {
        described.set_item(name_of(attribute), value.as_ref())?;
    }
    Ok(described)
}

fn name_of(attribute: &Attribute) -> &str {
    match attribute {
        Attribute::ContentDisposition => "Content-Disposition",
        Attribute::ContentEncoding => "Content-Encoding",
        Attribute::ContentLanguage => "Content-Language",
        Attribute::ContentType => "Content-Type",
        Attribute::CacheControl => "Cache-Control",
        Attribute::StorageClass => "Storage-Class",
        Attribute::Metadata(name) => name,
        _ => "",
    }
}

/// The attribute of that name. Headers are headers in any case.
pub(super) fn attribute(name: &str) -> Attribute {
    match name.to_ascii_lowercase().as_str() {
        "content-disposition" => Attribute::ContentDisposition,
        "content-encoding" => Attribute::ContentEncoding,
        "content-language" => Attribute::ContentLanguage,
        "content-type" => Attribute::ContentType,
        "cache-control" => Attribute::CacheControl,
        "storage-class" => Attribute::StorageClass,
        _ => Attribute::Metadata(name.to_owned().into()),
    }
}
