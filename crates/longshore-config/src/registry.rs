//! The live stores of the process: equal settings, same store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_runtime::fork::{self, PerProcess};

use crate::store::Settings;
use crate::{ConfigError, Environment, Location, Options, S3Settings, Scheme, Store};

type S3Stores = Mutex<HashMap<S3Settings, Arc<Store>>>;

/// A child starts with an empty map; its stores would have to connect anew in any case.
static S3: PerProcess<S3Stores> = PerProcess::new();
static LOCAL: PerProcess<Arc<Store>> = PerProcess::new();
/// A child keeps what its parent had put into memory, so this map is only touched with forks kept out.
static MEMORY: Mutex<Option<HashMap<String, Arc<Store>>>> = Mutex::new(None);

/// The store that `location` lives in.
///
/// # Errors
///
/// [`ConfigError::UnknownOption`] and [`ConfigError::InvalidOption`]; nothing is connected yet.
pub fn open(location: &Location, options: Options, environment: &Environment) -> Result<Arc<Store>, ConfigError> {
    match location.scheme() {
        Scheme::S3 => {
            let settings = S3Settings::resolve(location.bucket(), options, environment)?;
            let mut stores = S3.get_or_make(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(store) = stores.get(&settings) {
                return Ok(Arc::clone(store));
            }
            let store = Arc::new(Store::new(Settings::S3(Box::new(settings.clone()))));
            stores.insert(settings, Arc::clone(&store));
            Ok(store)
        }
        Scheme::File => {
            options.finish("LocalStore", &[])?;
            Ok(Arc::clone(LOCAL.get_or_make(|| Arc::new(Store::new(Settings::Local)))))
        }
        Scheme::Memory => {
            options.finish("MemoryStore", &[])?;
            let _no_fork = fork::shared();
            let mut stores = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
            let name = location.bucket().to_owned();
            let store = stores
                .get_or_insert_default()
                .entry(name.clone())
                .or_insert_with(|| Arc::new(Store::new(Settings::Memory { name, contents: Arc::default() })));
            Ok(Arc::clone(store))
        }
    }
}

/// Opens the stores of one call: the environment is read once, and each bucket is looked up once.
#[derive(Debug, Default)]
pub struct Resolver {
    environment: Option<Environment>,
    opened: Vec<(Scheme, String, Arc<Store>)>,
}

impl Resolver {
    /// The store that `location` lives in, as the environment describes it.
    ///
    /// # Errors
    ///
    /// As [`open`].
    pub fn open(&mut self, location: &Location) -> Result<Arc<Store>, ConfigError> {
        let (scheme, bucket) = (location.scheme(), location.bucket());
        // Most calls are about one bucket, and the last one is the likeliest.
        let known = self.opened.iter().rev().find(|(kind, name, _)| *kind == scheme && name == bucket);
        if let Some((_, _, store)) = known {
            return Ok(Arc::clone(store));
        }
        let environment = self.environment.get_or_insert_with(Environment::read);
        let store = open(location, Options::default(), environment)?;
        self.opened.push((scheme, bucket.to_owned(), Arc::clone(&store)));
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
    }
}
