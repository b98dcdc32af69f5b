//! Finding, as `bytes` does it.

use memchr::memmem;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arguments::{Bounds, Needle, View};

pub(crate) fn first(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [byte] => memchr::memchr(*byte, haystack),
        _ => memmem::find(haystack, needle),
    }
}

pub(crate) fn last(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [byte] => memchr::memrchr(*byte, haystack),
        _ => memmem::rfind(haystack, needle),
    }
}

/// How often `needle` is there without overlaps. The empty one is before each byte and at the end.
pub(crate) fn count(haystack: &[u8], needle: &[u8]) -> usize {
    match needle {
        [] => haystack.len() + 1,
        [byte] => memchr::memchr_iter(*byte, haystack).count(),
        _ => memmem::find_iter(haystack, needle).count(),
    }
}

/// A way to search.
type Search = fn(&[u8], &[u8]) -> Option<usize>;

/// Where `needle` is in the part within `bounds`, counted from the front of `bytes`.
pub(crate) fn within(
    bytes: &[u8],
    needle: &Bound<'_, PyAny>,
    bounds: Bounds,
    search: Search,
) -> PyResult<Option<usize>> {
    let needle: Needle<'_> = needle.extract()?;
    let Some(part) = bounds.of(bytes.len()) else { return Ok(None) };
    Ok(search(&bytes[part.clone()], &needle).map(|found| found + part.start))
}

/// What `find` answers.
pub(crate) fn or_minus_one(found: PyResult<Option<usize>>) -> PyResult<isize> {
    Ok(found?.map_or(-1, usize::cast_signed))
}

/// What `index` answers.
pub(crate) fn or_error(found: PyResult<Option<usize>>) -> PyResult<usize> {
    found?.ok_or_else(|| PyValueError::new_err("subsection not found"))
}

/// Whether one of the `affixes`, which are bytes or a tuple of them, fits the part within `bounds`.
pub(crate) fn fits(
    method: &str,
    bytes: &[u8],
    affixes: &Bound<'_, PyAny>,
    bounds: Bounds,
    fit: fn(&[u8], &[u8]) -> bool,
) -> PyResult<bool> {
    let part = bounds.of(bytes.len()).map(|part| &bytes[part]);
    let fits = |affix: &[u8]| part.is_some_and(|part| fit(part, affix));
    if let Ok(affixes) = affixes.cast::<PyTuple>() {
        for affix in affixes {
            if fits(&View::new(&affix)?) {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match View::new(affixes) {
        Ok(affix) => Ok(fits(&affix)),
        Err(error) if error.is_instance_of::<PyTypeError>(affixes.py()) => {
            let found = affixes.get_type().name()?;
            let message = format!("{method} first arg must be bytes or a tuple of bytes, not {found}");
            Err(PyTypeError::new_err(message))
        }
        Err(error) => Err(error),
    }
}
