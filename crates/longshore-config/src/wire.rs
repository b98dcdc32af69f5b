//! How requests travel, whatever the store: trust, patience, repetition.

use std::time::Duration;

use object_store::client::HttpClient;
use object_store::{BackoffConfig, RetryConfig};

use crate::ConfigError;
use crate::address::is_near;
use crate::given::{Given, Spec};
use crate::options::{FOREVER, invalid};
use crate::transport::{ClientSettings, Redirects, client, following};

pub(crate) const CA_BUNDLE: Spec = Spec::new("ca_bundle", "a PEM file of certificates to trust besides the system's")
    .also(&["aws_ca_bundle"])
    .variables(&["AWS_CA_BUNDLE"])
    .profile(&["ca_bundle"]);
pub(crate) const ALLOW_HTTP: Spec = Spec::new("allow_http", "whether requests may go unencrypted")
    .also(&["aws_allow_http"])
    .variables(&["AWS_ALLOW_HTTP"])
    .or("if the endpoint is http://");
pub(crate) const TIMEOUT: Spec =
    Spec::new("timeout", "the longest silence in either direction").also(&["read_timeout"]).or("60s");
pub(crate) const CONNECT_TIMEOUT: Spec = Spec::new("connect_timeout", "the longest wait for a connection").or("5s");
pub(crate) const MAX_RETRIES: Spec = Spec::new("max_retries", "how often a failed request is repeated").or("8");
pub(crate) const RETRY_TIMEOUT: Spec =
    Spec::new("retry_timeout", "when to stop repeating, counted from the first attempt").or("never");

/// The settings of [`Wire`], for every store that is reached over HTTP.
pub(crate) const WIRE: [&Spec; 6] = [&CA_BUNDLE, &ALLOW_HTTP, &TIMEOUT, &CONNECT_TIMEOUT, &MAX_RETRIES, &RETRY_TIMEOUT];

/// How requests travel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wire {
    pub(crate) ca_bundle: Option<String>,
    pub(crate) allow_http: bool,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_retries: usize,
    pub(crate) retry_timeout: Duration,
}

impl Wire {
    /// `plain_http` says that the endpoint in force begins with `http://`.
    ///
    /// `timeout` bounds each silence and no transfer as a whole. A failed request is repeated up to `max_retries` times;
    /// `retry_timeout` ends that earlier, and with it the resumption of a long download.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] for a value that cannot be used, and for `allow_http=false` with such an endpoint.
    pub(crate) fn resolve(given: &mut Given<'_>, plain_http: bool) -> Result<Self, ConfigError> {
        let allow_http = given.flag(&ALLOW_HTTP)?;
        if plain_http && allow_http == Some(false) {
            return Err(invalid("allow_http", "the endpoint is http://, which allow_http=false refuses".into()));
        }
        Ok(Self {
            ca_bundle: given.text(&CA_BUNDLE)?.map(|value| value.text),
            allow_http: allow_http.unwrap_or(plain_http),
            timeout: given.patience(&TIMEOUT)?.unwrap_or(Duration::from_secs(60)),
            connect_timeout: given.patience(&CONNECT_TIMEOUT)?.unwrap_or(Duration::from_secs(5)),
            max_retries: given.number(&MAX_RETRIES)?.unwrap_or(8),
            // The clock of a download starts with its first request, and a large one may take hours.
            retry_timeout: given.duration(&RETRY_TIMEOUT)?.unwrap_or(FOREVER),
        })
    }

    /// Whether what has to stay secret may be sent to `address` as it is: over TLS, to this machine, or because somebody said
    /// so.
    pub(crate) fn keeps_secrets(&self, given: &Given<'_>, address: &str) -> bool {
        !address.starts_with("http://") || is_near(address) || (self.allow_http && given.said(ALLOW_HTTP.name))
    }

    /// Refuses to send `what`, which is good for whoever reads it on the way.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`], unless [`keeps_secrets`](Self::keeps_secrets).
    pub(crate) fn guard(&self, given: &Given<'_>, address: &str, what: &str) -> Result<(), ConfigError> {
        if self.keeps_secrets(given, address) {
            return Ok(());
        }
        let reason =
            format!("{what} is not sent over http:// to another machine; write https://, or pass allow_http=True");
        Err(invalid("endpoint", reason))
    }

    /// The client of this process for the service at `address`. Only where requests are `public`, hold no secret, a redirect may
    /// lead to another server.
    ///
    /// # Errors
    ///
    /// As [`client`].
    pub(crate) fn client(&self, address: &str, public: bool) -> Result<HttpClient, ConfigError> {
        let follows = if public { Redirects::Anywhere } else { Redirects::SameServer };
        following(&ClientSettings { direct: is_near(address), ..self.client_settings(address) }, follows)
    }

    /// A client that follows no redirect, for the service at `address` and whatever it refers to: on this machine
    /// (`direct`), or elsewhere.
    ///
    /// # Errors
    ///
    /// As [`client`].
    pub(crate) fn plain_client(&self, address: &str, direct: bool) -> Result<HttpClient, ConfigError> {
        client(&ClientSettings { direct, ..self.client_settings(address) })
    }

    fn client_settings(&self, address: &str) -> ClientSettings {
        ClientSettings {
            allow_http: self.allow_http,
            needs_tls: address.starts_with("https://"),
            direct: false,
            ca_bundle: self.ca_bundle.clone(),
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
        }
    }

    pub(crate) fn retry(&self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(5),
                base: 2.5,
            },
            max_retries: self.max_retries,
            retry_timeout: self.retry_timeout,
        }
    }
}
