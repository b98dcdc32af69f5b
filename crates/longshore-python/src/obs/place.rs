//! The store that a call is about, and what its keys are relative to.

use std::sync::Arc;

use longshore_config::{Scheme, Store as Handle};
use longshore_engine::{Context, Place, Spot};
use longshore_store::received;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arguments::text;
use crate::errors::{invalid, raise, wrong_type};

/// A store as the caller knows it.
#[derive(Clone)]
pub(super) struct Where {
    pub(super) place: Place,
    /// What stands before the caller's keys; empty, or with a slash at its end.
    prefix: String,
    /// What stands before whole keys in a URI.
    root: String,
    /// Whether folders that a delete leaves empty are taken away, and which one stays.
    pub(super) tidy: Option<String>,
}

impl Where {
    /// # Errors
    ///
    /// An `ArgumentTypeError` for what is no store; what a store of another module raises; and where no client can be made for it.
    pub(super) fn of(store: &Bound<'_, PyAny>, operation: &'static str) -> PyResult<Self> {
        let py = store.py();
        let Some(store) = received(store)? else {
            let found = store.get_type().name().map_or_else(|_| String::new(), |name| name.to_string());
            let wanted = "store must be a store of this package, or have a method __object_store_capsule__";
            return Err(wrong_type(py, &format!("{wanted}, not {found}")));
        };
        let tidies = store.getattr("automatic_cleanup").is_ok_and(|tidies| tidies.is_truthy().unwrap_or(false));
        let store = store.get();
        let mut prefix = store.prefix().map(|prefix| format!("{prefix}/")).unwrap_or_default();
        if let Some(objects) = store.foreign() {
            let context = Context::new(operation, "store:///");
            store.handle().live().map_err(|error| raise(py, &context.config_error(error)))?;
            return Ok(Self {
                place: Place::Foreign(Arc::clone(objects)),
                prefix,
                root: "store:///".to_owned(),
                tidy: None,
            });
        }
        let mut handle = store.handle();
        let mut tidy = tidies.then(String::new);
        if let Some((whole, before)) = handle.whole() {
            tidy = tidy.map(|_| before.to_owned());
            prefix.insert_str(0, before);
            handle = whole;
        }
        let root = root_of(handle);
        // Made here, attached, because a new client reads the environment.
        handle.live().map_err(|error| raise(py, &Context::new(operation, &*root).config_error(error)))?;
        Ok(Self { place: Place::Own(Arc::clone(handle)), prefix, root, tidy })
    }

    /// The object that the caller calls `key`.
    ///
    /// # Errors
    ///
    /// An `ArgumentTypeError` for what is no text, and an `InvalidArgumentError` for none: a request about no key is one about the
    /// whole bucket.
    pub(super) fn spot(&self, name: &str, key: &Bound<'_, PyAny>) -> PyResult<Spot> {
        let given = text(name, key)?;
        if given.is_empty() {
            return Err(invalid(key.py(), &format!("{name} is empty; the key of an object is not")));
        }
        let key = self.whole(&given);
        Ok(Spot { place: self.place.clone(), uri: self.uri(&key).into(), key })
    }

    /// The object, or each of the objects, that the caller names. The flag says whether it was one.
    pub(super) fn spots(&self, name: &str, keys: &Bound<'_, PyAny>) -> PyResult<(Vec<Spot>, bool)> {
        if keys.is_instance_of::<PyString>() {
            return Ok((vec![self.spot(name, keys)?], true));
        }
        let py = keys.py();
        let wanted = || wrong_type(py, &format!("{name} must be a str or a sequence of str"));
        let keys = keys.try_iter().map_err(|_| wanted())?;
        let spots = keys.enumerate().map(|(index, key)| self.spot(&format!("{name}[{index}]"), &key?));
        Ok((spots.collect::<PyResult<_>>()?, false))
    }

    /// A key as the store has it.
    pub(super) fn whole(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// A key as the caller has it.
    pub(super) fn stripped(&self, mut key: String) -> String {
        if key.starts_with(&self.prefix) {
            key.drain(..self.prefix.len());
        }
        key
    }

    /// How errors name a whole key.
    pub(super) fn uri(&self, key: &str) -> String {
        format!("{}{key}", self.root)
    }
}

fn root_of(store: &Handle) -> String {
    match store.scheme() {
        Scheme::Http => format!("{}/", store.bucket()),
        Scheme::File => "file:///".to_owned(),
        scheme => format!("{}://{}/", scheme.name(), store.bucket()),
    }
}
