//! Stores without a URI, what was said about them, and credentials from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;
use longshore_config::{
    ConfigError, Credential, CredentialSource, Environment, Fetched, LocalOptions, Options, Origin, Scheme, Secret,
    Store, open_bucket, open_local, open_memory, open_web,
};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn s3(options: &[(&str, &str)], variables: &[(&str, &str)]) -> Arc<Store> {
    let options = options.iter().copied().collect();
    open_bucket(Scheme::S3, Some("b"), options, &environment(variables)).unwrap()
}

/// Gives keys that are good for a while, and counts how often it was asked.
#[derive(Debug, Default)]
struct Giver {
    asked: AtomicU32,
    life: Option<Duration>,
    ahead: Option<Duration>,
    fails: bool,
}

impl CredentialSource for Giver {
    fn fetch(&self) -> BoxFuture<'static, Result<Fetched, ConfigError>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        if self.fails && asked > 0 {
            let reason = "raised ValueError: no more".to_owned();
            return async { Err(ConfigError::Provider { reason, source: Some("the cause".into()) }) }.boxed();
        }
        let expires_at = self.life.map(|life| SystemTime::now() + life);
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let credential = Credential::Aws {
                access_key_id: asked.to_string(),
                secret_access_key: Secret::new("hunter2"),
                session_token: None,
            };
            Ok(Fetched { credential, expires_at })
        }
        .boxed()
    }

    fn refresh_threshold(&self) -> Option<Duration> {
        self.ahead
    }
}

fn with(giver: &Arc<Giver>) -> Arc<Store> {
    let mut options = Options::default();
    options.credentials(Arc::clone(giver) as _);
    open_bucket(Scheme::S3, Some("b"), options, &Environment::default()).unwrap()
}

async fn id(store: &Store) -> Result<String, String> {
    match store.credentials().await.map_err(|error| error.to_string())?.unwrap().credential {
        Credential::Aws { access_key_id, .. } => Ok(access_key_id),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whoever_is_given_is_asked_once_for_all_who_wait_and_again_before_the_end() {
    let giver = Arc::new(Giver { life: Some(Duration::from_millis(400)), ..Giver::default() });
    let store = with(&giver);
    let ids = futures::future::join_all((0..50).map(|_| id(&store))).await;
    assert!(ids.iter().all(|id| id.as_deref() == Ok("0")), "{ids:?}");
    assert_eq!(giver.asked.load(Ordering::SeqCst), 1);
    // Three quarters of their life are over: the old ones count while one task asks.
    tokio::time::sleep(Duration::from_millis(330)).await;
    let ids = futures::future::join_all((0..50).map(|_| id(&store))).await;
    assert!(ids.iter().all(|id| id.as_deref() == Ok("0")), "{ids:?}");
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!((id(&store).await, giver.asked.load(Ordering::SeqCst)), (Ok("1".into()), 2));
    // They have ended: everybody waits for one answer.
    tokio::time::sleep(Duration::from_millis(450)).await;
    let ids = futures::future::join_all((0..50).map(|_| id(&store))).await;
    assert!(ids.iter().all(|id| id.as_deref() == Ok("2")), "{ids:?}");
    assert_eq!(giver.asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn whoever_is_given_says_how_long_before_the_end_it_wants_to_be_asked() {
    for (ahead, when) in [(300, 100), (10_000, 100), (100, 300)] {
        let (life, ahead) = (Some(Duration::from_millis(400)), Some(Duration::from_millis(ahead)));
        let giver = Arc::new(Giver { life, ahead, ..Giver::default() });
        let store = with(&giver);
        assert_eq!(id(&store).await.as_deref(), Ok("0"));
        let asked_by = async |millis: u64| {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            id(&store).await.unwrap();
            tokio::time::sleep(Duration::from_millis(25)).await;
            giver.asked.load(Ordering::SeqCst)
        };
        assert_eq!(asked_by(when - 60).await, 1, "{ahead:?}");
        assert_eq!(asked_by(60).await, 2, "{ahead:?}");
    }
}

#[tokio::test]
async fn who_waits_for_credentials_may_give_up() {
    let giver = Arc::new(Giver::default());
    let store = with(&giver);
    // One of two gives up; the other gets what was asked for already.
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { id(&store).await }
    });
    tokio::time::sleep(Duration::from_millis(5)).await;
    let second = id(&store);
    first.abort();
    assert_eq!((second.await.as_deref(), giver.asked.load(Ordering::SeqCst)), (Ok("0"), 1));
    // Where all give up, whoever comes next asks anew.
    let giver = Arc::new(Giver::default());
    let store = with(&giver);
    assert!(tokio::time::timeout(Duration::from_millis(5), id(&store)).await.is_err());
    assert_eq!(id(&store).await.as_deref(), Ok("1"));
}

#[tokio::test]
async fn who_fails_is_named_once_the_old_credentials_have_ended() {
    let giver = Arc::new(Giver { life: Some(Duration::from_millis(400)), fails: true, ..Giver::default() });
    let store = with(&giver);
    assert_eq!(id(&store).await.as_deref(), Ok("0"));
    tokio::time::sleep(Duration::from_millis(330)).await;
    assert_eq!(id(&store).await.as_deref(), Ok("0"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = store.credentials().await.unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("no credentials: the credential provider Giver"), "{message}");
    assert!(message.contains("raised ValueError: no more") && !message.contains("hunter2"), "{message}");
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    assert_eq!(cause.to_string(), "the cause");
    // A thousand objects do not each ask.
    let asked = giver.asked.load(Ordering::SeqCst);
    assert!(id(&store).await.is_err() && giver.asked.load(Ordering::SeqCst) == asked);
}

/// Gives one thing, for ever.
#[derive(Debug)]
struct Always(Credential);

impl CredentialSource for Always {
    fn fetch(&self) -> BoxFuture<'static, Result<Fetched, ConfigError>> {
        let credential = self.0.clone();
        async move { Ok(Fetched { credential, expires_at: None }) }.boxed()
    }
}

#[test]
fn what_a_source_gives_authorizes_requests_to_every_cloud() {
    use crate::double::{Double, Tokens};
    crate::place::run(async {
        let double = Double::start(Tokens::Refused(500, ""));
        let endpoint = double.url();
        let signature = vec![("sv".to_owned(), Secret::new("1")), ("sig".to_owned(), Secret::new("x/y"))];
        let keys =
            Credential::Aws { access_key_id: "AK".into(), secret_access_key: Secret::new("SK"), session_token: None };
        for (scheme, credential, sent) in [
            (Scheme::S3, keys, "AWS4-HMAC-SHA256 Credential=AK/"),
            (Scheme::Gcs, Credential::GcsToken(Secret::new("t1")), "Bearer t1"),
            (Scheme::Azure, Credential::AzureToken(Secret::new("t2")), "Bearer t2"),
            (Scheme::Azure, Credential::AzureKey(Secret::new("a2V5")), "SharedKey acc:"),
            (Scheme::Azure, Credential::AzureSas(signature), ""),
        ] {
            let mut options: Options = [("endpoint", &*endpoint), ("max_retries", "0")].into_iter().collect();
            if scheme == Scheme::Azure {
                options.set("account_name", "acc");
            }
            options.credentials(Arc::new(Always(credential.clone())));
            let store = open_bucket(scheme, Some("b"), options, &Environment::default()).unwrap();
            let _ = store.live().unwrap().objects.head(&Path::from("k")).await;
            let seen = double.seen().pop().unwrap();
            assert!(seen.starts_with(sent) && seen.is_empty() == sent.is_empty(), "{credential:?}: {seen:?}");
            assert_eq!(store.credentials().await.unwrap().unwrap().credential, credential);
        }
    });
}

#[test]
fn credentials_are_fetched_whoever_polls() {
    // No runtime here: the one of all stores does the work.
    let giver = Arc::new(Giver::default());
    let store = with(&giver);
    assert_eq!(futures::executor::block_on(id(&store)).as_deref(), Ok("0"));
}

#[test]
fn a_source_of_another_cloud_is_told_as_such() {
    let mut options = Options::default();
    options.credentials(Arc::new(Always(Credential::GcsToken(Secret::new("hunter2")))));
    let store = open_bucket(Scheme::S3, Some("b"), options, &Environment::default()).unwrap();
    let message = futures::executor::block_on(store.credentials()).unwrap_err().to_string();
    assert!(message.contains("gave credentials for Google") && !message.contains("hunter2"), "{message}");
}

#[test]
fn credentials_that_were_given_outright_are_told_as_they_are() {
    let keys = [("access_key_id", "k"), ("secret_access_key", "s"), ("session_token", "t")];
    let fetched = futures::executor::block_on(s3(&keys, &[]).credentials()).unwrap().unwrap();
    let expected = Credential::Aws {
        access_key_id: "k".into(),
        secret_access_key: Secret::new("s"),
        session_token: Some(Secret::new("t")),
    };
    assert_eq!(fetched, Fetched { credential: expected, expires_at: None });
    let nobody = s3(&[("skip_signature", "true")], &[]);
    assert_eq!(futures::executor::block_on(nobody.credentials()).unwrap(), None);
}

#[test]
fn one_source_is_one_store_and_two_are_two() {
    let (one, two) = (Arc::new(Giver::default()), Arc::new(Giver::default()));
    assert!(Arc::ptr_eq(&with(&one), &with(&one)));
    assert_ne!(with(&one), with(&two));
    let mut options: Options = [("access_key_id", "k"), ("secret_access_key", "s")].into_iter().collect();
    options.credentials(one);
    let error = open_bucket(Scheme::S3, Some("b"), options, &Environment::default()).unwrap_err().to_string();
    assert!(error.contains("credential_provider") && error.contains("access_key_id"), "{error}");
}

#[test]
fn what_was_said_opens_an_equal_store_in_an_empty_environment() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_BUCKET", "mine"),
    ];
    let options = [("aws_region", "eu"), ("timeout", "5s")].into_iter().collect();
    let store = open_bucket(Scheme::S3, None, options, &environment(&variables)).unwrap();
    assert_eq!(store.bucket(), "mine");
    let said: Vec<_> = store.configuration().iter().map(|one| (one.name, &*one.value, one.origin.clone())).collect();
    let expected = [
        ("access_key_id", "k", Origin::Variable("AWS_ACCESS_KEY_ID")),
        ("bucket", "mine", Origin::Variable("AWS_BUCKET")),
        ("endpoint", "http://127.0.0.1:9", Origin::Variable("AWS_ENDPOINT_URL")),
        ("region", "eu", Origin::Keyword),
        ("secret_access_key", "hunter2", Origin::Variable("AWS_SECRET_ACCESS_KEY")),
        ("timeout", "5s", Origin::Keyword),
    ];
    assert_eq!(said, expected);
    assert!(!format!("{:?}", store.configuration()).contains("hunter2"));
    let again = store.configuration().iter().map(|one| (one.name, &*one.value)).collect();
    assert_eq!(open_bucket(Scheme::S3, None, again, &Environment::default()).unwrap(), store);
}

#[test]
fn equal_stores_remember_what_was_said_of_each() {
    let keys = [("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")];
    let (plain, told) = (s3(&[], &keys), s3(&[("region", "us-east-1")], &keys));
    assert_eq!(plain, told);
    assert!(plain.configuration().iter().all(|one| one.name != "region"));
    assert!(told.configuration().iter().any(|one| one.name == "region"));
    assert!(std::ptr::eq(plain.live().unwrap(), told.live().unwrap()));
}

#[tokio::test]
async fn a_memory_store_without_a_name_is_its_own() {
    let (one, two) = (open_memory(), open_memory());
    assert!(one != two && !one.same_bucket(&two) && one.same_bucket(&one));
    let key = Path::from("k");
    one.live().unwrap().objects.put(&key, PutPayload::from_static(b"x")).await.unwrap();
    assert!(two.live().unwrap().objects.head(&key).await.is_err());
}

#[tokio::test]
async fn a_local_store_with_a_root_keeps_its_keys_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a/b");
    let options = LocalOptions { root: Some(root.clone()), ..LocalOptions::default() };
    let missing = open_local(&options).unwrap_err().to_string();
    assert!(missing.contains("mkdir=True"), "{missing}");
    let store = open_local(&LocalOptions { mkdir: true, ..options.clone() }).unwrap();
    assert!(Arc::ptr_eq(&store, &open_local(&options).unwrap()));
    store.live().unwrap().objects.put(&Path::from("k"), PutPayload::from_static(b"x")).await.unwrap();
    assert_eq!(std::fs::read(root.join("k")).unwrap(), b"x");
    let (whole, prefix) = store.whole().unwrap();
    assert_eq!(format!("/{prefix}k"), store.root().unwrap().join("k").to_str().unwrap());
    assert!(whole.whole().is_none() && !store.same_bucket(whole));
    assert!(Arc::ptr_eq(whole, &open_local(&LocalOptions::default()).unwrap()));
}

#[test]
fn a_web_store_may_begin_at_a_path() {
    let open = |url: &str| open_web(url, Options::default(), &Environment::default());
    let store = open("https://me:hunter2@h/a%20b/").unwrap();
    assert_eq!(store.web_settings().unwrap().url(), "https://h/a%20b");
    assert_eq!(store.whole().unwrap().1, "a%20b/");
    assert!(store.whole().unwrap().0 == &open("https://me:hunter2@h").unwrap());
    assert_ne!(store, open("https://me:hunter2@h/other").unwrap());
    for bad in ["h/a", "ftp://h", "https://h/a?b=hunter2"] {
        let message = open(bad).unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn the_machine_says_where_things_are_and_chooses_nothing() {
    let machine = Environment::of_machine();
    assert_eq!(machine.get("PATH"), Environment::read().get("PATH"));
    assert!(machine.get("PATH").is_some() && !format!("{machine:?}").contains("AWS_"), "{machine:?}");
}
