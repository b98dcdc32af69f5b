//! How requests travel, whatever the store: trust, patience, repetition.

pub(crate) mod network;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use object_store::client::HttpClient;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use crate::ConfigError;
use crate::address::is_near;
use crate::given::{Given, Secret, Spec, Value};
use crate::options::{FOREVER, invalid};
use crate::transport::{ClientSettings, Dressed, Redirects, client, following};
use network::{NETWORK, Network};

pub(crate) const ALLOW_HTTP: Spec = Spec::new("allow_http", "whether requests may go unencrypted")
    .also(&["aws_allow_http"])
    .variables(&["AWS_ALLOW_HTTP"])
    .or("if the endpoint is http://");
pub(crate) const TIMEOUT: Spec = Spec::new("timeout", "the longest silence in either direction").or("60s");
const READ_TIMEOUT: Spec =
    Spec::new("read_timeout", "the same, as other clients call it; the shorter of the two counts").or("timeout");
pub(crate) const CONNECT_TIMEOUT: Spec = Spec::new("connect_timeout", "the longest wait for a connection").or("5s");
pub(crate) const MAX_RETRIES: Spec = Spec::new("max_retries", "how often a failed request is repeated").or("8");
pub(crate) const RETRY_TIMEOUT: Spec =
    Spec::new("retry_timeout", "when to stop repeating, counted from the first attempt").or("never");
const INIT_BACKOFF: Spec = Spec::new("init_backoff", "how long to wait before the first repetition").or("100ms");
const MAX_BACKOFF: Spec = Spec::new("max_backoff", "the longest wait before a repetition").or("5s");
const BACKOFF_BASE: Spec =
    Spec::new("backoff_base", "how many times longer each wait is than the one before").or("2.5");
const DEFAULT_HEADERS: Spec =
    Spec::new("default_headers", "further headers of every request, each a line `Name: value`").secret();
const CONTENT_TYPE: Spec =
    Spec::new("default_content_type", "the content type of what is written, where nothing else is said").or("none");

/// The settings of [`Wire`], besides those of its [`Network`].
const OWN: [&Spec; 11] = [
    &ALLOW_HTTP,
    &TIMEOUT,
    &READ_TIMEOUT,
    &CONNECT_TIMEOUT,
    &MAX_RETRIES,
    &RETRY_TIMEOUT,
    &INIT_BACKOFF,
    &MAX_BACKOFF,
    &BACKOFF_BASE,
    &DEFAULT_HEADERS,
    &CONTENT_TYPE,
];

/// The settings of [`Wire`], for every store that is reached over HTTP.
pub(crate) const WIRE: [&Spec; OWN.len() + NETWORK.len()] = {
    let mut all = [OWN[0]; OWN.len() + NETWORK.len()];
    let mut index = 0;
    while index < all.len() {
        all[index] = if index < NETWORK.len() { NETWORK[index] } else { OWN[index - NETWORK.len()] };
        index += 1;
    }
    all
};

/// How requests travel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wire {
    pub(crate) network: Network,
    pub(crate) allow_http: bool,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_retries: usize,
    pub(crate) retry_timeout: Duration,
    backoff: Backoff,
    /// Headers of every request.
    pub(crate) headers: Vec<(String, Secret)>,
    /// The content type of what is written.
    pub(crate) content_type: Option<String>,
}

/// How long to wait before repetitions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Backoff {
    init: Duration,
    max: Duration,
    /// In thousandths.
    base: u64,
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
        let timeouts = [given.patience(&TIMEOUT)?, given.patience(&READ_TIMEOUT)?];
        Ok(Self {
            network: Network::resolve(given)?,
            allow_http: allow_http.unwrap_or(plain_http),
            timeout: timeouts.into_iter().flatten().min().unwrap_or(Duration::from_secs(60)),
            connect_timeout: given.patience(&CONNECT_TIMEOUT)?.unwrap_or(Duration::from_secs(5)),
            max_retries: given.number(&MAX_RETRIES)?.unwrap_or(8),
            // The clock of a download starts with its first request, and a large one may take hours.
            retry_timeout: given.duration(&RETRY_TIMEOUT)?.unwrap_or(FOREVER),
            backoff: Backoff::resolve(given)?,
            headers: given.text(&DEFAULT_HEADERS)?.map(headers).transpose()?.unwrap_or_default(),
            content_type: given.text(&CONTENT_TYPE)?.map(Value::header).transpose()?,
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
        let follows = if public && self.headers.is_empty() { Redirects::Anywhere } else { Redirects::SameServer };
        self.dressed(following(&ClientSettings { direct: is_near(address), ..self.client_settings(address) }, follows)?)
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

    fn dressed(&self, http: HttpClient) -> Result<HttpClient, ConfigError> {
        if self.headers.is_empty() {
            return Ok(http);
        }
        let mut headers = HeaderMap::new();
        add_headers(&mut headers, DEFAULT_HEADERS.name, &self.headers)?;
        Ok(HttpClient::new(Dressed { http, headers }))
    }

    /// What `object_store` is told beside its client.
    pub(crate) fn client_options(&self) -> ClientOptions {
        let options = ClientOptions::new();
        match &self.content_type {
            Some(kind) => options.with_default_content_type(kind),
            None => options,
        }
    }

    fn client_settings(&self, address: &str) -> ClientSettings {
        ClientSettings {
            allow_http: self.allow_http,
            needs_tls: address.starts_with("https://"),
            direct: false,
            network: self.network.clone(),
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
        }
    }

    pub(crate) fn retry(&self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig {
                init_backoff: self.backoff.init,
                max_backoff: self.backoff.max,
                base: self.backoff.base as f64 / 1000.0,
            },
            max_retries: self.max_retries,
            retry_timeout: self.retry_timeout,
        }
    }
}

impl Backoff {
    fn resolve(given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let init = given.duration(&INIT_BACKOFF)?;
        let max = given.duration(&MAX_BACKOFF)?;
        let base = match given.text(&BACKOFF_BASE)? {
            None => 2.5,
            Some(value) => match value.text.parse::<f64>() {
                Ok(base) if (1.0..=1000.0).contains(&base) => base,
                _ => return Err(invalid(&value.key, format!("{:?} is no number from 1 to 1000", value.text))),
            },
        };
        // Who wants to begin late does not want to be cut short by a default.
        let max = max.unwrap_or_else(|| Duration::from_secs(5).max(init.unwrap_or_default()));
        let init = init.unwrap_or_else(|| Duration::from_millis(100).min(max));
        if init > max {
            return Err(invalid(INIT_BACKOFF.name, format!("{init:?} is longer than max_backoff, {max:?}")));
        }
        Ok(Self { init, max, base: (base * 1000.0).round() as u64 })
    }
}

/// Headers that say which bytes are wanted, or where a message ends. They belong to whoever sends the request.
const OURS: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "depth",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
    "te",
    "transfer-encoding",
];

/// Reads lines of `Name: value`, of which the values may be secrets.
///
/// # Errors
///
/// [`ConfigError::InvalidOption`] for a line that is none, and for a header that no request can have.
pub(crate) fn headers(value: Value) -> Result<Vec<(String, Secret)>, ConfigError> {
    let mut headers = Vec::new();
    for line in value.text.lines().filter(|line| !line.trim().is_empty()) {
        let Some((name, content)) = line.split_once(':') else {
            return Err(invalid(&value.key, "a line has no colon; write `Name: value`".into()));
        };
        let name = name.trim().to_ascii_lowercase();
        if OURS.contains(&name.as_str()) {
            return Err(invalid(&value.key, format!("{name:?} is set by the client itself")));
        }
        headers.push((name, Secret(content.trim().to_owned())));
    }
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    add_headers(&mut HeaderMap::new(), &value.key, &headers)?;
    Ok(headers)
}

/// Puts `headers` into a map. Errors name the option `key` and show no value.
///
/// # Errors
///
/// [`ConfigError::InvalidOption`] for what no request can carry.
pub(crate) fn add_headers(map: &mut HeaderMap, key: &str, headers: &[(String, Secret)]) -> Result<(), ConfigError> {
    for (name, value) in headers {
        let header: HeaderName = name.parse().map_err(|_| invalid(key, format!("{name:?} is no name of a header")))?;
        let mut value = HeaderValue::from_str(&value.0)
            .map_err(|_| invalid(key, "cannot be sent in a header; was it copied with a line end?".into()))?;
        value.set_sensitive(true);
        map.append(header, value);
    }
    Ok(())
}
