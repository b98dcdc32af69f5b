//! One object: a store, a key, and the URI that a person knows it by.

use std::fmt;
use std::sync::Arc;

use longshore_config::{Live, Scheme, Store, masked};
use object_store::path::Path;

use crate::error::{Context, Error, ErrorKind};

/// A key in a store. Whether there is such an object is not known.
#[derive(Clone)]
pub struct Object {
    /// Where it lives.
    pub store: Arc<Store>,
    /// Its key, escapes undone.
    pub key: String,
    /// How errors and results name it.
    pub uri: Arc<str>,
}

impl Object {
    pub(crate) fn context(&self, operation: &'static str) -> Context {
        Context::new(operation, &*self.uri)
    }

    pub(crate) fn live(&self, context: &Context) -> Result<&Live, Error> {
        self.store.live().map_err(|error| context.config_error(error))
    }
}

/// The URI as it may be shown: the key of a web object can hold a secret as well.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({:?})", masked(&self.uri))
    }
}

/// # Errors
///
/// [`ErrorKind::NotSupported`] where `store` is one that nothing can be written to. Asked before anything is sent.
pub(crate) fn require_writable(store: &Store, context: &Context) -> Result<(), Error> {
    if store.scheme() != Scheme::Http {
        return Ok(());
    }
    let reason = format!("{} is not supported: http:// and https:// are read-only", context.operation);
    Err(context.error(ErrorKind::NotSupported, reason))
}

/// The key as `object_store` writes it, if it can: that crate drops slashes at either end and refuses empty segments.
/// S3 holds such keys all the same, and our own requests reach them.
pub(crate) fn path(key: &str) -> Option<Path> {
    Path::parse(key).ok().filter(|path| path.as_ref() == key)
}

/// For a store that has no way around [`path`].
pub(crate) fn require_path(key: &str, context: &Context) -> Result<Path, Error> {
    path(key).ok_or_else(|| {
        let reason = match Path::parse(key) {
            Err(object_store::path::Error::EmptySegment { .. }) => "an empty segment".to_owned(),
            Err(object_store::path::Error::BadSegment { source, .. }) => source.to_string(),
            Err(error) => error.to_string(),
            Ok(_) => "a slash at an end".to_owned(),
        };
        context.error(ErrorKind::InvalidPath, format!("this kind of store cannot hold the key: {reason}"))
    })
}
