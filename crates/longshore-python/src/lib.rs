//! The native module behind the `longshore` package: a table of functions and classes.
//!
//! Each function turns its Python arguments into an engine call, and the call's result into a Python object. What the
//! arguments default to, what they are called and what they mean is decided in Python, in `python/longshore`.
//!
//! Every operation is one function for both worlds: its first argument, `how`, says whether to block or to complete an
//! `asyncio` future (see `call`).

mod arguments;
mod buffers;
mod call;
mod command_line;
mod datasets;
mod errors;
mod landing;
mod manage;
mod objects;
mod obs;
mod process;
mod server;
mod stores;

use pyo3::prelude::*;

// PyO3 would say of a version-specific build that it runs without the GIL, which no test of ours has shown.
#[pymodule(gil_used = true)]
mod _native {
    use pyo3::prelude::*;

    /// Registers the fork handlers, while no other thread can be forking. Starts nothing.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        longshore_runtime::fork::generation();
        longshore_store::import_exceptions_from("longshore.exceptions");
        longshore_store::name_classes(module.py(), "longshore._native")?;
        longshore_bytes::register(module, "longshore")
    }

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "it is Python's name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    use longshore_runtime::Bridge;

    #[pymodule_export]
    use crate::buffers::{get_buffer, get_many_buffers};
    #[pymodule_export]
    use crate::command_line::cli;
    #[pymodule_export]
    use crate::datasets::{put, read_npz};
    #[pymodule_export]
    use crate::manage::{copy, create_bucket, delete, exists, head, list};
    #[pymodule_export]
    use crate::objects::{get, get_many, get_many_stats, put_bytes, put_many};
    #[pymodule_export]
    use crate::obs::answer::Answer;
    #[pymodule_export]
    use crate::obs::arrow::RecordBatch;
    #[pymodule_export]
    use crate::obs::files::{Reader, store_reader};
    #[pymodule_export]
    use crate::obs::listing::{Listing, store_list, store_list_with_delimiter};
    #[pymodule_export]
    use crate::obs::managing::{store_copy, store_delete, store_rename, store_sign};
    #[pymodule_export]
    use crate::obs::reading::{store_get, store_get_range, store_get_ranges, store_head};
    #[pymodule_export]
    use crate::obs::writing::{Writer, store_put, store_put_file, store_writer};
    #[pymodule_export]
    use crate::process::{configure, doctor};
    #[pymodule_export]
    use crate::server::Gateway;
    #[pymodule_export]
    use crate::stores::{store_for, use_store_class};
    #[pymodule_export]
    use longshore_store::{
        PyAzureStore, PyGCSStore, PyHttpStore, PyLocalStore, PyMemoryStore, PyS3Store, Store, export_store, from_url,
    };
}
