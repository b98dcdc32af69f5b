use std::io::{Read, Write};
use std::net::TcpListener;

use longshore_config::{Environment, Location, open};
use longshore_engine::{Context, Error, ErrorKind, Memory, Object, Progress};
use tempfile::TempDir;

/// An object of a store whose keys come from an agent that answers 404. Nobody listens where the store is.
fn without_keys(folder: &TempDir) -> Object {
    let agent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = agent.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in agent.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 404 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let token = folder.path().join("token");
    std::fs::write(&token, "token").unwrap();
    let environment: Environment = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{address}/keys")),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.to_str().unwrap().to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let options = [("endpoint", "http://127.0.0.1:9"), ("max_retries", "0")].into_iter().collect();
    let store = open(&Location::parse("s3://bucket/").unwrap(), options, &environment).unwrap();
    Object { store, key: "k".into(), uri: "s3://bucket/k".into() }
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_never_mean_that_the_object_is_missing() {
    fn check(operation: &str, error: Error) {
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{operation}: {error}");
        assert_eq!((error.status(), error.os_error()), (None, None), "{operation}: {error}");
        let message = error.to_string();
        assert!(message.contains("no credentials: ") && message.contains("HTTP 404"), "{operation}: {message}");
        assert!(message.contains("AWS_ACCESS_KEY_ID"), "{operation}: {message}");
    }
    let folder = tempfile::tempdir().unwrap();
    let object = without_keys(&folder);
    let silent = Progress::silent();
    let context = Context::new("list", "s3://bucket/");
    check("exists", longshore_engine::exists(&object).await.unwrap_err());
    check("head", longshore_engine::head(&object).await.unwrap_err());
    check("get", longshore_engine::get(object.clone(), &Memory, &silent).await.unwrap_err());
    check("put", longshore_engine::put(&object, "body".into(), &silent).await.unwrap_err());
    check("list", longshore_engine::list(&object.store, "", &context, &silent).await.unwrap_err());
    let deleted = longshore_engine::delete_prefix(&object.store, "a/", &context, &silent).await;
    check("delete_prefix", deleted.map(drop).unwrap_err());
    check("delete", longshore_engine::delete_object(&object).await.unwrap_err());
    check("create_bucket", longshore_engine::create_bucket(&object.store, "", &context).await.unwrap_err());
}
