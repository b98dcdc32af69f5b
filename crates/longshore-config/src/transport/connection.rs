//! Why there is no connection to a server, in words for whoever has to mend it.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use object_store::client::{HttpError, HttpErrorKind};
use reqwest::Url;
use rustls::{CertificateError, InvalidMessage};
use thiserror::Error;

use super::failure::{causes, http_error};
use super::names::NoAddress;

/// There is no connection to a server, or none that both sides understand. It stands in the chain of causes of the failed
/// operation.
#[derive(Debug, Error)]
#[error("{said}: {advice}")]
pub struct NoConnection {
    said: String,
    advice: String,
    source: Option<reqwest::Error>,
}

impl NoConnection {
    /// What happened, and at which address.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// What to check, or to write instead.
    pub fn advice(&self) -> &str {
        &self.advice
    }

    /// For a server that said, in plain HTTP, that it wants TLS.
    pub(super) fn wants_tls(url: &Url) -> HttpError {
        let said = format!("the server at {} speaks TLS", host(url));
        HttpError::new(HttpErrorKind::Unknown, Self { said, advice: USE_TLS.into(), source: None })
    }
}

/// Where a request went that was not answered.
pub(super) struct Peer<'a> {
    pub(super) url: &'a Url,
    /// Which proxies there are, for a client that may use them.
    pub(super) proxies: Option<&'a Matcher>,
    pub(super) connect_timeout: Duration,
}

impl Peer<'_> {
    /// The failure of a request, with the address where that says more. Nothing was sent where there was no connection, so every
    /// request may be repeated; what another try would not change is of the kind `Unknown`, which nobody repeats.
    pub(super) fn failure(&self, error: reqwest::Error) -> HttpError {
        let tls = causes(&error).find_map(|cause| broken_tls(cause.downcast_ref()?));
        let (kind, said, advice) = if !error.is_connect() {
            if self.url.scheme() != "http" || !causes(&error).any(is_no_http) {
                return http_error(error);
            }
            let said = format!("the server at {} did not answer in HTTP; most likely it speaks TLS", host(self.url));
            (HttpErrorKind::Unknown, said, USE_TLS)
        } else if let Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) = tls {
            let host = host(self.url);
            let said = format!("the server at {host} did not answer in TLS; most likely it answered in plain HTTP");
            (HttpErrorKind::Unknown, said, USE_PLAIN)
        } else {
            let kind = match tls {
                Some(rustls::Error::InvalidCertificate(_)) => HttpErrorKind::Unknown,
                _ => HttpErrorKind::Connect,
            };
            let proxy = self.proxy();
            let (reason, advice) = match tls {
                Some(problem) => plainly(problem),
                None => (self.reason(&error), if proxy.is_some() { PROXY } else { self.advice(&error) }),
            };
            let via = proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
            (kind, format!("could not connect to {}{via} ({reason})", origin(self.url)), advice)
        };
        let source = Some(error.without_url());
        HttpError::new(kind, NoConnection { said, advice: advice.into(), source })
    }

    fn proxy(&self) -> Option<String> {
        let proxy = self.proxies?.intercept(&self.url.as_str().parse().ok()?)?;
        let uri = proxy.uri();
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{}{port}", uri.scheme_str().unwrap_or("http"), uri.host()?))
    }

    fn reason(&self, error: &reqwest::Error) -> String {
        if is_late(error) {
            return format!("no answer within {:?}", self.connect_timeout);
        }
        match causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind) {
            Some(
                kind @ (io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::TimedOut),
            ) => kind.to_string(),
            _ => causes(error).last().map_or_else(|| error.to_string(), ToString::to_string),
        }
    }

    fn advice(&self, error: &reqwest::Error) -> &'static str {
        if causes(error).any(|cause| cause.is::<NoAddress>()) {
            return "check the host's name and this machine's resolver; is a VPN missing?";
        }
        match causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind) {
            _ if is_late(error) => FIREWALL,
            Some(io::ErrorKind::TimedOut) => FIREWALL,
            Some(io::ErrorKind::ConnectionRefused) => "is the server running, and is it the right port?",
            Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
                if self.url.scheme() == "https" =>
            {
                NO_TLS
            }
            _ => "is there a route to it from this machine?",
        }
    }
}

/// Whether the wait for a connection ended, rather than the system's own.
fn is_late(error: &reqwest::Error) -> bool {
    let by_system = causes(error)
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.raw_os_error().is_some()));
    error.is_timeout() && !by_system
}

/// The address of a server, without anything that may be a secret.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn host(url: &Url) -> String {
    let origin = origin(url);
    origin.split_once("://").map_or(&*origin, |(_, host)| host).to_owned()
}

/// What `rustls` says, which stands inside of an error of the system's kind.
pub(super) fn broken_tls(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| broken_tls(inner.downcast_ref()?))
}

/// Whether an answer did not begin as HTTP does. That is `hyper`'s only word for it.
fn is_no_http(cause: &(dyn StdError + 'static)) -> bool {
    cause.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_parse() && error.to_string().contains("version"))
}

/// What servers with TLS answer to those who come without it: Go's, nginx, Apache.
pub(super) const PLEAS_FOR_TLS: [&str; 3] =
    ["HTTP request to an HTTPS server", "HTTP request was sent to HTTPS port", "speaking plain HTTP to an SSL-enabled"];

const USE_TLS: &str = "use https://";
const USE_PLAIN: &str = "use http:// and allow_http=True";
const FIREWALL: &str =
    "is there a firewall or a security group on the way? raise `connect_timeout` if the server needs longer";
const PROXY: &str =
    "is the proxy running, and does it let requests through to this host? NO_PROXY names hosts that need none";
pub(super) const TRUST: &str =
    "name a PEM file with the certificate of whoever signed it: ca_bundle, AWS_CA_BUNDLE or SSL_CERT_FILE";
pub(super) const NAME: &str = "write the host as the certificate has it, or have the server show another certificate";
const DATE: &str = "have the server's certificate renewed, or set this machine's clock";
const NO_TLS: &str =
    "does the server have TLS on this port? use http:// and allow_http=True where it has none, or name its other port";

/// What `rustls` says, and what to do about it.
pub(super) fn plainly(error: &rustls::Error) -> (String, &'static str) {
    let rustls::Error::InvalidCertificate(problem) = error else {
        return match error {
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
                ("the server did not answer in TLS; most likely it answered in plain HTTP".into(), USE_PLAIN)
            }
            rustls::Error::AlertReceived(alert) => (format!("the server refused: {alert:?}"), NO_TLS),
            other => (other.to_string(), NO_TLS),
        };
    };
    match problem {
        CertificateError::UnknownIssuer => ("nobody whom this machine trusts has signed the certificate".into(), TRUST),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("the certificate has expired".into(), DATE)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("the certificate is not good yet".into(), DATE)
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("the certificate is for other names".into(), NAME)
        }
        CertificateError::Revoked => ("the certificate has been revoked".into(), DATE),
        other => match other.to_string() {
            text if text.contains("CaUsedAsEndEntity") => {
                ("the server shows an authority's certificate as its own; it has signed itself".into(), TRUST)
            }
            text => (text, TRUST),
        },
    }
}

/// What to say where TLS cannot begin and `rustls` has no word for it.
pub(super) fn hung_up(error: &io::Error) -> (String, &'static str) {
    (format!("the server hung up: {error}"), NO_TLS)
}
