//! Listings as Arrow record batches, for whatever speaks the Arrow PyCapsule interface. No Arrow library is needed here.
//!
//! `columns` lays the rows out as Arrow's columnar format has them, `interface` hands them over as its C data interface says.

mod columns;
mod interface;

use std::sync::Arc;

use longshore_engine::Metadata;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use columns::Columns;

/// Rows of a listing, column by column.
#[pyclass(frozen, weakref, module = "longshore.obs")]
pub(crate) struct RecordBatch(Arc<Columns>);

impl RecordBatch {
    /// # Errors
    ///
    /// There is more text than one column can hold.
    pub(super) fn of(py: Python<'_>, found: Vec<Metadata>) -> PyResult<Self> {
        // Other threads go on meanwhile.
        let columns = py.detach(|| Columns::of(found));
        columns.map(|columns| Self(Arc::new(columns))).ok_or_else(|| {
            pyo3::exceptions::PyOverflowError::new_err(
                "the keys of this listing are longer together than one Arrow column can hold; take it in chunks",
            )
        })
    }
}

#[pymethods]
impl RecordBatch {
    /// How many objects these are.
    #[getter]
    fn num_rows(&self) -> usize {
        self.0.rows()
    }

    /// How many columns they have.
    #[getter]
    fn num_columns(&self) -> usize {
        columns::FIELDS.len()
    }

    /// What the columns are called.
    #[getter]
    fn column_names(&self) -> Vec<&'static str> {
        columns::FIELDS.iter().filter_map(|field| field.name.to_str().ok()).collect()
    }

    fn __len__(&self) -> usize {
        self.0.rows()
    }

    fn __repr__(&self) -> String {
        format!("RecordBatch(num_rows={}, columns={:?})", self.0.rows(), self.column_names())
    }

    /// The schema, in a capsule.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        interface::schema(py)
    }

    /// Schema and rows, each in a capsule. Nothing is copied, and nobody is asked to change the schema.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The protocol lets a producer that cannot convert give what it has.
        drop(requested_schema);
        Ok((interface::schema(py)?, interface::array(py, &self.0)?))
    }

    /// The same as a stream of one batch, for what takes tables.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        interface::stream(py, &self.0)
    }
}
