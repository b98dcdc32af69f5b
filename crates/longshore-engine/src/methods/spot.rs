//! Where an object is, and which way leads there.

use std::fmt;
use std::sync::Arc;

use longshore_config::{S3Access, Scheme, Store, masked};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::error::{Context, Error};
use crate::object::{Object, path, require_path, require_writable};

/// A store to do something in.
#[derive(Clone)]
pub enum Place {
    /// One of ours.
    Own(Arc<Store>),
    /// Somebody else's, of which nothing is known but that it is an `ObjectStore`.
    Foreign(Arc<dyn ObjectStore>),
}

impl Place {
    pub(crate) fn scheme(&self) -> Option<Scheme> {
        match self {
            Self::Own(store) => Some(store.scheme()),
            Self::Foreign(_) => None,
        }
    }

    /// Whether what was written stays in memory as it was handed over.
    pub fn keeps_bodies(&self) -> bool {
        match self {
            Self::Own(store) => store.keeps_bodies(),
            // It might be somebody's store in memory.
            Self::Foreign(_) => true,
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(store) => write!(f, "Place({}://{})", store.scheme().name(), masked(store.bucket())),
            Self::Foreign(_) => write!(f, "Place(somebody else's)"),
        }
    }
}

/// A key in a store. Whether there is such an object is not known.
#[derive(Clone)]
pub struct Spot {
    /// The store.
    pub place: Place,
    /// The object's key, escapes undone.
    pub key: String,
    /// How errors name it.
    pub uri: Arc<str>,
}

impl fmt::Debug for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spot({:?})", masked(&self.uri))
    }
}

/// How one key is reached.
pub(crate) enum Way<'a> {
    /// By system calls.
    File,
    /// By our own requests to a web server.
    Web,
    /// By our own requests to S3, because no path of `object_store` spells this key.
    S3(&'a S3Access),
    /// By `object_store`. The flag says whether its objects are in this process's memory.
    Path(&'a Arc<dyn ObjectStore>, Path, bool),
}

impl Spot {
    /// The same as the bulk functions know it. Only where the store is ours.
    pub(crate) fn object(&self) -> Option<Object> {
        match &self.place {
            Place::Own(store) => {
                Some(Object { store: Arc::clone(store), key: self.key.clone(), uri: Arc::clone(&self.uri) })
            }
            Place::Foreign(_) => None,
        }
    }

    pub(crate) fn context(&self, operation: &'static str) -> Context {
        Context::new(operation, &*self.uri)
    }

    pub(crate) fn way(&self, context: &Context) -> Result<Way<'_>, Error> {
        let store = match &self.place {
            Place::Foreign(objects) => return Ok(Way::Path(objects, require_path(&self.key, context)?, false)),
            Place::Own(store) if store.scheme() == Scheme::File => return Ok(Way::File),
            Place::Own(store) => store,
        };
        let live = store.live().map_err(|error| context.config_error(error))?;
        if live.web.is_some() {
            return Ok(Way::Web);
        }
        match (path(&self.key), &live.s3) {
            (None, Some(access)) => Ok(Way::S3(access)),
            (Some(path), _) => Ok(Way::Path(&live.objects, path, store.keeps_bodies())),
            (None, None) => Err(require_path(&self.key, context).err().unwrap_or_else(|| unspelled(context))),
        }
    }

    /// As [`way`](Self::way), to write.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) where nothing can be written.
    pub(crate) fn way_to_write(&self, context: &Context) -> Result<Way<'_>, Error> {
        if let Place::Own(store) = &self.place {
            require_writable(store, context)?;
        }
        self.way(context)
    }
}

fn unspelled(context: &Context) -> Error {
    context.error(crate::ErrorKind::InvalidPath, "this kind of store cannot hold the key")
}
