//! Servers that lead elsewhere: what is meant for one of them is not shown to the next.

use std::sync::{Arc, Mutex};

use longshore_config::NoConnection;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::double::{refusal, store};
use crate::place::{Server, cause, run};

type Heads = Arc<Mutex<Vec<String>>>;

/// Where nobody should be led to. It gives keys and tokens to everybody, and notes what it was sent.
fn elsewhere() -> (Server, Heads) {
    let heads = Heads::default();
    let seen = Arc::clone(&heads);
    let server = Server::start(move |mut connection| {
        let seen = Arc::clone(&seen);
        async move {
            let request = connection.request().await;
            seen.lock().unwrap().push(request);
            let body = r#"{"access_token": "t", "expires_in": 3600, "AccessKeyId": "k", "SecretAccessKey": "s"}"#;
            connection.answer(200, body).await;
        }
    });
    (server, heads)
}

fn leading_to(target: &Server, status: u16) -> Server {
    leading_to_address(target.url(), status)
}

fn leading_to_address(target: String, status: u16) -> Server {
    Server::start(move |mut connection| {
        let target = target.clone();
        async move {
            connection.request().await;
            let head = format!(
                "HTTP/1.1 {status} X\r\nLocation: {target}/token\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            connection.send(head.as_bytes()).await;
        }
    })
}

#[test]
fn who_is_asked_for_credentials_leads_nobody_elsewhere() {
    run(async {
        let (target, seen) = elsewhere();
        let server = leading_to(&target, 307);
        let (url, full) = (server.url(), format!("{}/token", server.url()));
        let pod = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*full), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hunter2")];
        let message = refusal(&store("s3://b", &[("endpoint", "http://127.0.0.1:9")], &pod)).await;
        assert!(message.contains("307"), "{message}");
        let at = [("endpoint", "http://127.0.0.1:9"), ("account_name", "acc")];
        let identity = [("msi_endpoint", &*full), ("identity_header", "hunter2")];
        let application =
            [("client_id", "me"), ("client_secret", "hunter2"), ("tenant_id", "here"), ("authority_host", &*url)];
        for more in [&identity[..], &application] {
            refusal(&store("az://c/k", &[&at[..], more].concat(), &[])).await;
        }
        assert_eq!(*seen.lock().unwrap(), [""; 0]);
    });
}

#[test]
fn a_signed_request_is_not_led_to_another_server() {
    run(async {
        let (target, seen) = elsewhere();
        let server = leading_to(&target, 307);
        let keys = [
            ("endpoint", server.url()),
            ("access_key_id", "k".into()),
            ("secret_access_key", "s".into()),
            ("session_token", "hunter2".into()),
            ("sse_customer_key_base64", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".into()),
        ];
        let keys: Vec<_> = keys.iter().map(|(name, value)| (*name, &**value)).collect();
        let signed = store("s3://b", &keys, &[]);
        let error = signed.live().unwrap().objects.get(&Path::from("k")).await.unwrap_err();
        assert!(error.to_string().contains("307"), "{error}");
        assert_eq!(*seen.lock().unwrap(), [""; 0]);
        // A public object may be anywhere.
        let public = store("s3://b", &[("endpoint", &*server.url()), ("skip_signature", "true")], &[]);
        let _ = public.live().unwrap().objects.get(&Path::from("k")).await;
        assert_eq!(seen.lock().unwrap().len(), 1);
    });
}

#[test]
fn where_nobody_is_the_address_that_was_led_to_is_named() {
    run(async {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = leading_to_address(format!("http://{closed}"), 307);
        let public = store("s3://b", &[("endpoint", &*server.url()), ("skip_signature", "true")], &[]);
        let error = public.live().unwrap().objects.get(&Path::from("k")).await.unwrap_err();
        let failure: &NoConnection = cause(&error).unwrap_or_else(|| panic!("{error:?}"));
        assert_eq!(failure.said(), format!("could not connect to http://{closed} (connection refused)"));
    });
}
