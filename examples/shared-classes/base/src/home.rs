//! What crossing is measured against: the same work in the module that has the class (`bench/share.py`).

use pyo3::prelude::*;
use series_core::{Samples, SeriesBase};

use crate::series::PySeries;

/// Extracts the object `count` times, and adds up the first numbers.
#[pyfunction]
pub(crate) fn casts(object: &Bound<'_, PyAny>, count: usize) -> PyResult<f64> {
    let mut sum = 0.0;
    for _ in 0..count {
        let series: Bound<'_, PySeries> = std::hint::black_box(object).extract()?;
        sum += series.get().lend().values[0];
    }
    Ok(sum)
}

/// Makes `count` series, one after another.
#[pyfunction]
pub(crate) fn creations(py: Python<'_>, count: usize) -> PyResult<()> {
    for _ in 0..count {
        let values = vec![1.0].into();
        std::hint::black_box(Bound::new(py, PySeries::create(Samples { values, start: 0.0, step: 1.0 })?)?);
    }
    Ok(())
}
