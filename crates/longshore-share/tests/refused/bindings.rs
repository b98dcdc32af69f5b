//! What is shared of PyO3's classes.

use longshore_share::{export_shared, import_shared};
use pyo3::prelude::*;

longshore_share::shared_class! {
    module = "base";
    abi = 1;
    pub class Lent;
    lend pub struct Data { pub x: f64 }
}

longshore_share::shared_class! {
    module = "base";
    abi = 1;
    pub class Set;
    field x: f64;
}

longshore_share::shared_class! {
    module = "base";
    abi = 1;
    pub class Unstable;
    lend pub struct Names { pub names: Vec<f64> }
}

#[pyclass]
struct PyLent {
    data: Data,
}

impl LentBase for PyLent {
    type Error = PyErr;

    fn create(data: Data) -> PyResult<Self> {
        Ok(Self { data })
    }

    fn lend(&self) -> &Data {
        &self.data
    }
}

export_shared!(PyLent as Lent);

#[pyclass(frozen)]
struct PySet {
    x: f64,
}

impl SetBase for PySet {
    type Error = PyErr;

    fn x(&self) -> f64 {
        self.x
    }

    fn set_x(&mut self, value: f64) {
        self.x = value;
    }
}

export_shared!(PySet as Set);

import_shared!(Set, pyo3 = "0.19");
import_shared!(Set as Imported, pyo3 = "0.19");

fn main() {}
