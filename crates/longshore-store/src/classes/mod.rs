//! The store classes, one for each kind of store.

mod azure;
mod gcs;
mod http;
mod local;
mod memory;
mod s3;
mod url;

pub use azure::PyAzureStore;
pub use gcs::PyGCSStore;
pub use http::PyHttpStore;
pub use local::PyLocalStore;
pub use memory::PyMemoryStore;
pub use s3::PyS3Store;
pub use url::from_url;

use std::sync::Arc;

use longshore_config::{Environment, open_bucket};
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::error::config_error;
use crate::given::{Arguments, text};
use crate::store::{Inner, Kind, Store};

/// What a class adds to [`Store`]: its name, and a copy of what it is.
macro_rules! store_class {
    ($name:ident) => {
        impl $name {
            /// The store as Rust uses it, with its prefix, for whoever polls it.
            pub fn into_inner(self) -> std::sync::Arc<crate::MaybePrefixedStore<crate::OnRuntime>> {
                std::sync::Arc::clone(&self.0.objects)
            }

            pub(crate) fn made(
                inner: std::sync::Arc<crate::store::Inner>,
            ) -> pyo3::pyclass_init::PyClassInitializer<Self> {
                let base = crate::store::Store(std::sync::Arc::clone(&inner));
                pyo3::pyclass_init::PyClassInitializer::from(base).add_subclass(Self(inner))
            }
        }

        impl<'py> pyo3::IntoPyObject<'py> for $name {
            type Target = pyo3::PyAny;
            type Output = pyo3::Bound<'py, pyo3::PyAny>;
            type Error = pyo3::PyErr;

            fn into_pyobject(self, py: pyo3::Python<'py>) -> pyo3::PyResult<Self::Output> {
                crate::store::wrap(&crate::store::class_of(py, self.0.kind), self.0)
            }
        }

        impl AsRef<std::sync::Arc<crate::MaybePrefixedStore<crate::OnRuntime>>> for $name {
            fn as_ref(&self) -> &std::sync::Arc<crate::MaybePrefixedStore<crate::OnRuntime>> {
                &self.0.objects
            }
        }
    };
}
pub(crate) use store_class;

/// The native class of a kind of store.
pub(crate) fn native(py: Python<'_>, kind: Kind) -> Bound<'_, PyType> {
    match kind {
        Kind::S3 => py.get_type::<PyS3Store>(),
        Kind::Gcs => py.get_type::<PyGCSStore>(),
        Kind::Azure => py.get_type::<PyAzureStore>(),
        Kind::Http => py.get_type::<PyHttpStore>(),
        Kind::Local => py.get_type::<PyLocalStore>(),
        Kind::Memory => py.get_type::<PyMemoryStore>(),
        Kind::Other => py.get_type::<Store>(),
    }
}

/// The kind of store that `class` makes.
pub(crate) fn kind_of(class: &Bound<'_, PyType>) -> PyResult<Kind> {
    for kind in Kind::ALL {
        if class.is_subclass(&native(class.py(), kind))? {
            return Ok(kind);
        }
    }
    Ok(Kind::Other)
}

/// A store of a bucket, as its constructor's arguments and the environment describe it.
fn bucket_store(
    py: Python<'_>,
    kind: Kind,
    bucket: Option<&Bound<'_, PyAny>>,
    arguments: Arguments<'_>,
) -> PyResult<Arc<Inner>> {
    let given = arguments.read(py, kind.name(), kind.cloud())?;
    let bucket = bucket.map(|bucket| text(py, &format!("{}: the bucket", kind.name()), bucket)).transpose()?;
    let handle = open_bucket(kind.scheme(), bucket.as_deref(), given.options, &Environment::read())
        .map_err(|error| config_error(py, Some(kind.name()), &error))?;
    Ok(Arc::new(Inner { provider: given.provider, ..Inner::new(kind, handle).with_prefix(given.prefix) }))
}
