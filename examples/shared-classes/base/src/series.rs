//! The class `Series`. It is frozen, so its numbers can be lent: to other modules by `cast`, and to NumPy by the buffer protocol.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicIsize, Ordering};

use longshore_share::export_shared;
use pyo3::exceptions::{PyBufferError, PyIndexError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use series_core::{Samples, SeriesBase};

static LIVE: AtomicIsize = AtomicIsize::new(0);

/// How many objects there are.
#[pyfunction]
pub(crate) fn live() -> isize {
    LIVE.load(Ordering::Relaxed)
}

/// Numbers at equal distances, with a label.
#[pyclass(frozen, subclass, name = "Series", module = "series_base")]
pub(crate) struct PySeries {
    samples: Samples,
    label: String,
    // What the buffer protocol asks for beside the numbers.
    shape: [ffi::Py_ssize_t; 1],
}

export_shared!(PySeries as series_core::Series);

impl PySeries {
    fn make(samples: Samples, label: String) -> PyResult<Self> {
        if !(samples.step.is_finite() && samples.step > 0.0) {
            return Err(PyValueError::new_err(format!("a series goes on by a positive step, not by {}", samples.step)));
        }
        LIVE.fetch_add(1, Ordering::Relaxed);
        // No vector of numbers has more than `isize::MAX` bytes.
        let shape = [samples.values.len().cast_signed()];
        Ok(Self { samples, label, shape })
    }

    fn value(&self, index: usize) -> PyResult<f64> {
        let count = self.samples.values.len();
        let error = || PyIndexError::new_err(format!("there is no number {index} in a series of {count}"));
        self.samples.values.get(index).copied().ok_or_else(error)
    }
}

impl Drop for PySeries {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SeriesBase for PySeries {
    type Error = PyErr;

    fn create(data: Samples) -> PyResult<Self> {
        Self::make(data, String::new())
    }

    fn lend(&self) -> &Samples {
        &self.samples
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    fn labelled(&self, label: &str) -> PyResult<Self> {
        Self::make(self.samples.clone(), label.to_owned())
    }

    fn at(&self, index: usize) -> PyResult<f64> {
        self.value(index)
    }
}

#[pymethods]
impl PySeries {
    #[new]
    #[pyo3(signature = (values, *, start = 0.0, step = 1.0, label = String::new()))]
    fn new(values: Vec<f64>, start: f64, step: f64, label: String) -> PyResult<Self> {
        Self::make(Samples { values: values.into(), start, step }, label)
    }

    #[getter]
    fn start(&self) -> f64 {
        self.samples.start
    }

    #[getter]
    fn step(&self) -> f64 {
        self.samples.step
    }

    #[getter(label)]
    fn py_label(&self) -> &str {
        &self.label
    }

    /// Where the numbers are in memory.
    #[getter]
    fn address(&self) -> usize {
        self.samples.values.as_ptr().addr()
    }

    fn __len__(&self) -> usize {
        self.samples.values.len()
    }

    fn __getitem__(&self, index: usize) -> PyResult<f64> {
        self.value(index)
    }

    fn __repr__(&self) -> String {
        let Samples { values, start, step } = &self.samples;
        format!("Series({} numbers, start={start}, step={step}, label={:?})", values.len(), self.label)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Series cannot be pickled: pickle numpy.asarray(series), and its start and step"))
    }

    /// Lends the numbers to NumPy and whoever else asks for a buffer: read-only, and where they are.
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("there is no view to fill"));
        }
        if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
            return Err(PyBufferError::new_err("a Series does not change; ask for a read-only buffer"));
        }
        const ITEM: ffi::Py_ssize_t = size_of::<f64>().cast_signed();
        static STRIDES: [ffi::Py_ssize_t; 1] = [ITEM];
        let series = slf.get();
        let asked = |flag: c_int| flags & flag == flag;
        // SAFETY: Python gives a view to fill. The object that is kept in it holds the numbers and the shape, which do not change.
        unsafe {
            *view = ffi::Py_buffer {
                buf: series.samples.values.as_ptr().cast_mut().cast::<c_void>(),
                obj: slf.clone().into_any().unbind().into_ptr(),
                len: series.shape[0] * ITEM,
                itemsize: ITEM,
                readonly: 1,
                ndim: 1,
                format: if asked(ffi::PyBUF_FORMAT) { c"d".as_ptr().cast_mut() } else { std::ptr::null_mut() },
                shape: if asked(ffi::PyBUF_ND) { series.shape.as_ptr().cast_mut() } else { std::ptr::null_mut() },
                strides: if asked(ffi::PyBUF_STRIDES) { STRIDES.as_ptr().cast_mut() } else { std::ptr::null_mut() },
                suboffsets: std::ptr::null_mut(),
                internal: std::ptr::null_mut(),
            };
        }
        Ok(())
    }
}
