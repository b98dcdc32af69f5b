//! Where a setting belongs: all of them share one flat list of names, but Python has them in three dictionaries.

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
        (Kind::S3, "profile" | "credential_process" | "external_id" | "source_profile") => Abroad::Provider,
        (Kind::S3, "use_dualstack_endpoint" | "use_fips_endpoint" | "use_accelerate_endpoint") => Abroad::Endpoint,
        (Kind::Gcs, "endpoint") => Abroad::Config("base_url"),
        // What new buckets are made with; others make none.
        (Kind::Gcs, "project" | "bucket_location") => Abroad::Needless,
        (Kind::Gcs, "metadata_host") => Abroad::Provider,
        (Kind::Gcs, "xml_api") => Abroad::Needless,
        (Kind::Azure, "connection_string") => Abroad::Provider,
        (Kind::Azure, "identity_header") => Abroad::Provider,
        (Kind::Azure, "emulator_url") | (Kind::Http, _) => Abroad::Impossible,
        (_, name) => Abroad::Config(name),
    }
}

#[cfg(test)]
mod tests {
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
    fn a_misspelt_key_has_a_suggestion() {
        assert_eq!(nearest("conect_timeout", &CLIENT), Some("connect_timeout"));
        assert_eq!(nearest("xyz", &CLIENT), None);
    }
}
