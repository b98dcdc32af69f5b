//! A store: its settings, and in each process a live client made from them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use http::HeaderMap;
use longshore_runtime::fork::{self, PerProcess};
use object_store::aws::AwsCredentialProvider;
use object_store::client::HttpClient;
use object_store::local::LocalFileSystem;
use object_store::signer::Signer;
use object_store::{ObjectStore, RetryConfig};

use crate::address::is_near;
use crate::kept::Current;
use crate::local::Folder;
use crate::memory::ForkSafeMemory;
use crate::{
    AzureAccess, AzureSettings, ConfigError, Configured, Encryption, Fetched, GcsAccess, GcsSettings, Location, Route,
    S3Settings, Scheme, WebSettings,
};

/// One store of the process, shared by everyone who has said the same about it.
///
/// Stores whose settings came out equal are equal, and have one live client, whatever was said.
pub struct Store {
    core: Arc<Core>,
    configuration: Vec<Configured>,
    /// Where keys are relative to a part of another store: that store, and what stands before a key there.
    whole: Option<(Arc<Store>, String)>,
}

/// What equal settings have in common.
#[derive(Debug)]
pub(crate) struct Core {
    settings: Settings,
    live: PerProcess<Live>,
}

#[derive(Debug)]
pub(crate) enum Settings {
    S3(Box<S3Settings>),
    Gcs(Box<GcsSettings>),
    Azure(Box<AzureSettings>),
    /// All files, or those below a folder.
    Local(Option<Folder>),
    /// One without a name is reached only by who has it.
    Memory {
        name: Option<String>,
        contents: Arc<ForkSafeMemory>,
    },
    Web(Box<WebSettings>),
    /// Made by somebody else, and as it is.
    Adopted {
        objects: Arc<dyn ObjectStore>,
        /// The process that it may be used in, where it is good for one alone.
        generation: Option<u64>,
    },
}

/// What requests go through. It belongs to one process.
pub struct Live {
    /// The ordinary path to the objects.
    pub objects: Arc<dyn ObjectStore>,
    /// S3's own interface, for what `ObjectStore` has no words for.
    pub s3: Option<S3Access>,
    /// Google's own interface, likewise.
    pub gcs: Option<GcsAccess>,
    /// Azure's own interface, likewise.
    pub azure: Option<AzureAccess>,
    /// The web, likewise.
    pub web: Option<Arc<WebAccess>>,
    /// What makes signed URLs, where the kind of store has them and there is something to sign with.
    pub signer: Option<Arc<dyn Signer>>,
    /// Who knows the credentials that count now.
    pub(crate) credentials: Option<Arc<dyn Current>>,
}

impl Live {
    /// For a store whose requests all go the ordinary path.
    pub(crate) fn of(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, s3: None, gcs: None, azure: None, web: None, signer: None, credentials: None }
    }
}

/// What it takes to ask a web server. Its clients leave redirects to whoever asks.
pub struct WebAccess {
    pub(crate) near: HttpClient,
    pub(crate) far: HttpClient,
    /// Scheme, host and port, without a slash at the end.
    pub origin: String,
    /// The headers of every request to the origin, which are nobody else's business.
    pub headers: HeaderMap,
    /// When to give up.
    pub retry: RetryConfig,
}

impl WebAccess {
    /// The client for `url`: no proxy stands between this machine and itself.
    pub fn client(&self, url: &str) -> &HttpClient {
        if is_near(url) { &self.near } else { &self.far }
    }

    /// Whether `url` is on this machine or its link. Servers there answer whoever is on it.
    pub fn is_near(url: &str) -> bool {
        is_near(url)
    }
}

/// What it takes to send signed S3 requests oneself, over the same pool and with the same credentials.
#[derive(Clone)]
pub struct S3Access {
    /// The pool.
    pub http: HttpClient,
    /// The credentials; `None` sends unsigned requests.
    pub credentials: Option<AwsCredentialProvider>,
    /// When keys that had to be fetched end, in seconds since 1970. Zero where that is not known, or they were given.
    pub keys_until: Arc<AtomicI64>,
    /// The region that requests are signed for.
    pub region: String,
    /// The service's address, without a slash at its end.
    pub service_url: String,
    /// The bucket's address, without a slash at its end.
    pub bucket_url: String,
    /// Whether signatures cover bodies.
    pub sign_payload: bool,
    /// Whether the server cannot delete many objects with one request.
    pub single_deletes: bool,
    /// Whether the tags of what is written are left out.
    pub untagged: bool,
    /// Whether requests carry `x-amz-request-payer`.
    pub request_payer: bool,
    /// The content type of what is written, where nothing else is said.
    pub content_type: Option<String>,
    /// The checksum that goes with a body: `sha256` or `crc64nvme`.
    pub checksum: Option<&'static str>,
    /// How objects are encrypted.
    pub encryption: Encryption,
    /// When to give up.
    pub retry: RetryConfig,
}

impl Store {
    pub(crate) fn new(core: Arc<Core>, configuration: Vec<Configured>, whole: Option<(Arc<Store>, String)>) -> Self {
        Self { core, configuration, whole }
    }

    /// What keyword, URI and variables said and what counts, in the order of names: of secrets the real values. An equal store
    /// is opened by saying the same again.
    pub fn configuration(&self) -> &[Configured] {
        &self.configuration
    }

    /// Where keys are relative to a folder or a path: the store of all files or of the whole server, and what stands before a key
    /// there. The engine works on that store.
    pub fn whole(&self) -> Option<(&Arc<Store>, &str)> {
        self.whole.as_ref().map(|(store, prefix)| (store, &**prefix))
    }

    /// The folder that keys are relative to, where there is one.
    pub fn root(&self) -> Option<&Path> {
        match &self.core.settings {
            Settings::Local(Some(folder)) => Some(&folder.path),
            _ => None,
        }
    }

    /// Whether folders that a deletion leaves empty are to be deleted as well.
    pub fn automatic_cleanup(&self) -> bool {
        matches!(&self.core.settings, Settings::Local(Some(folder)) if folder.automatic_cleanup)
    }

    /// The credentials that count now, fetched where that is needed; `None` where requests have none.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Credentials`] where nobody gives any, and whatever [`live`](Self::live) fails with.
    pub async fn credentials(&self) -> Result<Option<Fetched>, ConfigError> {
        match &self.live()?.credentials {
            Some(current) => Ok(Some(current.current().await?)),
            None => Ok(None),
        }
    }

    /// The kind of store.
    pub fn scheme(&self) -> Scheme {
        match self.core.settings {
            Settings::S3(_) => Scheme::S3,
            Settings::Gcs(_) => Scheme::Gcs,
            Settings::Azure(_) => Scheme::Azure,
            Settings::Local(_) => Scheme::File,
            Settings::Memory { .. } => Scheme::Memory,
            Settings::Web(_) => Scheme::Http,
            Settings::Adopted { .. } => Scheme::Other,
        }
    }

    /// The bucket; empty where the kind of store has none. For the web it is the origin, as `https://host`.
    pub fn bucket(&self) -> &str {
        match &self.core.settings {
            Settings::S3(settings) => settings.bucket(),
            Settings::Gcs(settings) => settings.bucket(),
            Settings::Azure(settings) => settings.container(),
            Settings::Local(_) | Settings::Adopted { .. } => "",
            Settings::Memory { name, .. } => name.as_deref().unwrap_or_default(),
            Settings::Web(settings) => settings.origin(),
        }
    }

    /// The settings of an S3 store.
    pub fn s3_settings(&self) -> Option<&S3Settings> {
        match &self.core.settings {
            Settings::S3(settings) => Some(settings),
            _ => None,
        }
    }

    /// Where requests go, for a store that is reached over a network.
    pub fn route(&self) -> Option<Route> {
        match &self.core.settings {
            Settings::S3(settings) => settings.route(),
            Settings::Gcs(settings) => settings.route(),
            Settings::Azure(settings) => settings.route(),
            Settings::Web(settings) => settings.route(),
            Settings::Local(_) | Settings::Memory { .. } | Settings::Adopted { .. } => None,
        }
    }

    /// The settings of a Google store.
    pub fn gcs_settings(&self) -> Option<&GcsSettings> {
        match &self.core.settings {
            Settings::Gcs(settings) => Some(settings),
            _ => None,
        }
    }

    /// The settings of an Azure store.
    pub fn azure_settings(&self) -> Option<&AzureSettings> {
        match &self.core.settings {
            Settings::Azure(settings) => Some(settings),
            _ => None,
        }
    }

    /// The settings of a web store.
    pub fn web_settings(&self) -> Option<&WebSettings> {
        match &self.core.settings {
            Settings::Web(settings) => Some(settings),
            _ => None,
        }
    }

    /// Whether `location` is in this store, as far as the location says.
    pub fn holds(&self, location: &Location) -> bool {
        let account = match (&self.core.settings, location.account()) {
            (Settings::Azure(settings), Some(account)) => settings.account() == account,
            // Keys are relative to something, or nobody can name the store.
            _ if self.whole.is_some() => false,
            (Settings::Memory { name: None, .. } | Settings::Adopted { .. }, _) => false,
            _ => true,
        };
        account && (self.scheme(), self.bucket()) == (location.scheme(), location.bucket())
    }

    /// Whether server and credentials of both stores are the same, so that the server can copy from one to the other.
    pub fn same_service(&self, other: &Self) -> bool {
        match (&self.core.settings, &other.core.settings) {
            (Settings::S3(from), Settings::S3(to)) => from.same_service(to),
            (Settings::Gcs(from), Settings::Gcs(to)) => from.same_service(to),
            (Settings::Azure(from), Settings::Azure(to)) => from.same_service(to),
            _ => false,
        }
    }

    /// Whether one key names one object in both, as far as settings tell: who asks, and from where, makes no difference.
    pub fn same_bucket(&self, other: &Self) -> bool {
        if (self.scheme(), self.bucket()) != (other.scheme(), other.bucket()) {
            return false;
        }
        match (&self.core.settings, &other.core.settings) {
            (Settings::S3(one), Settings::S3(two)) => of_others(one.endpoint()) == of_others(two.endpoint()),
            (Settings::Gcs(one), Settings::Gcs(two)) => one.endpoint() == two.endpoint(),
            (Settings::Azure(one), Settings::Azure(two)) => one.account() == two.account(),
            (Settings::Local(one), Settings::Local(two)) => {
                one.as_ref().map(|folder| &folder.path) == two.as_ref().map(|folder| &folder.path)
            }
            (Settings::Web(one), Settings::Web(two)) => one.base() == two.base(),
            (Settings::Memory { contents: one, .. }, Settings::Memory { contents: two, .. }) => Arc::ptr_eq(one, two),
            (Settings::Adopted { objects: one, .. }, Settings::Adopted { objects: two, .. }) => Arc::ptr_eq(one, two),
            _ => true,
        }
    }

    /// Whether a body that was written stays in memory as it was handed over, instead of being sent or copied.
    pub fn keeps_bodies(&self) -> bool {
        // What somebody else made may keep them, for all that is known.
        matches!(self.core.settings, Settings::Memory { .. } | Settings::Adopted { .. })
    }

    /// The live client of this process. Made at first use, and again in a forked child.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Store`] where no client can be made from the settings, and [`ConfigError::Inherited`] in a forked child for a
    /// store that somebody else made in the parent.
    pub fn live(&self) -> Result<&Live, ConfigError> {
        self.core.live.get_or_try_make(|| match &self.core.settings {
            Settings::S3(settings) => settings.connect(),
            Settings::Gcs(settings) => settings.connect(),
            Settings::Azure(settings) => settings.connect(),
            Settings::Local(None) => Ok(Live::of(Arc::new(LocalFileSystem::new()))),
            Settings::Local(Some(folder)) => Ok(Live::of(Arc::new(folder.connect()?))),
            Settings::Memory { contents, .. } => Ok(Live::of(Arc::clone(contents) as _)),
            Settings::Web(settings) => settings.connect(),
            Settings::Adopted { generation: Some(generation), .. } if *generation != fork::generation() => {
                Err(ConfigError::Inherited)
            }
            Settings::Adopted { objects, .. } => Ok(Live::of(Arc::clone(objects))),
        })
    }
}

impl Core {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, live: PerProcess::new() }
    }
}

/// Equal settings are one store, whoever said them.
impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}

impl Eq for Store {}

impl Hash for Store {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.core).hash(state);
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("settings", &self.core.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({})", self.objects)
    }
}

/// An S3 endpoint that is not AWS. AWS has many, and every bucket is in all of them.
fn of_others(endpoint: Option<&str>) -> Option<&str> {
    let endpoint = endpoint?.trim_end_matches('/');
    let (_, rest) = endpoint.split_once("://").unwrap_or(("", endpoint));
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    (!host.ends_with(".amazonaws.com") && !host.ends_with(".amazonaws.com.cn")).then_some(endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_of_aws_is_aws() {
        for endpoint in
            ["https://s3.eu-west-1.amazonaws.com", "https://s3.amazonaws.com:443/", "s3.cn-north-1.amazonaws.com.cn"]
        {
            assert_eq!(of_others(Some(endpoint)), None, "{endpoint}");
        }
        assert_eq!(of_others(Some("http://127.0.0.1:9000/")), Some("http://127.0.0.1:9000"));
        assert!(of_others(Some("https://amazonaws.com.example")).is_some() && of_others(None).is_none());
    }
}
