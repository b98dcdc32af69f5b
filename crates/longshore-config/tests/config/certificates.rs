//! Certificates to trust: the system's, a bundle, or none.

use std::process::Command;

use longshore_config::{ConfigError, Environment, Location, Options, open};

/// What connecting says, of an endpoint with these options.
fn connect(endpoint: &str, ca_bundle: Option<&str>) -> Result<(), ConfigError> {
    let mut options: Options = [("access_key_id", "k"), ("secret_access_key", "s")].into_iter().collect();
    options.set("endpoint", endpoint);
    if let Some(path) = ca_bundle {
        options.set("ca_bundle", path);
    }
    open(&Location::parse("s3://b/").unwrap(), options, &Environment::default())?.live().map(drop)
}

#[test]
fn a_bundle_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let missing = folder.path().join("missing.pem").to_str().unwrap().to_owned();
    let no_der = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let no_base64 = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    for path in [missing, file("empty", ""), file("text", "hello"), file("der", no_der), file("base64", no_base64)] {
        for endpoint in ["http://127.0.0.1:9", "https://127.0.0.1:9"] {
            let error = connect(endpoint, Some(&path)).unwrap_err();
            assert!(matches!(error, ConfigError::InvalidOption { .. }), "{error}");
            assert!(error.to_string().contains(&path) && error.to_string().contains("ca_bundle"), "{error}");
        }
    }
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/authority.pem");
    connect("https://127.0.0.1:9", Some(good)).unwrap();
}

#[test]
fn without_system_certificates_plain_http_works_and_https_says_what_to_set() {
    const CHILD: &str = "LONGSHORE_TEST_WITHOUT_CERTIFICATES";
    if std::env::var_os(CHILD).is_none() {
        let name = "certificates::without_system_certificates_plain_http_works_and_https_says_what_to_set";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(CHILD, "1")
            .envs([("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    connect("http://127.0.0.1:9", None).unwrap();
    let message = connect("https://127.0.0.1:9", None).unwrap_err().to_string();
    assert!(message.contains("SSL_CERT_FILE"), "{message}");
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/authority.pem");
    connect("https://127.0.0.1:9", Some(good)).unwrap();
}
