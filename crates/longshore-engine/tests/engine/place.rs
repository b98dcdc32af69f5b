//! Somewhere to put objects: a fresh bucket, folder or memory store.

use std::sync::Arc;
use std::time::Duration;

use longshore_config::{Environment, Location, Options, Store, open};
use longshore_engine::{Cleanup, Context, Limits, Memory, Object, Progress, get_many, put_many};
use longshore_gateway::{Gateway, GatewayBuilder};
use object_store::memory::InMemory;
use tempfile::TempDir;

/// Bytes that differ from run to run, so that nothing passes by being there already.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut body = vec![0; size];
    fastrand::fill(&mut body);
    body
}

/// One place for objects, and what must live as long as it.
pub(crate) struct Place {
    pub(crate) base: String,
    options: Vec<(&'static str, String)>,
    pub(crate) gateway: Option<Gateway>,
    _folder: Option<TempDir>,
}

/// A bucket on a server of its own. Its client gives up soon.
pub(crate) async fn s3() -> Place {
    s3_with(Gateway::builder().memory()).await
}

/// A bucket on a server that can be stopped and started again without losing its objects.
pub(crate) async fn s3_that_remembers() -> (Place, Arc<InMemory>) {
    let memory = Arc::new(InMemory::new());
    (s3_with(Gateway::builder().store(Arc::clone(&memory) as _)).await, memory)
}

async fn s3_with(builder: GatewayBuilder) -> Place {
    let gateway = builder.credentials("key", "secret").start().unwrap();
    let options = vec![
        ("endpoint", gateway.endpoint()),
        ("access_key_id", "key".to_owned()),
        ("secret_access_key", "secret".to_owned()),
        ("max_retries", "3".to_owned()),
        ("timeout", "500ms".to_owned()),
    ];
    let place = Place { base: "s3://bucket/".into(), options, gateway: Some(gateway), _folder: None };
    longshore_engine::create_bucket(&place.store(), "", &Context::new("create_bucket", "s3://bucket")).await.unwrap();
    place
}

pub(crate) fn files() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let base = format!("file://{}/", folder.path().display());
    Place { base, options: Vec::new(), gateway: None, _folder: Some(folder) }
}

pub(crate) fn memory() -> Place {
    let base = format!("memory://test-{}/", fastrand::u64(..));
    Place { base, options: Vec::new(), gateway: None, _folder: None }
}

/// All three kinds.
pub(crate) async fn everywhere() -> [Place; 3] {
    [s3().await, files(), memory()]
}

impl Place {
    pub(crate) fn store(&self) -> Arc<Store> {
        self.store_of(&self.base)
    }

    pub(crate) fn store_of(&self, uri: &str) -> Arc<Store> {
        let options: Options = self.options.iter().map(|(name, value)| (name, value.clone())).collect();
        open(&Location::parse(uri).unwrap(), options, &Environment::default()).unwrap()
    }

    /// The same bucket, as a store that is told another region and so may be another service.
    pub(crate) fn store_in(&self, region: &'static str) -> Arc<Store> {
        let given = self.options.iter().map(|(name, value)| (name, value.clone()));
        let options: Options = given.chain([(&"region", region.to_owned())]).collect();
        open(&Location::parse(&self.base).unwrap(), options, &Environment::default()).unwrap()
    }

    /// Stops the server, and starts it again after a while, on the same port.
    pub(crate) async fn restart(&mut self, memory: &Arc<InMemory>, away: Duration) {
        let address = self.server().address();
        let gateway = self.gateway.take();
        tokio::task::spawn_blocking(move || drop(gateway)).await.unwrap();
        tokio::time::sleep(away).await;
        let again = Gateway::builder().store(Arc::clone(memory) as _).credentials("key", "secret").address(address);
        self.gateway = Some(again.start().unwrap());
    }

    pub(crate) fn server(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    /// The prefix of this place in its store.
    pub(crate) fn prefix(&self) -> String {
        Location::parse(&self.base).unwrap().raw_key().to_owned()
    }

    pub(crate) fn object(&self, name: &str) -> Object {
        Object {
            store: self.store(),
            key: format!("{}{name}", self.prefix()),
            uri: format!("{}{name}", self.base).into(),
        }
    }

    pub(crate) fn objects<S: AsRef<str>>(&self, names: &[S]) -> Vec<Object> {
        names.iter().map(|name| self.object(name.as_ref())).collect()
    }

    /// Writes objects that contain their own name.
    pub(crate) async fn fill<S: AsRef<str>>(&self, names: &[S]) {
        let bodies: Vec<bytes::Bytes> = names.iter().map(|name| name.as_ref().to_owned().into()).collect();
        put_many(self.objects(names), Arc::new(bodies), Limits::default(), &Progress::silent(), &Cleanup::default())
            .await
            .unwrap();
    }

    /// Writes one object of `size` bytes that differ from place to place in it, and returns them.
    pub(crate) async fn fill_large(&self, name: &str, size: usize) -> Vec<u8> {
        let body = noise(size);
        let bodies = Arc::new(vec![bytes::Bytes::from(body.clone())]);
        put_many(self.objects(&[name]), bodies, Limits::default(), &Progress::silent(), &Cleanup::default())
            .await
            .unwrap();
        body
    }

    pub(crate) async fn read<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<Vec<u8>>, longshore_engine::Error> {
        get_many(self.objects(names), Limits::default(), Arc::new(Memory), &Progress::silent()).await
    }

    pub(crate) async fn names(&self, prefix: &str) -> Vec<String> {
        let whole = format!("{}{prefix}", self.prefix());
        let context = Context::new("list", &*self.base);
        let entries = longshore_engine::list(&self.store(), &whole, &context, &Progress::silent()).await.unwrap();
        let skip = self.prefix().len();
        entries.into_iter().map(|entry| entry.key[skip..].to_owned()).collect()
    }
}
