//! What a call says of a read or a write, checked before anything is sent.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use object_store::{Attributes, GetOptions, GetRange, PutMode, PutOptions, TagSet, UpdateVersion};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use super::meta::attribute;
use crate::arguments::{flag, optional_text, text, whole};
use crate::errors::{invalid, wrong_type};

const GET_OPTIONS: [&str; 7] =
    ["if_match", "if_none_match", "if_modified_since", "if_unmodified_since", "range", "version", "head"];

/// `GetOptions`.
pub(super) fn get_options(options: &Bound<'_, PyAny>) -> PyResult<GetOptions> {
    let mut read = GetOptions::default();
    for (name, value) in entries("options", options)? {
        if value.is_none() && name != "head" {
            continue;
        }
        match name.as_str() {
            "if_match" => read.if_match = Some(text("if_match", &value)?),
            "if_none_match" => read.if_none_match = Some(text("if_none_match", &value)?),
            "if_modified_since" => read.if_modified_since = Some(moment("if_modified_since", &value)?),
            "if_unmodified_since" => read.if_unmodified_since = Some(moment("if_unmodified_since", &value)?),
            "range" => read.range = Some(range(&value)?),
            "version" => read.version = Some(text("version", &value)?),
            "head" => read.head = flag("head", &value)?,
            _ => {
                let known = GET_OPTIONS.join(", ");
                return Err(invalid(
                    options.py(),
                    &format!("there is no option {name:?} for a read; there are {known}"),
                ));
            }
        }
    }
    Ok(read)
}

/// The items of a mapping whose keys are texts; none for `None`.
fn entries<'py>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    let Ok(mapping) = value.cast::<PyMapping>() else {
        return Err(wrong_type(value.py(), &format!("{name} must be a dict")));
    };
    let mut entries = Vec::new();
    for item in mapping.items()? {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        entries.push((text(&format!("a key of {name}"), &key)?, value));
    }
    Ok(entries)
}

/// A moment as a whole: Python's have microseconds, and what was written in one of them was not written after it.
fn moment(name: &str, value: &Bound<'_, PyAny>) -> PyResult<DateTime<Utc>> {
    let py = value.py();
    let wanted = || wrong_type(py, &format!("{name} must be a datetime"));
    if value.getattr("tzinfo").map_err(|_| wanted())?.is_none() {
        return Err(invalid(py, &format!("{name} has no time zone; datetime.now(timezone.utc) has one")));
    }
    let seconds: f64 = value.call_method0("timestamp").map_err(|_| wanted())?.extract()?;
    // A double holds the microseconds of any year that `datetime` knows.
    let moment = DateTime::from_timestamp_micros((seconds * 1e6).round() as i64);
    let moment = moment.and_then(|moment| moment.checked_add_signed(TimeDelta::nanoseconds(999)));
    moment.ok_or_else(|| invalid(py, &format!("{name} is out of range")))
}

/// `(start, end)`, `{"offset": start}` or `{"suffix": count}`.
fn range(value: &Bound<'_, PyAny>) -> PyResult<GetRange> {
    let py = value.py();
    let wanted = || wrong_type(py, "range must be (start, end), {\"offset\": start} or {\"suffix\": count}");
    if let Ok(named) = value.cast::<PyDict>() {
        let [(name, number)] = entries("range", named)?.try_into().map_err(|_| wanted())?;
        return match name.as_str() {
            "offset" => Ok(GetRange::Offset(whole("offset", &number, 0)?)),
            "suffix" => Ok(GetRange::Suffix(whole("suffix", &number, 0)?)),
            _ => Err(wanted()),
        };
    }
    if value.is_instance_of::<PyString>() {
        return Err(wanted());
    }
    let numbers = value.try_iter().map_err(|_| wanted())?.collect::<PyResult<Vec<_>>>()?;
    let [start, end] = numbers.as_slice() else { return Err(wanted()) };
    Ok(GetRange::Bounded(whole("range[0]", start, 0)?..whole("range[1]", end, 0)?))
}

/// One range, by its end or by its length.
pub(super) fn bounded(
    start: &Bound<'_, PyAny>,
    end: &Bound<'_, PyAny>,
    length: &Bound<'_, PyAny>,
) -> PyResult<Range<u64>> {
    let py = start.py();
    let start = whole("start", start, 0)?;
    match (end.is_none(), length.is_none()) {
        (false, true) => Ok(start..whole("end", end, 0)?),
        (true, false) => Ok(start..start.saturating_add(whole("length", length, 0)?)),
        (true, true) => Err(wrong_type(py, "where the range ends is missing; pass end or length")),
        (false, false) => Err(wrong_type(py, "pass end or length, not both")),
    }
}

/// Many ranges, by their ends or by their lengths.
pub(super) fn many_bounded(
    starts: &Bound<'_, PyAny>,
    ends: &Bound<'_, PyAny>,
    lengths: &Bound<'_, PyAny>,
) -> PyResult<Vec<Range<u64>>> {
    let py = starts.py();
    let (name, others) = match (ends.is_none(), lengths.is_none()) {
        (false, true) => ("ends", ends),
        (true, false) => ("lengths", lengths),
        (true, true) => return Err(wrong_type(py, "where the ranges end is missing; pass ends or lengths")),
        (false, false) => return Err(wrong_type(py, "pass ends or lengths, not both")),
    };
    let (starts, others) = (numbers("starts", starts)?, numbers(name, others)?);
    if starts.len() != others.len() {
        let (one, other) = (starts.len(), others.len());
        return Err(invalid(py, &format!("there are {one} starts and {other} {name}; each range needs both")));
    }
    let end = |start: u64, other: u64| if name == "ends" { other } else { start.saturating_add(other) };
    Ok(starts.into_iter().zip(others).map(|(start, other)| start..end(start, other)).collect())
}

fn numbers(name: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    let items = values.try_iter().map_err(|_| wrong_type(values.py(), &format!("{name} must be a sequence of int")))?;
    items.enumerate().map(|(index, item)| whole(&format!("{name}[{index}]"), &item?, 0)).collect()
}

/// What is said of a new object: attributes, tags, and whether it may take the place of another.
pub(super) fn put_options(
    attributes: &Bound<'_, PyAny>,
    tags: &Bound<'_, PyAny>,
    mode: &Bound<'_, PyAny>,
) -> PyResult<PutOptions> {
    let mut said = Attributes::new();
    for (name, value) in entries("attributes", attributes)? {
        let value = text(&format!("attributes[{name:?}]"), &value)?;
        if value.contains(char::is_control) || name.is_empty() || name.contains(char::is_control) {
            return Err(invalid(attributes.py(), &format!("attributes[{name:?}] is nothing that a header can hold")));
        }
        said.insert(attribute(&name), value.into());
    }
    let mut set = TagSet::default();
    for (name, value) in entries("tags", tags)? {
        set.push(&name, &text(&format!("tags[{name:?}]"), &value)?);
    }
    Ok(PutOptions { mode: put_mode(mode)?, tags: set, attributes: said, ..PutOptions::default() })
}

fn put_mode(mode: &Bound<'_, PyAny>) -> PyResult<PutMode> {
    let py = mode.py();
    if mode.is_none() {
        return Ok(PutMode::Overwrite);
    }
    if mode.is_instance_of::<PyString>() {
        return match text("mode", mode)?.as_str() {
            "overwrite" => Ok(PutMode::Overwrite),
            "create" => Ok(PutMode::Create),
            other => Err(invalid(py, &format!("mode must be \"create\", \"overwrite\" or a dict, not {other:?}"))),
        };
    }
    let mut version = UpdateVersion { e_tag: None, version: None };
    for (name, value) in entries("mode", mode)? {
        match name.as_str() {
            "e_tag" => version.e_tag = optional_text("mode[\"e_tag\"]", &value)?,
            "version" => version.version = optional_text("mode[\"version\"]", &value)?,
            _ => return Err(invalid(py, &format!("mode has e_tag and version, and no {name:?}"))),
        }
    }
    if version.e_tag.is_none() && version.version.is_none() {
        return Err(invalid(py, "mode names no version to replace; it needs e_tag or version"));
    }
    Ok(PutMode::Update(version))
}
