//! What is said where there is no connection, or none that both sides understand; and whose certificates are trusted.

use std::net::TcpListener;

use longshore_config::{Environment, Location, Options, open};
use longshore_engine::{Context, Error, ErrorKind, Progress};

use crate::doubles::{double, encrypted, reply, self_signed};
use crate::place;

/// What a listing says, and how it ends. It is repeated twice, where another try may do better.
async fn ask(endpoint: &str, more: &[(&str, &str)]) -> Result<(), Error> {
    let keys = [("access_key_id", "key"), ("secret_access_key", "secret"), ("max_retries", "2")];
    let mut options: Options = keys.into_iter().chain(more.iter().copied()).collect();
    options.set("endpoint", endpoint);
    let store = open(&Location::parse("s3://bucket/").unwrap(), options, &Environment::default()).unwrap();
    let context = Context::new("list", "s3://bucket/");
    longshore_engine::list(&store, "", &context, &Progress::silent()).await.map(drop)
}

async fn refusal(endpoint: &str, more: &[(&str, &str)]) -> Error {
    let error = ask(endpoint, more).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    error
}

#[tokio::test]
async fn a_closed_port_is_named_with_what_to_check() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let expected = format!(
        "could not connect to http://{closed} (connection refused): is the server running, and is it the right port?"
    );
    let error = refusal(&format!("http://{closed}/path"), &[]).await;
    assert_eq!(error.to_string(), format!("list s3://bucket/: {expected} (3 attempts)"));
    assert_eq!(error.os_error(), Some(111));
    // The same on the way through `object_store`, and for a URL, whose secrets nobody sees.
    let mut place = place::s3().await;
    let object = place.object("a");
    let endpoint = place.server().endpoint();
    drop(place.gateway.take());
    let error = longshore_engine::head(&object).await.unwrap_err();
    assert!(error.to_string().contains(&format!("could not connect to {endpoint} (connection refused)")), "{error}");
    let uri = format!("http://me:hunter2@{closed}/k?sig=hunter2");
    let location = Location::parse(&uri).unwrap();
    let store = open(&location, [("max_retries", "0")].into_iter().collect(), &Environment::default()).unwrap();
    let object =
        longshore_engine::Object { store, key: location.object_key("").unwrap(), uri: location.to_string().into() };
    let error = longshore_engine::head(&object).await.unwrap_err();
    assert!(error.to_string().contains(&expected) && !error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_name_without_an_address_is_told_from_a_server_that_is_not_there() {
    // A label that is too long is refused on this machine: nobody is asked.
    let endpoint = format!("http://{}.invalid:9", "a".repeat(70));
    let error = refusal(&endpoint, &[]).await.to_string();
    assert!(error.contains(&format!("could not connect to {endpoint} (")) && error.contains("resolver"), "{error}");
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_name_the_address() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let agent = ("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), format!("http://{closed}/keys?id=hunter2"));
    let options = [("endpoint", "http://127.0.0.1:9")].into_iter().collect();
    let store = open(&Location::parse("s3://bucket/").unwrap(), options, &[agent].into_iter().collect()).unwrap();
    let context = Context::new("list", "s3://bucket/");
    let error = longshore_engine::list(&store, "", &context, &Progress::silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    let said = format!("could not connect to http://{closed} (connection refused)");
    assert!(error.to_string().contains(&said) && !error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn tls_to_a_port_without_it_says_to_use_http_and_is_not_repeated() {
    let place = place::s3().await;
    let address = place.server().address();
    let error = refusal(&format!("https://{address}"), &[]).await;
    let expected = format!(
        "list s3://bucket/: the server at {address} did not answer in TLS; most likely it answered in plain HTTP: use \
         http:// and allow_http=True"
    );
    assert_eq!((error.to_string(), error.attempts()), (expected, 1));
}

#[tokio::test]
async fn plain_http_to_a_port_with_tls_says_to_use_https_and_is_not_repeated() {
    let (endpoint, _authority) = encrypted("127.0.0.1", [2020, 2099]).await;
    let go = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let html = "Content-Type: text/html\r\n";
    let nginx = reply(400, html, "<center>The plain HTTP request was sent to HTTPS port</center>");
    let apache = reply(400, html, "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />");
    for (endpoint, says) in [
        (endpoint.replace("https:", "http:"), "did not answer in HTTP; most likely it speaks TLS: use https://"),
        (double(move |_| go.to_owned()), "speaks TLS: use https://"),
        (double(move |_| nginx.clone()), "speaks TLS: use https://"),
        (double(move |_| apache.clone()), "speaks TLS: use https://"),
    ] {
        let error = refusal(&endpoint, &[]).await;
        let address = endpoint.trim_start_matches("http://");
        let expected = format!("list s3://bucket/: the server at {address} {says}");
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert_eq!(error.attempts(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_request_that_is_refused_for_itself_keeps_the_words_of_its_server() {
    let body = "<Error><Code>InvalidRequest</Code><Message>said so</Message></Error>";
    let endpoint = double(move |_| reply(400, "", body));
    let error = ask(&endpoint, &[]).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (Some("InvalidRequest"), Some(400)), "{error}");
    assert!(error.to_string().contains("said so"), "{error}");
}

#[tokio::test]
async fn a_certificate_that_has_signed_itself_is_trusted_where_the_bundle_holds_it() {
    let (endpoint, bundle) = self_signed("127.0.0.1", [2020, 2099]).await;
    let bundle = bundle.path().to_str().unwrap();
    ask(&endpoint, &[("ca_bundle", bundle)]).await.unwrap();
    let untrusted = refusal(&endpoint, &[]).await;
    assert!(untrusted.to_string().contains("ca_bundle") && untrusted.attempts() == 1, "{untrusted}");
    // One of the same names, which is another.
    let (_, other) = self_signed("127.0.0.1", [2020, 2099]).await;
    let stranger = refusal(&endpoint, &[("ca_bundle", other.path().to_str().unwrap())]).await;
    assert!(stranger.to_string().contains("could not connect to https://127.0.0.1:"), "{stranger}");
    // A bundle with more in it, in which it comes last.
    let both = tempfile::NamedTempFile::new().unwrap();
    let pems = [other.path().to_str().unwrap(), bundle].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::write(both.path(), pems.concat()).unwrap();
    ask(&endpoint, &[("ca_bundle", both.path().to_str().unwrap())]).await.unwrap();
}

#[tokio::test]
async fn a_certificate_in_the_bundle_is_still_for_its_own_names_and_its_own_time() {
    for (name, years, says) in [
        ("other.example", [2020, 2099], "for other names"),
        ("127.0.0.2", [2020, 2099], "for other names"),
        ("127.0.0.1", [2020, 2021], "has expired"),
        ("127.0.0.1", [2098, 2099], "not good yet"),
    ] {
        let (endpoint, bundle) = self_signed(name, years).await;
        let error = refusal(&endpoint, &[("ca_bundle", bundle.path().to_str().unwrap())]).await;
        assert!(error.to_string().contains(says), "{name} {years:?}: {error}");
    }
}

#[tokio::test]
async fn whom_an_authority_of_the_bundle_has_signed_is_trusted_as_before() {
    let (endpoint, authority) = encrypted("127.0.0.1", [2020, 2099]).await;
    ask(&endpoint, &[("ca_bundle", authority.path().to_str().unwrap())]).await.unwrap();
}

#[tokio::test]
async fn trust_may_be_given_as_text_kept_from_the_system_or_waived() {
    let text = |file: &tempfile::NamedTempFile| std::fs::read_to_string(file.path()).unwrap();
    let (endpoint, authority) = encrypted("127.0.0.1", [2020, 2099]).await;
    let (wrong, other) = encrypted("other.example", [2020, 2021]).await;
    let (good, bad) = (text(&authority), text(&other));
    ask(&endpoint, &[("root_certificate", &good)]).await.unwrap();
    ask(&endpoint, &[("root_certificate", &good), ("disable_system_certificates", "true")]).await.unwrap();
    ask(&endpoint, &[("root_certificate", &good), ("http1_only", "false")]).await.unwrap();
    let refused = refusal(&endpoint, &[("root_certificate", &bad), ("disable_system_certificates", "true")]).await;
    assert!(refused.to_string().contains("could not connect"), "{refused}");
    // Neither its name nor its time is right, and nobody has signed it who is known.
    refusal(&wrong, &[]).await;
    ask(&wrong, &[("allow_invalid_certificates", "true")]).await.unwrap();
}
