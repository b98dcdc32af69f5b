//! What the module can do. Its types are those of `series_base`; the same text is built with other PyO3s in `derived-0.23` and
//! `derived-0.26`.

use longshore_share::import_shared;
use pyo3::prelude::*;
use series_core::{Samples, SeriesMethods, WindowMethods};

import_shared!(pub(crate) series_core::Series as Series);
import_shared!(pub(crate) series_core::Window as Window);

/// The mean of the numbers, which are read where they are.
#[pyfunction]
fn mean(series: Series<'_>) -> PyResult<f64> {
    let values = &series.cast()?.values;
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

/// Each number, with its neighbours in the window.
#[pyfunction]
fn smooth<'py>(py: Python<'py>, series: Series<'py>, window: Window<'py>) -> PyResult<Series<'py>> {
    let Samples { values, start, step } = series.cast()?;
    let (width, weight) = (window.width()? as usize, window.weight()?);
    let smoothed: Vec<f64> = (0..values.len())
        .map(|index| {
            let near = index.saturating_sub(width)..values.len().min(index + width + 1);
            let total = 1.0 + weight * (near.len() - 1) as f64;
            let around: f64 =
                near.map(|other| if other == index { values[other] } else { weight * values[other] }).sum();
            around / total
        })
        .collect();
    let smoothed = Series::create(py, Samples { values: smoothed.into(), start: *start, step: *step })?;
    smoothed.labelled(&format!("{}, smoothed", series.label()?))
}

/// A series of what another module computed.
#[pyfunction]
fn ramp(py: Python<'_>, count: usize, step: f64) -> PyResult<Series<'_>> {
    let values: Vec<f64> = (0..count).map(|index| index as f64 * step).collect();
    Series::create(py, Samples { values: values.into(), start: 0.0, step })
}

/// Where this module sees the numbers.
#[pyfunction]
fn address(series: Series<'_>) -> PyResult<usize> {
    Ok(series.cast()?.values.as_ptr() as usize)
}

/// The number at `index`.
#[pyfunction]
fn at(series: Series<'_>, index: usize) -> PyResult<f64> {
    series.at(index)
}

/// Whether it is a series.
#[pyfunction]
fn is_series(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Series::is_type_of(object)
}

/// The type `Series`.
#[pyfunction]
fn series_type(py: Python<'_>) -> PyResult<Bound<'_, pyo3::types::PyType>> {
    Series::type_object(py)
}

/// A window in which all count the same.
#[pyfunction]
fn even_window(py: Python<'_>, width: u32) -> PyResult<Window<'_>> {
    Window::even(py, width)
}

/// The width of the window.
#[pyfunction]
fn width(window: Window<'_>) -> PyResult<u32> {
    window.width()
}

/// Sets both fields of the window.
#[pyfunction]
fn set(window: Window<'_>, width: u32, weight: f64) -> PyResult<()> {
    window.set_width(width)?;
    window.set_weight(weight)
}

/// Makes the window wider, and says how wide it was.
#[pyfunction]
fn widen(window: Window<'_>, by: u32) -> PyResult<u32> {
    window.widen(by)
}

/// Extracts the object `count` times, and adds up the first numbers.
#[pyfunction]
fn casts(object: &Bound<'_, PyAny>, count: usize) -> PyResult<f64> {
    let mut sum = 0.0;
    for _ in 0..count {
        let series: Series<'_> = std::hint::black_box(object).extract()?;
        sum += series.cast()?.values[0];
    }
    Ok(sum)
}

/// Makes `count` series, one after another.
#[pyfunction]
fn creations(py: Python<'_>, count: usize) -> PyResult<()> {
    for _ in 0..count {
        let values = vec![1.0].into();
        std::hint::black_box(Series::create(py, Samples { values, start: 0.0, step: 1.0 })?);
    }
    Ok(())
}

/// Puts everything into the module. First it asks for the classes, so that a mismatch is an `ImportError` of this module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    Series::import(module.py())?;
    Window::import(module.py())?;
    module.add_function(wrap_pyfunction!(mean, module)?)?;
    module.add_function(wrap_pyfunction!(smooth, module)?)?;
    module.add_function(wrap_pyfunction!(ramp, module)?)?;
    module.add_function(wrap_pyfunction!(address, module)?)?;
    module.add_function(wrap_pyfunction!(at, module)?)?;
    module.add_function(wrap_pyfunction!(is_series, module)?)?;
    module.add_function(wrap_pyfunction!(series_type, module)?)?;
    module.add_function(wrap_pyfunction!(even_window, module)?)?;
    module.add_function(wrap_pyfunction!(width, module)?)?;
    module.add_function(wrap_pyfunction!(set, module)?)?;
    module.add_function(wrap_pyfunction!(widen, module)?)?;
    module.add_function(wrap_pyfunction!(casts, module)?)?;
    module.add_function(wrap_pyfunction!(creations, module)?)
}
