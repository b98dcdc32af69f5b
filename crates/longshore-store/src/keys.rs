//! Where a setting belongs: all of them share one flat list of names, but Python has them in three dictionaries.

use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::AzureConfigKey;
use object_store::gcp::GoogleConfigKey;

use crate::store::Kind;

/// Settings of the HTTP client: what `client_options` takes.
pub(crate) const CLIENT: [&str; 24] = [
    "allow_http",
    "allow_invalid_certificates",
    "ca_bundle",
    "connect_timeout",
    "default_content_type",
    "default_headers",
    "disable_system_certificates",
    "headers",
    "http1_only",
    "http2_keep_alive_interval",
    "http2_keep_alive_timeout",
    "http2_keep_alive_while_idle",
    "http2_max_frame_size",
    "http2_only",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_ca_certificate",
    "proxy_excludes",
    "proxy_url",
    "randomize_addresses",
    "read_timeout",
    "root_certificate",
    "timeout",
    "user_agent",
];

/// Settings of how often a request is repeated, and when: what `retry_config` takes.
pub(crate) const RETRY: [&str; 5] = ["backoff_base", "init_backoff", "max_backoff", "max_retries", "retry_timeout"];

pub(crate) fn is_client_option(name: &str) -> bool {
    CLIENT.contains(&name)
}

pub(crate) fn is_retry_option(name: &str) -> bool {
    RETRY.contains(&name)
}

/// Whether the value is a certificate, which may be bytes as well.
pub(crate) fn is_certificate(name: &str) -> bool {
    matches!(name, "root_certificate" | "proxy_ca_certificate")
}

/// Whether the value is a dictionary of headers.
pub(crate) fn is_headers(name: &str) -> bool {
    matches!(name, "default_headers" | "headers")
}

/// The name that somebody who wrote `key` may have meant.
pub(crate) fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = known.iter().map(|name| (strsim::jaro_winkler(name, key), *name));
    likeness.filter(|(likeness, _)| *likeness > 0.8).max_by(|one, two| one.0.total_cmp(&two.0)).map(|(_, name)| name)
}

/// Whether a setting is a length of time.
pub(crate) fn is_length(name: &str) -> bool {
    ["timeout", "interval", "_backoff"].iter().any(|end| name.ends_with(end))
}

/// How a setting is told to a library that knows `object_store`'s names only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abroad {
    /// In `config`, under this name.
    Config(&'static str),
    /// In `client_options`, under this name.
    Client(&'static str),
    /// In `retry_config`.
    Retry,
    /// As a file of certificates: what is in it.
    Certificates,
    /// As credentials, which one of our own providers gives in its place.
    Provider,
    /// As an address: the endpoint that it comes to.
    Endpoint,
    /// Not at all, and nothing is lost.
    Needless,
    /// Not at all; without it the store would be another one.
    Impossible,
}

/// How `name`, of a store of this kind, is told to others.
pub(crate) fn abroad(kind: Kind, name: &'static str) -> Abroad {
    if is_retry_option(name) {
        return Abroad::Retry;
    }
    match name {
        // Ours is the longest silence. Theirs of that name bounds a whole request, which would be another store.
        "timeout" | "read_timeout" => return Abroad::Client("read_timeout"),
        "ca_bundle" => return Abroad::Certificates,
        name if is_client_option(name) => return Abroad::Client(name),
        _ => {}
    }
    match (kind, name) {
        (Kind::S3, "use_dualstack_endpoint" | "use_fips_endpoint" | "use_accelerate_endpoint" | "endpoint_url_s3") => {
            Abroad::Endpoint
        }
        (Kind::Gcs, "endpoint") => Abroad::Config("base_url"),
        // What new buckets are made with; others make none.
        (Kind::Gcs, "project" | "bucket_location") => Abroad::Needless,
        // The same objects over another interface.
        (Kind::Gcs, "xml_api") => Abroad::Needless,
        (kind, name) if is_theirs(kind, name) => Abroad::Config(name),
        (kind, name) if SOURCES.contains(&name) && kind.cloud().is_some() => Abroad::Provider,
        _ => Abroad::Impossible,
    }
}

/// Settings of who gives credentials that others do not know.
const SOURCES: [&str; 16] = [
    "config_file",
    "connection_string",
    "container_authorization_token",
    "credential_process",
    "credential_source",
    "duration_seconds",
    "ec2_metadata_disabled",
    "external_id",
    "identity_header",
    "metadata_host",
    "profile",
    "shared_credentials_file",
    "source_profile",
    "sso_session",
    "sts_endpoint",
    "metadata_service_timeout",
];

/// Whether `object_store` has a setting of this name.
fn is_theirs(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::S3 => name.parse::<AmazonS3ConfigKey>().is_ok(),
        Kind::Gcs => name.parse::<GoogleConfigKey>().is_ok(),
        Kind::Azure => name.parse::<AzureConfigKey>().is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use longshore_config::Scheme;

    use super::*;

    #[test]
    fn every_key_that_others_are_told_is_one_of_theirs() {
        use object_store::ClientConfigKey;
        for name in CLIENT {
            let Abroad::Client(name) = abroad(Kind::S3, name) else { continue };
            if !matches!(name, "default_headers" | "root_certificate" | "headers") {
                assert!(name.parse::<ClientConfigKey>().is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn what_others_are_not_told_is_known_one_by_one() {
        let mut found = Vec::new();
        for kind in [Kind::S3, Kind::Gcs, Kind::Azure] {
            for spec in longshore_config::specs(kind.scheme()).into_iter().filter(|spec| spec.keyword) {
                if abroad(kind, spec.name) == Abroad::Impossible {
                    found.push(spec.name);
                }
            }
        }
        assert_eq!(found, ["emulator_url"]);
    }

    #[test]
    fn what_every_store_over_http_has_is_about_the_client_or_about_repeating() {
        let names = |scheme| {
            let specs = longshore_config::specs(scheme).into_iter().filter(|spec| spec.keyword);
            specs.map(|spec| spec.name).collect::<Vec<_>>()
        };
        let kinds = [Scheme::S3, Scheme::Gcs, Scheme::Azure, Scheme::Http].map(names);
        for name in kinds[0].iter().filter(|name| kinds.iter().all(|kind| kind.contains(name))) {
            assert!(is_client_option(name) || is_retry_option(name), "{name}");
        }
        for name in CLIENT.iter().chain(&RETRY) {
            assert!(*name == "headers" || kinds.iter().all(|kind| kind.contains(name)), "{name}");
        }
    }

    #[test]
    fn a_misspelt_key_has_a_suggestion() {
        assert_eq!(nearest("conect_timeout", &CLIENT), Some("connect_timeout"));
        assert_eq!(nearest("xyz", &CLIENT), None);
    }
}
