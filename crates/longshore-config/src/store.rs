//! A store: its settings, and in each process a live client made from them.

use std::fmt;
use std::sync::Arc;

use longshore_runtime::fork::PerProcess;
use object_store::aws::AwsCredentialProvider;
use object_store::client::HttpClient;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, RetryConfig};

use crate::memory::ForkSafeMemory;
use crate::{ConfigError, S3Settings, Scheme};

/// One store of the process, shared by everyone whose settings are equal.
#[derive(Debug)]
pub struct Store {
    settings: Settings,
    live: PerProcess<Live>,
}

#[derive(Debug)]
pub(crate) enum Settings {
    S3(Box<S3Settings>),
    Local,
    Memory { name: String, contents: Arc<ForkSafeMemory> },
}

/// What requests go through. It belongs to one process.
pub struct Live {
    /// The ordinary path to the objects.
    pub objects: Arc<dyn ObjectStore>,
    /// S3's own interface, for what `ObjectStore` has no words for.
    pub s3: Option<S3Access>,
}

/// What it takes to send signed S3 requests oneself, over the same pool and with the same credentials.
#[derive(Clone)]
pub struct S3Access {
    /// The pool.
    pub http: HttpClient,
    /// The credentials; `None` sends unsigned requests.
    pub credentials: Option<AwsCredentialProvider>,
    /// The region that requests are signed for.
    pub region: String,
    /// The service's address, without a slash at its end.
    pub service_url: String,
    /// The bucket's address, without a slash at its end.
    pub bucket_url: String,
    /// Whether signatures cover bodies.
    pub sign_payload: bool,
    /// Whether requests carry `x-amz-request-payer`.
    pub request_payer: bool,
    /// When to give up.
    pub retry: RetryConfig,
}

impl Store {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, live: PerProcess::new() }
    }

    /// The kind of store.
    pub fn scheme(&self) -> Scheme {
        match self.settings {
            Settings::S3(_) => Scheme::S3,
            Settings::Local => Scheme::File,
            Settings::Memory { .. } => Scheme::Memory,
        }
    }

    /// The bucket; empty where the kind of store has none.
    pub fn bucket(&self) -> &str {
        match &self.settings {
            Settings::S3(settings) => settings.bucket(),
            Settings::Local => "",
            Settings::Memory { name, .. } => name,
        }
    }

    /// The settings of an S3 store.
    pub fn s3_settings(&self) -> Option<&S3Settings> {
        match &self.settings {
            Settings::S3(settings) => Some(settings),
            _ => None,
        }
    }

    /// Whether a body that was written stays in memory as it was handed over, instead of being sent or copied.
    pub fn keeps_bodies(&self) -> bool {
        matches!(self.settings, Settings::Memory { .. })
    }

    /// The live client of this process. Made at first use, and again in a forked child.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Store`] where no client can be made from the settings.
    pub fn live(&self) -> Result<&Live, ConfigError> {
        self.live.get_or_try_make(|| match &self.settings {
            Settings::S3(settings) => settings.connect(),
            Settings::Local => Ok(Live { objects: Arc::new(LocalFileSystem::new()), s3: None }),
            Settings::Memory { contents, .. } => Ok(Live { objects: Arc::clone(contents) as _, s3: None }),
        })
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({})", self.objects)
    }
}
