//! Keys that have to be fetched, from services that are not there or do not give any.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use longshore_config::{
    Credential, CredentialsError, Environment, Fetched, Location, Options, Requests, S3Access, Store, Trace, open,
};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::place::{Connection, Server, cause, run};

/// A store of AWS that asks `address` for keys. Only its credentials are asked for, so that nothing leaves this machine.
fn on_an_instance(address: &str) -> Arc<Store> {
    let environment = Environment::from_iter([("AWS_METADATA_ENDPOINT".to_owned(), address.to_owned())]);
    open(&Location::parse("s3://b/").unwrap(), Options::default(), &environment).unwrap()
}

/// A store on a closed port of this machine, with keys from `agent`.
fn in_a_pod(agent: &Server, folder: &tempfile::TempDir) -> Arc<Store> {
    let token = folder.path().join("token");
    std::fs::write(&token, "token").unwrap();
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/keys", agent.url())),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.to_str().unwrap().to_owned()),
    ];
    let environment = variables.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    let options = [("endpoint", "http://127.0.0.1:9"), ("max_retries", "0")].into_iter().collect();
    open(&Location::parse("s3://b/").unwrap(), options, &environment).unwrap()
}

fn access(store: &Store) -> &S3Access {
    store.live().unwrap().s3.as_ref().unwrap()
}

async fn refusal(store: &Store) -> String {
    let error = access(store).credentials.as_ref().unwrap().get_credential().await.unwrap_err();
    cause::<CredentialsError>(&error).unwrap_or_else(|| panic!("{error:?}")).to_string()
}

#[test]
fn a_metadata_service_that_refuses_is_named_with_what_to_do() {
    run(async {
        for status in [404, 403] {
            let server = Server::answering(status, "<html>none</html>");
            let message = refusal(&on_an_instance(&server.url())).await;
            assert!(message.starts_with("no credentials: the instance metadata service"), "{message}");
            assert!(message.contains(&format!("HTTP {status}")), "{message}");
            assert!(message.contains("AWS_ACCESS_KEY_ID") && message.contains("skip_signature"), "{message}");
        }
    });
}

#[test]
fn nobody_at_the_metadata_address_fails_soon() {
    run(async {
        let started = Instant::now();
        let message = refusal(&on_an_instance("http://127.0.0.1:9")).await;
        assert!(message.contains("AWS_ACCESS_KEY_ID"), "{message}");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    });
}

#[test]
fn a_silent_metadata_service_is_given_two_seconds() {
    run(async {
        let started = Instant::now();
        let message = refusal(&on_an_instance(&Server::silent().url())).await;
        assert!(message.contains("AWS_ACCESS_KEY_ID"), "{message}");
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    });
}

#[test]
fn a_failure_is_remembered_and_shared_by_all_who_wait() {
    run(async {
        let server = Server::silent();
        let store = on_an_instance(&server.url());
        let started = Instant::now();
        futures::future::join_all((0..64).map(|_| refusal(&store))).await;
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        let asked = server.connections();
        let again = Instant::now();
        refusal(&store).await;
        assert!(again.elapsed() < Duration::from_millis(100), "{:?}", again.elapsed());
        assert_eq!(server.connections(), asked);
    });
}

#[test]
fn a_failed_fetch_is_no_answer_about_the_object() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let agent = Server::answering(404, "none");
        let store = in_a_pod(&agent, &folder);
        let trace = Arc::<Trace>::default();
        let error = trace.scope(store.live().unwrap().objects.get(&Path::from("k"))).await.unwrap_err();
        assert!(!matches!(error, object_store::Error::NotFound { .. }), "{error:?}");
        assert!(cause::<CredentialsError>(&error).is_some(), "{error:?}");
        assert_eq!((trace.attempts(), trace.observed().status), (0, None));
        assert!(agent.connections() > 0);
    });
}

#[test]
fn fetched_keys_are_kept() {
    async fn give(mut connection: Connection) {
        let head = connection.head().await;
        let body = if head.starts_with("put /latest/api/token") {
            "token"
        } else if head.starts_with("get /latest/meta-data/iam/security-credentials/ ") {
            "role"
        } else {
            r#"{"AccessKeyId": "AK", "SecretAccessKey": "SK", "Token": "T", "Expiration": "2999-01-01T00:00:00Z"}"#
        };
        connection.answer(200, body).await;
    }
    run(async {
        let server = Server::start(give);
        let store = on_an_instance(&server.url());
        let requests = Requests::default();
        for _ in 0..3 {
            let asked = requests.scope(access(&store).credentials.as_ref().unwrap().get_credential());
            let credential = asked.await.unwrap();
            assert_eq!((&*credential.key_id, credential.token.as_deref()), ("AK", Some("T")));
        }
        assert_eq!((server.connections(), requests.sent()), (3, 3));
        let Fetched { credential, expires_at } = store.credentials().await.unwrap().unwrap();
        assert!(matches!(credential, Credential::Aws { access_key_id, .. } if access_key_id == "AK"));
        // The first second of the year 2999.
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(32_472_144_000);
        assert_eq!((expires_at, server.connections()), (Some(end), 3));
        assert_eq!(access(&store).keys_until.load(Ordering::Relaxed), 32_472_144_000);
    });
}

#[test]
fn the_first_version_of_the_metadata_service_is_asked_where_that_was_said() {
    async fn give(mut connection: Connection) {
        let head = connection.head().await;
        if head.starts_with("put ") {
            return connection.answer(403, "").await;
        }
        assert!(!head.contains("x-aws-ec2-metadata-token"), "{head}");
        let keys = r#"{"AccessKeyId": "AK", "SecretAccessKey": "SK"}"#;
        connection.answer(200, if head.contains("credentials/ ") { "role" } else { keys }).await;
    }
    run(async {
        let server = Server::start(give);
        let open = |fallback: &str| {
            let options = [("metadata_endpoint", &*server.url()), ("imdsv1_fallback", fallback)].into_iter().collect();
            open(&Location::parse("s3://b/").unwrap(), options, &Environment::default()).unwrap()
        };
        assert!(refusal(&open("false")).await.contains("HTTP 403"));
        let fetched = open("true").credentials().await.unwrap().unwrap();
        assert_eq!(fetched.expires_at, None);
    });
}
