//! A class that stays at home, as the measure of what crossing costs (`bench/share.py`).

use pyo3::prelude::*;

/// A number in an object.
#[pyclass(frozen, module = "series_base")]
pub(crate) struct Plain {
    value: f64,
}

#[pymethods]
impl Plain {
    #[new]
    fn new(value: f64) -> Self {
        Self { value }
    }
}

/// Extracts the object `count` times, and adds up what is in it.
#[pyfunction]
pub(crate) fn plain_casts(object: &Bound<'_, PyAny>, count: usize) -> PyResult<f64> {
    let mut sum = 0.0;
    for _ in 0..count {
        let plain: Bound<'_, Plain> = std::hint::black_box(object).extract()?;
        sum += plain.get().value;
    }
    Ok(sum)
}

/// Makes `count` objects, one after another.
#[pyfunction]
pub(crate) fn plain_creations(py: Python<'_>, count: usize) -> PyResult<()> {
    for _ in 0..count {
        std::hint::black_box(Bound::new(py, Plain { value: 1.0 })?);
    }
    Ok(())
}
