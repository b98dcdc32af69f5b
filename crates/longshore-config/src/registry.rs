//! The live stores of the process: equal settings, same store.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use object_store::ObjectStore;

use crate::given::Secret;
use crate::local::Folder;
use crate::store::{Core, Settings};
use crate::{
    AzureSettings, ConfigError, Configured, Context, Environment, GcsSettings, LocalOptions, Location, Options,
    S3Settings, Scheme, Setting, Spec, Store, WebSettings, masked,
};

/// Every store that was opened.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    s3: Kind<S3Settings>,
    gcs: Kind<GcsSettings>,
    azure: Kind<AzureSettings>,
    /// All files, and those below folders.
    local: Kind<Option<Folder>>,
    memory: HashMap<String, Arc<Store>>,
    web: Kind<WebSettings>,
}

/// What was said, without who said it.
type Said = Vec<(&'static str, Secret)>;

/// The stores of one kind: equal settings have one core, and a store for each way in which they were said.
#[derive(Debug)]
struct Kind<S> {
    cores: HashMap<S, Arc<Core>>,
    stores: HashMap<(S, Said), Arc<Store>>,
    /// Those whose credentials somebody brings along. They are kept while they are in use: a program may make a new provider
    /// for each of its calls, and each may have a thread.
    passing: Vec<(S, Said)>,
}

impl<S> Default for Kind<S> {
    fn default() -> Self {
        Self { cores: HashMap::new(), stores: HashMap::new(), passing: Vec::new() }
    }
}

/// What is no longer kept. It is dropped outside the lock, because that may run somebody else's code.
type Gone<S> = Vec<(Option<((S, Said), Arc<Store>)>, Option<(S, Arc<Core>)>)>;

impl<S: Clone + Eq + Hash> Kind<S> {
    /// The store that has these settings, made where there is none yet.
    fn store(
        &mut self,
        (settings, configured): (S, Vec<Configured>),
        kind: impl FnOnce(S) -> Settings,
        whole: Option<(Arc<Store>, String)>,
    ) -> Arc<Store> {
        let said = configured.iter().map(|one| (one.name, Secret::new(&one.value))).collect();
        let key = (settings, said);
        if let Some(store) = self.stores.get(&key) {
            return Arc::clone(store);
        }
        let core = self.cores.entry(key.0.clone());
        let core = Arc::clone(core.or_insert_with(|| Arc::new(Core::new(kind(key.0.clone())))));
        let store = Arc::new(Store::new(core, configured, whole));
        self.stores.insert(key, Arc::clone(&store));
        store
    }

    /// As [`store`](Self::store), for one that is kept while it is in use. Also what is in use no more.
    fn passing(
        &mut self,
        (settings, configured): (S, Vec<Configured>),
        kind: impl FnOnce(S) -> Settings,
    ) -> (Arc<Store>, Gone<S>) {
        let mut gone = Vec::new();
        for key in std::mem::take(&mut self.passing) {
            if self.stores.get(&key).is_some_and(|store| Arc::strong_count(store) > 1) {
                self.passing.push(key);
                continue;
            }
            let store = self.stores.remove_entry(&key);
            // Held by the map, and by the store that goes.
            let alone = self.cores.get(&key.0).is_some_and(|core| Arc::strong_count(core) == 2);
            gone.push((store, if alone { self.cores.remove_entry(&key.0) } else { None }));
        }
        let said = configured.iter().map(|one| (one.name, Secret::new(&one.value))).collect();
        let key = (settings.clone(), said);
        if !self.passing.contains(&key) {
            self.passing.push(key);
        }
        (self.store((settings, configured), kind, None), gone)
    }
}

/// The store that `location` lives in.
///
/// # Errors
///
/// [`ConfigError::UnknownOption`] and [`ConfigError::InvalidOption`]; nothing is connected yet.
pub fn open(location: &Location, options: Options, environment: &Environment) -> Result<Arc<Store>, ConfigError> {
    match location.scheme() {
        Scheme::S3 => open_s3(Some(location.bucket()), options, environment),
        Scheme::Gcs => open_gcs(Some(location.bucket()), options, environment),
        Scheme::Azure => open_azure(Some(location), options, environment),
        Scheme::Http => {
            let said = WebSettings::configure(location.root(), "", location.said(), options, environment)?;
            Ok(with_stores(|stores| stores.web.store(said, web, None)))
        }
        Scheme::File => {
            options.refuse_all("LocalStore")?;
            Ok(with_stores(all_files))
        }
        Scheme::Memory => {
            options.refuse_all("MemoryStore")?;
            let name = location.bucket().to_owned();
            Ok(with_stores(|stores| {
                let store = stores.memory.entry(name.clone());
                Arc::clone(store.or_insert_with(|| in_memory(Some(name))))
            }))
        }
        Scheme::Other => {
            Err(ConfigError::NotSupported { reason: "no URI names a store that somebody else made".into() })
        }
    }
}

/// A store of S3, Google or Azure without a URI: the bucket is `bucket`, or what a keyword or a variable names.
///
/// # Errors
///
/// As [`open`], and [`ConfigError::InvalidOption`] where nobody names a bucket.
pub fn open_bucket(
    scheme: Scheme,
    bucket: Option<&str>,
    mut options: Options,
    environment: &Environment,
) -> Result<Arc<Store>, ConfigError> {
    let mut named = |spec: &Spec| match bucket {
        None => Ok(()),
        Some(bucket) => options.name(spec, bucket),
    };
    match scheme {
        Scheme::S3 => {
            named(&crate::s3::BUCKET)?;
            open_s3(None, options, environment)
        }
        Scheme::Gcs => {
            named(&crate::gcs::BUCKET)?;
            open_gcs(None, options, environment)
        }
        Scheme::Azure => {
            named(&crate::azure::CONTAINER_NAME)?;
            open_azure(None, options, environment)
        }
        Scheme::File | Scheme::Memory | Scheme::Http | Scheme::Other => {
            let reason = format!("{}:// has no buckets; open it by its URI", scheme.name());
            Err(ConfigError::NotSupported { reason })
        }
    }
}

fn open_s3(bucket: Option<&str>, options: Options, environment: &Environment) -> Result<Arc<Store>, ConfigError> {
    let passing = options.is_provided();
    let said = S3Settings::configure(bucket, options, environment)?;
    let kind = |settings| Settings::S3(Box::new(settings));
    Ok(match passing {
        true => with_stores(|stores| stores.s3.passing(said, kind)).0,
        false => with_stores(|stores| stores.s3.store(said, kind, None)),
    })
}

fn open_gcs(bucket: Option<&str>, options: Options, environment: &Environment) -> Result<Arc<Store>, ConfigError> {
    let passing = options.is_provided();
    let said = GcsSettings::configure(bucket, options, environment)?;
    let kind = |settings| Settings::Gcs(Box::new(settings));
    Ok(match passing {
        true => with_stores(|stores| stores.gcs.passing(said, kind)).0,
        false => with_stores(|stores| stores.gcs.store(said, kind, None)),
    })
}

fn open_azure(
    location: Option<&Location>,
    options: Options,
    environment: &Environment,
) -> Result<Arc<Store>, ConfigError> {
    let passing = options.is_provided();
    let said = AzureSettings::configure(location, options, environment)?;
    let kind = |settings| Settings::Azure(Box::new(settings));
    Ok(match passing {
        true => with_stores(|stores| stores.azure.passing(said, kind)).0,
        false => with_stores(|stores| stores.azure.store(said, kind, None)),
    })
}

fn web(settings: WebSettings) -> Settings {
    Settings::Web(Box::new(settings))
}

/// A store of the web whose keys are relative to `url`.
///
/// # Errors
///
/// As [`open`], and [`ConfigError::InvalidUri`] for what is no address, or has a query.
pub fn open_web(url: &str, options: Options, environment: &Environment) -> Result<Arc<Store>, ConfigError> {
    let invalid = |reason: String| ConfigError::InvalidUri { uri: masked(url).into_owned(), reason };
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(&*scheme, "http" | "https") {
        return Err(invalid("this is no address of a web server; write https://host or https://host/path".into()));
    }
    let parts = crate::web::url::parse(&scheme, rest).map_err(invalid)?;
    if parts.key.contains(['?', '*']) {
        let invalid = |reason: &str| ConfigError::InvalidUri { uri: masked(url).into_owned(), reason: reason.into() };
        return Err(invalid("keys follow this address, so that it can hold no query and no wildcard"));
    }
    let base = parts.key.trim_matches('/');
    let configure =
        |base: &str, options| WebSettings::configure(&parts.origin, base, &parts.said, options, environment);
    if base.is_empty() {
        let said = configure("", options)?;
        return Ok(with_stores(|stores| stores.web.store(said, web, None)));
    }
    let (whole, part) = (configure("", options.clone())?, configure(base, options)?);
    Ok(with_stores(|stores| {
        let whole = stores.web.store(whole, web, None);
        stores.web.store(part, web, Some((whole, format!("{base}/"))))
    }))
}

/// A store of the files below a folder.
///
/// # Errors
///
/// [`ConfigError::InvalidOption`] where there is no such folder.
pub fn open_local(options: &LocalOptions) -> Result<Arc<Store>, ConfigError> {
    if options.root.is_none() && !options.automatic_cleanup {
        return Ok(with_stores(all_files));
    }
    let folder = Folder::find(options)?;
    Ok(with_stores(|stores| {
        let whole = (all_files(stores), folder.prefix());
        stores.local.store((Some(folder), Vec::new()), Settings::Local, Some(whole))
    }))
}

/// A memory store of its own, which nobody else reaches by a name.
pub fn open_memory() -> Arc<Store> {
    in_memory(None)
}

/// A store that somebody else made. It is equal to itself alone. In a forked child it is an error: what it holds, such as
/// connections, nobody knows.
pub fn adopt(objects: Arc<dyn ObjectStore>) -> Arc<Store> {
    adopted(objects, Some(Context::process().generation()))
}

/// As [`adopt`], for a store that a forked child may go on using.
pub fn adopt_for_all_processes(objects: Arc<dyn ObjectStore>) -> Arc<Store> {
    adopted(objects, None)
}

fn adopted(objects: Arc<dyn ObjectStore>, generation: Option<u64>) -> Arc<Store> {
    Arc::new(Store::new(Arc::new(Core::new(Settings::Adopted { objects, generation })), Vec::new(), None))
}

fn all_files(stores: &mut Stores) -> Arc<Store> {
    stores.local.store((None, Vec::new()), Settings::Local, None)
}

fn in_memory(name: Option<String>) -> Arc<Store> {
    let core = Core::new(Settings::Memory { name, contents: Arc::default() });
    Arc::new(Store::new(Arc::new(core), Vec::new(), None))
}

/// As [`open`], with every setting that was found on the way and who said it, also where they cannot be used.
pub fn explain(
    location: &Location,
    options: Options,
    environment: &Environment,
) -> (Vec<Setting>, Result<Arc<Store>, ConfigError>) {
    let trail = match location.scheme() {
        Scheme::S3 => S3Settings::explain(location.bucket(), options.clone(), environment).0,
        Scheme::Gcs => GcsSettings::explain(location, options.clone(), environment).0,
        Scheme::Azure => AzureSettings::explain(location, options.clone(), environment).0,
        Scheme::Http => WebSettings::explain(location, options.clone(), environment).0,
        Scheme::File | Scheme::Memory | Scheme::Other => Vec::new(),
    };
    (trail, open(location, options, environment))
}

fn with_stores<T>(ask: impl FnOnce(&mut Stores) -> T) -> T {
    Context::process().stores(ask)
}

/// Opens the stores of one call: the environment is read once, and each bucket is looked up once.
#[derive(Debug, Default)]
pub struct Resolver {
    environment: Option<Environment>,
    /// By [`Location::root`] and the settings that the URI brings along.
    opened: Vec<(String, BTreeMap<&'static str, Secret>, Arc<Store>)>,
}

impl Resolver {
    /// The store that `location` lives in, as the environment describes it.
    ///
    /// # Errors
    ///
    /// As [`open`].
    pub fn open(&mut self, location: &Location) -> Result<Arc<Store>, ConfigError> {
        // Most calls are about one bucket, and the last one is the likeliest.
        let known = self.opened.iter().rev().find(|(root, said, _)| root == location.root() && said == location.said());
        if let Some((.., store)) = known {
            return Ok(Arc::clone(store));
        }
        let environment = self.environment.get_or_insert_with(Environment::read);
        let store = open(location, Options::default(), environment)?;
        self.opened.push((location.root().to_owned(), location.said().clone(), Arc::clone(&store)));
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(uri: &str, options: &[(&str, &str)]) -> Arc<Store> {
        let location = Location::parse(uri).unwrap();
        open(&location, options.iter().copied().collect(), &Environment::default()).unwrap()
    }

    #[test]
    fn equal_settings_share_a_store_and_different_ones_do_not() {
        let keys = [("access_key_id", "k"), ("secret_access_key", "s")];
        let mine = store("s3://one/a", &keys);
        assert!(Arc::ptr_eq(&mine, &store("s3://one/b", &[("aws_access_key_id", "k"), ("secret", "s")])));
        assert!(!Arc::ptr_eq(&mine, &store("s3://two/a", &keys)));
        assert!(!Arc::ptr_eq(&mine, &store("s3://one/a", &[("access_key_id", "k"), ("secret_access_key", "t")])));
        assert!(Arc::ptr_eq(&store("file:///a", &[]), &store("file:///b", &[])));
        assert!(!Arc::ptr_eq(&store("memory://a/", &[]), &store("memory://b/", &[])));
        let web = store("https://h/a", &[]);
        assert!(Arc::ptr_eq(&web, &store("HTTPS://H:443/b?c", &[])));
        assert!(!Arc::ptr_eq(&web, &store("http://h/a", &[])) && web != store("https://me@h/a", &[]));
        assert!(Arc::ptr_eq(&store("https://me@h/a", &[]), &store("https://h/a", &[("username", "me")])));
    }

    #[test]
    fn an_unknown_option_is_told_before_anything_that_is_missing_or_wrong() {
        // Each of these has something else to complain about: no account, no file, no keys, half a pair, no colon.
        for (uri, options) in [
            ("az://b/k", &[][..]),
            ("gs://b/k", &[("service_account", "/nowhere")]),
            ("s3://b/k", &[]),
            ("s3://b/k", &[("access_key_id", "k")]),
            ("https://h/k", &[("headers", "no colon")]),
            ("file:///k", &[]),
            ("memory:///k", &[]),
        ] {
            let options = options.iter().copied().chain([("regoin", "x")]).collect();
            let error = open(&Location::parse(uri).unwrap(), options, &Environment::default()).unwrap_err();
            assert!(matches!(&error, ConfigError::UnknownOption { key, .. } if key == "regoin"), "{uri}: {error}");
        }
    }

    #[test]
    fn one_call_may_name_two_users_of_a_server() {
        let mut resolver = Resolver { environment: Some(Environment::default()), opened: Vec::new() };
        let mut open = |uri: &str| resolver.open(&Location::parse(uri).unwrap()).unwrap();
        let (me, you) = (open("https://me:x@h/a"), open("https://you:x@h/a"));
        assert_eq!(me.web_settings().unwrap().username(), Some("me"));
        assert_eq!(you.web_settings().unwrap().username(), Some("you"));
        assert!(Arc::ptr_eq(&me, &open("https://me:x@h/b")));
    }

    #[test]
    fn one_container_is_one_store_however_its_uri_is_written() {
        let key = ("account_key", "a2V5");
        let mine = store("az://c/k", &[key, ("account_name", "acc")]);
        for uri in ["https://acc.blob.core.windows.net/c/other", "abfss://c@acc.dfs.core.windows.net", "azure://c"] {
            let account = if uri.starts_with("azure") { vec![key, ("account_name", "acc")] } else { vec![key] };
            assert_eq!(mine, store(uri, &account), "{uri}");
        }
        assert!(!Arc::ptr_eq(&mine, &store("https://acc.blob.core.windows.net/d", &[key])));
        let elsewhere = Location::parse("https://other.blob.core.windows.net/c/k").unwrap();
        assert!(mine.holds(&Location::parse("az://c/k").unwrap()) && !mine.holds(&elsewhere));
    }

    #[test]
    fn a_signature_in_a_uri_makes_a_store_of_its_own() {
        let uri = "https://acc.blob.core.windows.net/c/k?sv=1&sig=";
        let signed = |signature: &str| store(&format!("{uri}{signature}"), &[]);
        assert!(Arc::ptr_eq(&signed("x"), &signed("x")) && !Arc::ptr_eq(&signed("x"), &signed("y")));
        let mut resolver = Resolver { environment: Some(Environment::default()), ..Resolver::default() };
        let mut resolved =
            |signature: &str| resolver.open(&Location::parse(&format!("{uri}{signature}")).unwrap()).unwrap();
        assert!(Arc::ptr_eq(&resolved("x"), &signed("x")) && Arc::ptr_eq(&resolved("y"), &signed("y")));
        assert_eq!(store("gs://b/k", &[("anon", "1")]), store("gcs://b", &[("skip_signature", "true")]));
    }
}
