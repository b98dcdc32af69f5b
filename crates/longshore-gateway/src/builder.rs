//! Describes a gateway before it runs.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use s3s::auth::SecretKey;
use s3s::service::S3ServiceBuilder;

use crate::buckets::Buckets;
use crate::connection::Shared;
use crate::door::{Door, Keys};
use crate::gateway::Gateway;
use crate::service::Service;
use crate::shelf::Shelf;
use crate::stats::Counters;
use crate::unreadable::Unreadable;

/// Worker threads, unless told otherwise; fewer on a smaller machine.
const THREADS: usize = 4;

/// What a [`Gateway`] serves, where, and to whom.
///
/// It serves memory on a free port of the loopback interface unless told otherwise. Whom it serves must be said: with
/// neither [`credentials`](Self::credentials) nor [`anonymous`](Self::anonymous), [`start`](Self::start) fails.
#[derive(Debug)]
#[must_use]
pub struct GatewayBuilder {
    source: Source,
    keys: HashMap<String, SecretKey>,
    anonymous: bool,
    region: String,
    address: SocketAddr,
    threads: Option<usize>,
}

#[derive(Debug)]
enum Source {
    Store(Arc<dyn ObjectStore>),
    Folder(PathBuf),
}

impl Default for GatewayBuilder {
    fn default() -> Self {
        Self {
            source: Source::Store(Arc::new(InMemory::new())),
            keys: HashMap::new(),
            anonymous: false,
            region: "us-east-1".to_owned(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            threads: None,
        }
    }
}

impl GatewayBuilder {
    /// Serves any store. A bucket is a first-level prefix of it, and what the gateway keeps for itself lies under
    /// `.longshore/`. For local files prefer [`folder`](Self::folder), which can hold every key.
    pub fn store(mut self, store: Arc<dyn ObjectStore>) -> Self {
        self.source = Source::Store(store);
        self
    }

    /// Serves a new, empty store in memory.
    pub fn memory(self) -> Self {
        self.store(Arc::new(InMemory::new()))
    }

    /// Serves a folder, made if missing. Each sub-folder whose name can be a bucket's is a bucket; creating a bucket makes
    /// the sub-folder and deleting it removes it. What the gateway keeps for itself lies in the sub-folder `.longshore`.
    /// Symbolic links inside are followed: who puts one there decides what is served.
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.source = Source::Folder(path.into());
        self
    }

    /// Lets requests in that are signed with this key (Signature V4, in a header or presigned); may be called again for
    /// another key.
    pub fn credentials(mut self, access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        self.keys.insert(access_key.into(), SecretKey::from(secret_key.into()));
        self
    }

    /// Lets unsigned requests in, too. A signature that comes with a request is checked all the same.
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// The region that buckets are said to be in; `us-east-1` unless told otherwise. Signatures for any region are accepted.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Where to listen; port 0 takes a free one.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// How many threads serve requests; at most 4, and no more than processors, unless told otherwise.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// Starts serving and returns when connections are accepted.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound or the folder cannot be made, and when nobody would be let in.
    pub fn start(self) -> io::Result<Gateway> {
        if self.keys.is_empty() && !self.anonymous {
            let text = "a gateway needs credentials(..), or anonymous() to serve everybody";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let buckets = match self.source {
            Source::Store(store) => Buckets::in_store(store),
            Source::Folder(path) => Buckets::in_folder(path)?,
        };
        let counters = Arc::new(Counters::default());
        let operations = Service::new(Arc::new(Shelf::new(buckets)), &self.region);
        let mut service = S3ServiceBuilder::new(operations.clone());
        service.set_route(Unreadable::new(operations, self.anonymous, Arc::clone(&counters)));
        service.set_auth(Keys(self.keys));
        service.set_access(Door { anonymous: self.anonymous, counters: Arc::clone(&counters) });
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.unwrap_or(available.min(THREADS));
        Gateway::serve(self.address, threads, Shared::new(service.build(), counters))
    }
}
