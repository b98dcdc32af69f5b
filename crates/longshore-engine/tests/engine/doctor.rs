//! Each step that can fail, failing: what the doctor says, and what it then leaves alone.

use std::net::TcpListener;

use longshore_config::{Environment, Options};
use longshore_engine::doctor::{Report, State, Step, examine};
use longshore_engine::{ErrorKind, Progress};

use crate::doubles::{double, encrypted, reply, self_signed};
use crate::place;

const KEYS: [(&str, &str); 3] = [("access_key_id", "key"), ("secret_access_key", "secret"), ("max_retries", "0")];

async fn ask(uri: &str, endpoint: &str, more: &[(&str, &str)]) -> Report {
    let mut options: Options = KEYS.into_iter().chain(more.iter().copied()).collect();
    options.set("endpoint", endpoint);
    examine(uri, options, &Environment::default(), &|_| {}).await
}

fn step<'a>(report: &'a Report, name: &str) -> &'a Step {
    report.steps.iter().find(|step| step.name == name).unwrap_or_else(|| panic!("no {name}: {report:?}"))
}

/// The steps by state, for a glance.
fn states(report: &Report) -> String {
    report.steps.iter().map(|step| format!("{} {}, ", step.name, step.state.name())).collect()
}

/// Checks that `name` is the first that failed, and that it says and advises so.
#[track_caller]
fn fails(report: &Report, name: &str, kind: ErrorKind, parts: &[&str]) {
    let failed = report.failure().unwrap_or_else(|| panic!("nothing failed: {}", states(report)));
    let said = format!("{} {}", failed.said, failed.advice.as_deref().unwrap_or_default());
    assert_eq!((failed.name, failed.kind), (name, Some(kind)), "{said}: {}", states(report));
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
}

fn refusal(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>said so</Message></Error>")
}

#[tokio::test]
async fn a_bucket_that_works_passes_every_step() {
    let place = place::s3().await;
    place.fill(&["a/one"]).await;
    for uri in ["s3://bucket/a/one", "s3://bucket/a/", "s3://bucket", "s3://bucket/a/*"] {
        let report = ask(uri, &place.server().endpoint(), &[]).await;
        assert!(report.failure().is_none(), "{report:?}");
        let expected =
            "settings ok, dns ok, tcp ok, tls skipped, http ok, clock ok, credentials ok, bucket ok, list ok, get ok, ";
        assert_eq!(states(&report), expected);
        assert!(step(&report, "credentials").said.starts_with("key from the keys that were given"), "{report:?}");
        assert!(step(&report, "get").said.contains("a/one"), "{report:?}");
        assert!(!format!("{report:?}").contains("secret\""), "{report:?}");
        let region = report.settings.iter().find(|setting| setting.name == "region").unwrap();
        assert_eq!((&*region.value, &*region.origin.to_string()), ("us-east-1", "default"));
    }
    // One that is empty has nothing to read, which is no failure.
    let report = ask("s3://bucket/nothing/", &place.server().endpoint(), &[]).await;
    assert_eq!((report.failure().is_none(), step(&report, "get").state), (true, State::Skipped));
}

#[tokio::test]
async fn what_cannot_be_used_fails_as_settings() {
    let report = ask("s3://bucket", "http://127.0.0.1:9", &[("regoin", "x")]).await;
    fails(&report, "settings", ErrorKind::UnknownOption, &["regoin", "\"region\""]);
    assert!(report.settings.iter().any(|setting| setting.name == "endpoint"));
    let report = ask("s4://bucket", "http://127.0.0.1:9", &[]).await;
    fails(&report, "settings", ErrorKind::InvalidArgument, &["s4"]);
}

#[tokio::test]
async fn a_name_without_an_address_fails_as_dns() {
    // A label that is too long is refused on this machine: nobody is asked.
    let endpoint = format!("http://{}.invalid", "a".repeat(70));
    let report = ask("s3://bucket", &endpoint, &[]).await;
    fails(&report, "dns", ErrorKind::Connection, &["aaaa", "resolver"]);
    assert!(report.steps[2..].iter().all(|step| step.state == State::Skipped), "{}", states(&report));
}

#[tokio::test]
async fn a_closed_port_fails_as_tcp() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let report = ask("s3://bucket", &format!("http://{closed}"), &[]).await;
    fails(&report, "tcp", ErrorKind::Connection, &[&closed.to_string(), "running"]);
    assert!(report.steps[3..].iter().all(|step| step.state == State::Skipped), "{}", states(&report));
}

#[tokio::test]
async fn tls_to_a_port_without_it_fails_as_tls() {
    let place = place::s3().await;
    let endpoint = place.server().endpoint().replace("http:", "https:");
    let report = ask("s3://bucket", &endpoint, &[]).await;
    fails(&report, "tls", ErrorKind::Connection, &["in plain HTTP", "use http:// and allow_http=True"]);
}

#[tokio::test]
async fn a_certificate_is_shown_whether_it_is_trusted_or_not() {
    let (endpoint, authority) = encrypted("127.0.0.1", [2020, 2099]).await;
    let report = ask("s3://bucket", &endpoint, &[]).await;
    let parts =
        ["nobody whom this machine trusts", "CN=Test Server", "signed by CN=Test Authority", "2099", "ca_bundle"];
    fails(&report, "tls", ErrorKind::Connection, &parts);
    let bundle = authority.path().to_str().unwrap();
    let report = ask("s3://bucket", &endpoint, &[("ca_bundle", bundle)]).await;
    let said = &step(&report, "tls").said;
    assert!(report.failure().is_none(), "{report:?}");
    assert!(said.starts_with("TLS 1.3") && said.contains("for 127.0.0.1") && said.contains("2099"), "{said}");
}

#[tokio::test]
async fn a_certificate_that_has_ended_and_one_for_another_name_are_told_so() {
    let (endpoint, authority) = encrypted("127.0.0.1", [2020, 2021]).await;
    let bundle = authority.path().to_str().unwrap();
    let report = ask("s3://bucket", &endpoint, &[("ca_bundle", bundle)]).await;
    fails(&report, "tls", ErrorKind::Connection, &["expired", "2021-01-01", "clock"]);
    let (endpoint, authority) = encrypted("other.example", [2020, 2099]).await;
    let bundle = authority.path().to_str().unwrap();
    let report = ask("s3://bucket", &endpoint, &[("ca_bundle", bundle)]).await;
    fails(&report, "tls", ErrorKind::Connection, &["other names", "other.example"]);
}

#[tokio::test]
async fn plain_http_to_a_port_with_tls_fails_as_http() {
    let (endpoint, _authority) = encrypted("127.0.0.1", [2020, 2099]).await;
    let report = ask("s3://bucket", &endpoint.replace("https:", "http:"), &[]).await;
    fails(&report, "http", ErrorKind::Connection, &["speaks TLS", "use https://"]);
    // Others answer in HTTP, some of them only to who asks for a body.
    let go = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let nginx = "<html><center>The plain HTTP request was sent to HTTPS port</center></html>";
    let nginx = reply(400, "Server: nginx\r\nContent-Type: text/html\r\n", nginx);
    for answer in [go.to_owned(), nginx] {
        let endpoint = double(move |head| match head.starts_with("HEAD") {
            true => answer.split_inclusive("\r\n\r\n").next().unwrap().to_owned(),
            false => answer.clone(),
        });
        let report = ask("s3://bucket", &endpoint, &[]).await;
        fails(&report, "http", ErrorKind::Connection, &["speaks TLS", "use https://"]);
    }
}

#[tokio::test]
async fn a_certificate_that_has_signed_itself_and_is_in_the_bundle_passes_every_step() {
    let (endpoint, bundle) = self_signed("127.0.0.1", [2020, 2099]).await;
    let report = ask("s3://bucket", &endpoint, &[]).await;
    fails(&report, "tls", ErrorKind::Connection, &["signed by itself", "ca_bundle"]);
    let report = ask("s3://bucket", &endpoint, &[("ca_bundle", bundle.path().to_str().unwrap())]).await;
    assert!(report.failure().is_none(), "{report:?}");
}

#[tokio::test]
async fn keys_that_nobody_gives_fail_as_credentials() {
    let agent = double(|_| reply(404, "", ""));
    let place = place::s3().await;
    let options: Options = [("endpoint", place.server().endpoint())].into_iter().collect();
    let environment: Environment =
        [("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), format!("{agent}/keys"))].into_iter().collect();
    let report = examine("s3://bucket", options, &environment, &|_| {}).await;
    fails(&report, "credentials", ErrorKind::Unauthenticated, &["agent", "HTTP 404", "AWS_ACCESS_KEY_ID"]);
    let last: Vec<_> = report.steps.iter().skip(7).map(|step| (step.name, step.state)).collect();
    assert_eq!(last, [("bucket", State::Skipped), ("list", State::Skipped), ("get", State::Skipped)]);
}

#[tokio::test]
async fn wrong_keys_fail_as_bucket_with_what_is_wrong_about_them() {
    let place = place::s3().await;
    let endpoint = place.server().endpoint();
    let with = async |id: &str, secret: &str| {
        let mut options: Options = [("access_key_id", id), ("secret_access_key", secret)].into_iter().collect();
        options.set("endpoint", endpoint.as_str());
        examine("s3://bucket/k", options, &Environment::default(), &|_| {}).await
    };
    fails(&with("key", "wrong").await, "bucket", ErrorKind::Unauthenticated, &["SignatureDoesNotMatch", "secret"]);
    fails(&with("wrong", "secret").await, "bucket", ErrorKind::Unauthenticated, &["InvalidAccessKeyId", "key"]);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_fails_as_bucket() {
    let place = place::s3().await;
    let report = ask("s3://nowhere/k", &place.server().endpoint(), &[]).await;
    fails(&report, "bucket", ErrorKind::NotFound, &["longshore mb"]);
    assert_eq!(step(&report, "get").state, State::Skipped);
}

#[tokio::test]
async fn a_bucket_in_another_region_says_where() {
    let endpoint = double(|_| reply(301, "x-amz-bucket-region: eu-west-1\r\n", &refusal("PermanentRedirect")));
    let report = ask("s3://bucket", &endpoint, &[]).await;
    fails(&report, "bucket", ErrorKind::Generic, &["eu-west-1", "AWS_REGION"]);
}

#[tokio::test]
async fn who_may_not_list_may_still_read() {
    let endpoint = double(|head| match head {
        _ if head.starts_with("HEAD") => reply(200, "", ""),
        _ if head.contains("list-type=2") => reply(403, "", &refusal("AccessDenied")),
        _ => reply(
            206,
            "Content-Range: bytes 0-0/5\r\nETag: \"e\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n",
            "x",
        ),
    });
    let report = ask("s3://bucket/k", &endpoint, &[]).await;
    fails(&report, "list", ErrorKind::PermissionDenied, &["AccessDenied", "s3:ListBucket"]);
    assert_eq!(step(&report, "get").state, State::Ok, "{report:?}");
    let report = ask("s3://bucket/", &endpoint, &[]).await;
    assert_eq!(step(&report, "get").state, State::Skipped, "{report:?}");
}

#[tokio::test]
async fn a_clock_that_is_wrong_fails_as_clock_and_a_little_is_mentioned() {
    for (minutes, state) in [(0, State::Ok), (5, State::Ok), (60, State::Failed), (-60, State::Failed)] {
        let there = chrono::Utc::now() + chrono::TimeDelta::minutes(minutes);
        let date = there.format("Date: %a, %d %b %Y %H:%M:%S GMT\r\n").to_string();
        let list = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
        let endpoint = double(move |_| reply(200, &date, list));
        let report = ask("s3://bucket", &endpoint, &[]).await;
        let clock = step(&report, "clock");
        assert_eq!(clock.state, state, "{clock:?}");
        assert_eq!(clock.said.contains("agree"), minutes == 0, "{clock:?}");
        assert_eq!(clock.said.contains("behind"), minutes > 0, "{clock:?}");
    }
}

#[tokio::test]
async fn local_paths_and_memory_have_the_steps_that_make_sense() {
    let place = place::files();
    place.fill(&["a"]).await;
    let environment = Environment::default();
    let here = |name: &str| format!("{}{name}", place.base);
    for (name, expected) in
        [("", "settings ok, path ok, list ok, space ok, "), ("a", "settings ok, path ok, get ok, space ok, ")]
    {
        let report = examine(&here(name), Options::default(), &environment, &|_| {}).await;
        assert_eq!(states(&report), expected, "{report:?}");
    }
    let report = examine(&here("gone"), Options::default(), &environment, &|_| {}).await;
    fails(&report, "path", ErrorKind::NotFound, &["check the path"]);

    let place = place::memory();
    longshore_engine::put(&place.object("k"), "body".into(), &Progress::silent()).await.unwrap();
    let report = examine(&place.base, Options::default(), &environment, &|_| {}).await;
    assert_eq!(states(&report), "settings ok, list ok, get ok, ");
}

#[tokio::test]
async fn a_signature_in_a_url_is_in_no_report() {
    for answer in [reply(200, "ETag: \"e\"\r\n", "x"), reply(403, "", "")] {
        let server = double(move |_| answer.clone());
        let uri = format!("{}/k?sig=hunter2", server.replace("http://", "http://me:hunter2@"));
        let report = examine(&uri, Options::default(), &Environment::default(), &|_| {}).await;
        assert!(!format!("{report:?}").contains("hunter2"), "{report:?}");
        assert!(report.uri.ends_with("/k?sig=****"), "{report:?}");
    }
}

#[tokio::test]
async fn a_pipe_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let uri = format!("file://{}", path.display());
    let (options, environment) = (Options::default(), Environment::default());
    let asked = examine(&uri, options, &environment, &|_| {});
    let report =
        tokio::time::timeout(std::time::Duration::from_secs(5), asked).await.unwrap_or_else(|_| std::process::abort());
    assert_eq!(report.failure().map(|step| step.name), Some("get"), "{report:?}");
}
