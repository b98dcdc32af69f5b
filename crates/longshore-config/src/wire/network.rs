//! How connections are made: trust, proxies, versions of HTTP, and what idle connections are kept.
//!
//! Whoever asks for credentials does it over the same network as the store itself.

use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Certificate, ClientBuilder, NoProxy, Proxy};

use crate::ConfigError;
use crate::given::{Given, Secret, Spec, Value};
use crate::options::invalid;

pub(crate) const CA_BUNDLE: Spec = Spec::new("ca_bundle", "a PEM file of certificates to trust besides the system's")
    .also(&["aws_ca_bundle"])
    .variables(&["AWS_CA_BUNDLE"])
    .profile(&["ca_bundle"]);
pub(crate) const ROOT_CERTIFICATE: Spec =
    Spec::new("root_certificate", "certificates to trust besides the system's, as PEM text instead of a file");
const ONLY_GIVEN: Spec =
    Spec::new("disable_system_certificates", "whether only the certificates that are given are trusted").or("false");
const ANY_CERTIFICATE: Spec = Spec::new(
    "allow_invalid_certificates",
    "whether a server's certificate may be anybody's; whoever is on the way can then read and change everything",
)
.or("false");
const PROXY: Spec = Spec::new("proxy_url", "the proxy for all requests").or("that of HTTP_PROXY and its like").secret();
const PROXY_CERTIFICATE: Spec =
    Spec::new("proxy_ca_certificate", "certificates to trust besides the system's, for the proxy's sake, as PEM text");
const PROXY_EXCLUDES: Spec =
    Spec::new("proxy_excludes", "hosts, domains and networks that are reached without the proxy, between commas");
const USER_AGENT: Spec = Spec::new("user_agent", "how the client calls itself").or("longshore/VERSION");
const HTTP1_ONLY: Spec = Spec::new("http1_only", "whether HTTP/2 is never spoken").or("true");
const HTTP2_ONLY: Spec = Spec::new("http2_only", "whether nothing but HTTP/2 is spoken").or("false");
const KEEP_ALIVE_INTERVAL: Spec =
    Spec::new("http2_keep_alive_interval", "how often a connection of HTTP/2 is asked whether it lives").or("never");
const KEEP_ALIVE_TIMEOUT: Spec =
    Spec::new("http2_keep_alive_timeout", "how long such a question may stay without an answer").or("20s");
const KEEP_ALIVE_IDLE: Spec =
    Spec::new("http2_keep_alive_while_idle", "whether idle connections of HTTP/2 are asked as well").or("false");
const MAX_FRAME_SIZE: Spec =
    Spec::new("http2_max_frame_size", "the largest frame of HTTP/2, in bytes: 16384 to 16777215").or("16384");
const POOL_IDLE_TIMEOUT: Spec =
    Spec::new("pool_idle_timeout", "how long an idle connection is kept for another request").or("90s");
const POOL_MAX_IDLE: Spec =
    Spec::new("pool_max_idle_per_host", "how many idle connections to one host are kept").or("all of them");
const RANDOMIZE: Spec =
    Spec::new("randomize_addresses", "whether the addresses of a host are tried in an order of chance").or("false");

/// The settings of a [`Network`].
pub(crate) const NETWORK: [&Spec; 17] = [
    &CA_BUNDLE,
    &ROOT_CERTIFICATE,
    &ONLY_GIVEN,
    &ANY_CERTIFICATE,
    &PROXY,
    &PROXY_CERTIFICATE,
    &PROXY_EXCLUDES,
    &USER_AGENT,
    &HTTP1_ONLY,
    &HTTP2_ONLY,
    &KEEP_ALIVE_INTERVAL,
    &KEEP_ALIVE_TIMEOUT,
    &KEEP_ALIVE_IDLE,
    &MAX_FRAME_SIZE,
    &POOL_IDLE_TIMEOUT,
    &POOL_MAX_IDLE,
    &RANDOMIZE,
];

/// How connections are made. Stores in which it is equal may share them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Network {
    /// A PEM file of certificates to trust.
    pub(crate) ca_bundle: Option<String>,
    /// Certificates to trust, in PEM form.
    pub(crate) root_certificate: Option<String>,
    /// Whether the system's certificates are not trusted.
    pub(crate) only_given: bool,
    /// Whether nothing is verified.
    pub(crate) any_certificate: bool,
    proxy: Option<Via>,
    user_agent: Option<String>,
    pub(crate) versions: Versions,
    keep_alive: KeepAlive,
    max_frame_size: Option<u32>,
    idle_for: Option<Duration>,
    /// How many idle connections to one host are kept.
    pub(crate) idle_at_most: Option<usize>,
    /// Whether addresses are shuffled.
    pub(crate) randomize: bool,
}

/// A proxy that was named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Via {
    url: Secret,
    certificate: Option<String>,
    excludes: Option<String>,
}

/// Which versions of HTTP are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Versions {
    #[default]
    One,
    Either,
    Two,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct KeepAlive {
    interval: Option<Duration>,
    timeout: Option<Duration>,
    while_idle: bool,
}

impl Network {
    pub(crate) fn resolve(given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let ca_bundle = given.text(&CA_BUNDLE)?.map(|value| value.text);
        let root_certificate = given.text(&ROOT_CERTIFICATE)?.map(pem).transpose()?;
        let only_given = given.flag(&ONLY_GIVEN)?.unwrap_or(false);
        if only_given && ca_bundle.is_none() && root_certificate.is_none() {
            let reason = "leaves nobody to trust; give ca_bundle or root_certificate as well";
            return Err(invalid(ONLY_GIVEN.name, reason.into()));
        }
        let any_certificate = given.flag(&ANY_CERTIFICATE)?.unwrap_or(false);
        let proxy = Via::resolve(given)?;
        let user_agent = given.text(&USER_AGENT)?.map(Value::header).transpose()?;
        let versions = match (given.flag(&HTTP1_ONLY)?, given.flag(&HTTP2_ONLY)?.unwrap_or(false)) {
            (Some(true), true) => {
                return Err(invalid(HTTP2_ONLY.name, "is given beside http1_only; give one of them".into()));
            }
            (_, true) => Versions::Two,
            (Some(false), false) => Versions::Either,
            (None | Some(true), false) => Versions::One,
        };
        let keep_alive = KeepAlive {
            interval: given.patience(&KEEP_ALIVE_INTERVAL)?,
            timeout: given.patience(&KEEP_ALIVE_TIMEOUT)?,
            while_idle: given.flag(&KEEP_ALIVE_IDLE)?.unwrap_or(false),
        };
        let max_frame_size = match given.text(&MAX_FRAME_SIZE)? {
            None => None,
            Some(value) => match value.text.parse() {
                Ok(bytes @ 16_384..=16_777_215) => Some(bytes),
                _ => return Err(invalid(&value.key, format!("{:?} is not from 16384 to 16777215", value.text))),
            },
        };
        if versions == Versions::One && (keep_alive != KeepAlive::default() || max_frame_size.is_some()) {
            let named = [&KEEP_ALIVE_INTERVAL, &KEEP_ALIVE_TIMEOUT, &KEEP_ALIVE_IDLE, &MAX_FRAME_SIZE];
            let name = named.into_iter().find(|spec| given.said(spec.name)).map_or(HTTP1_ONLY.name, |spec| spec.name);
            return Err(invalid(name, "is about HTTP/2; pass http1_only=False or http2_only=True as well".into()));
        }
        Ok(Self {
            ca_bundle,
            root_certificate,
            only_given,
            any_certificate,
            proxy,
            user_agent,
            versions,
            keep_alive,
            max_frame_size,
            idle_for: given.duration(&POOL_IDLE_TIMEOUT)?,
            idle_at_most: given.number(&POOL_MAX_IDLE)?,
            randomize: given.flag(&RANDOMIZE)?.unwrap_or(false),
        })
    }

    /// The same for whoever is on this machine or its link, where no proxy belongs.
    pub(crate) fn without_proxy(&self) -> Self {
        Self { proxy: None, ..self.clone() }
    }

    /// Tells a client how to connect, but for what it trusts.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] for a proxy that cannot be used.
    pub(crate) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, ConfigError> {
        let KeepAlive { interval, timeout, while_idle } = self.keep_alive;
        let mut builder = match &self.user_agent {
            Some(name) => builder.user_agent(name),
            None => builder.user_agent(concat!("longshore/", env!("CARGO_PKG_VERSION"))),
        };
        builder = match self.versions {
            Versions::One => builder.http1_only(),
            Versions::Either => builder,
            Versions::Two => builder.http2_prior_knowledge(),
        };
        if self.versions != Versions::One {
            builder = builder.http2_keep_alive_interval(interval).http2_keep_alive_while_idle(while_idle);
            builder = builder.http2_max_frame_size(self.max_frame_size);
            if let Some(timeout) = timeout {
                builder = builder.http2_keep_alive_timeout(timeout);
            }
        }
        if let Some(time) = self.idle_for {
            builder = builder.pool_idle_timeout(time);
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.made()?);
        }
        Ok(builder)
    }

    /// Which proxy stands before an address, where one was named.
    pub(crate) fn proxies(&self) -> Option<Matcher> {
        let Via { url, excludes, .. } = self.proxy.as_ref()?;
        let excludes = excludes.as_deref().unwrap_or_default();
        Some(Matcher::builder().all(url.reveal()).no(excludes).build())
    }

    /// Certificates that were given as text, by the options that gave them.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let proxy = self.proxy.as_ref().and_then(|proxy| proxy.certificate.as_deref());
        let texts = [(ROOT_CERTIFICATE.name, self.root_certificate.as_deref()), (PROXY_CERTIFICATE.name, proxy)];
        texts.into_iter().filter_map(|(name, text)| Some((name, text?)))
    }

    /// Whether others are trusted than those whom the system trusts.
    pub(crate) fn trusts_others(&self) -> bool {
        self.ca_bundle.is_some() || self.only_given || self.any_certificate || self.certificates().next().is_some()
    }
}

impl Via {
    fn resolve(given: &mut Given<'_>) -> Result<Option<Self>, ConfigError> {
        let url = given.text(&PROXY)?;
        let certificate = given.text(&PROXY_CERTIFICATE)?.map(pem).transpose()?;
        let excludes = given.text(&PROXY_EXCLUDES)?.map(|value| value.text);
        let Some(url) = url else {
            for (name, said) in [(&PROXY_CERTIFICATE, certificate.is_some()), (&PROXY_EXCLUDES, excludes.is_some())] {
                if said {
                    return Err(invalid(name.name, "belongs to proxy_url, which is missing".into()));
                }
            }
            return Ok(None);
        };
        let via = Self { url: Secret(url.text), certificate, excludes };
        via.made()?;
        Ok(Some(via))
    }

    /// The address may hold a password, and no error shows it.
    fn made(&self) -> Result<Proxy, ConfigError> {
        let unfit = |why: &str| invalid(PROXY.name, format!("{why}; write http://host:port"));
        let (scheme, _) = self.url.0.split_once("://").ok_or_else(|| unfit("is no address"))?;
        if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
            return Err(unfit("is no address of an HTTP proxy"));
        }
        let proxy = Proxy::all(&self.url.0).map_err(|_| unfit("is no address"))?;
        Ok(proxy.no_proxy(self.excludes.as_deref().and_then(NoProxy::from_string)))
    }
}

/// A text in PEM form.
fn pem(value: Value) -> Result<String, ConfigError> {
    match Certificate::from_pem_bundle(value.text.as_bytes()) {
        Ok(certificates) if !certificates.is_empty() => Ok(value.text),
        _ => Err(invalid(&value.key, "holds no certificate in PEM form".into())),
    }
}
