//! The live stores of the process: equal settings, same store.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_runtime::fork;

use crate::given::Secret;
use crate::store::Settings;
use crate::{
    AzureSettings, ConfigError, Environment, GcsSettings, Location, Options, S3Settings, Scheme, Setting, Store,
    WebSettings,
};

/// A child keeps its parent's stores: each makes a live client of its own in every process, and a memory store keeps its
/// contents. So the map is only touched with forks kept out.
static STORES: Mutex<Option<Stores>> = Mutex::new(None);

#[derive(Default)]
struct Stores {
    s3: HashMap<S3Settings, Arc<Store>>,
    gcs: HashMap<GcsSettings, Arc<Store>>,
    azure: HashMap<AzureSettings, Arc<Store>>,
    local: Option<Arc<Store>>,
    memory: HashMap<String, Arc<Store>>,
    web: HashMap<WebSettings, Arc<Store>>,
}

/// The store that `location` lives in.
///
/// # Errors
///
/// [`ConfigError::UnknownOption`] and [`ConfigError::InvalidOption`]; nothing is connected yet.
pub fn open(location: &Location, options: Options, environment: &Environment) -> Result<Arc<Store>, ConfigError> {
    match location.scheme() {
        Scheme::S3 => {
            let settings = S3Settings::resolve(location.bucket(), options, environment)?;
            Ok(with_stores(|stores| shared(&mut stores.s3, settings, Settings::S3)))
        }
        Scheme::Gcs => {
            let settings = GcsSettings::resolve(location, options, environment)?;
            Ok(with_stores(|stores| shared(&mut stores.gcs, settings, Settings::Gcs)))
        }
        Scheme::Azure => {
            let settings = AzureSettings::resolve(location, options, environment)?;
            Ok(with_stores(|stores| shared(&mut stores.azure, settings, Settings::Azure)))
        }
        Scheme::Http => {
            let settings = WebSettings::resolve(location, options, environment)?;
            Ok(with_stores(|stores| shared(&mut stores.web, settings, Settings::Web)))
        }
        Scheme::File => {
            options.refuse_unknown("LocalStore", &[])?;
            Ok(with_stores(|stores| {
                Arc::clone(stores.local.get_or_insert_with(|| Arc::new(Store::new(Settings::Local))))
            }))
        }
        Scheme::Memory => {
            options.refuse_unknown("MemoryStore", &[])?;
            let name = location.bucket().to_owned();
            Ok(with_stores(|stores| {
                let store = stores.memory.entry(name.clone());
                Arc::clone(
                    store.or_insert_with(|| Arc::new(Store::new(Settings::Memory { name, contents: Arc::default() }))),
                )
            }))
        }
    }
}

/// The store that has these settings, made where there is none yet.
fn shared<S: Clone + Eq + Hash>(
    stores: &mut HashMap<S, Arc<Store>>,
    settings: S,
    kind: fn(Box<S>) -> Settings,
) -> Arc<Store> {
    if let Some(store) = stores.get(&settings) {
        return Arc::clone(store);
    }
    let store = Arc::new(Store::new(kind(Box::new(settings.clone()))));
    stores.insert(settings, Arc::clone(&store));
    store
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
        Scheme::File | Scheme::Memory => Vec::new(),
    };
    (trail, open(location, options, environment))
}

fn with_stores<T>(ask: impl FnOnce(&mut Stores) -> T) -> T {
    let _no_fork = fork::shared();
    ask(STORES.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
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
        assert!(!Arc::ptr_eq(&web, &store("http://h/a", &[])) && !Arc::ptr_eq(&web, &store("https://me@h/a", &[])));
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
            assert!(Arc::ptr_eq(&mine, &store(uri, &account)), "{uri}");
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
        assert!(Arc::ptr_eq(&store("gs://b/k", &[("anon", "1")]), &store("gcs://b", &[("skip_signature", "true")])));
    }
}
