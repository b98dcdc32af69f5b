//! The way to a server, step by step, for people who want to know where it ends.
//!
//! Requests go over pooled connections and tell little of how those were made. Here each step is one call: addresses, a
//! connection, a handshake, an answer. They use the same resolver, trust and proxies as requests do.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use hyper_util::client::proxy::matcher::Matcher;
use object_store::client::{HttpError, HttpRequest, HttpRequestBody};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::connection::{NAME, TRUST, broken_tls, hung_up, plainly};
use super::names;
use super::trust::{self, Trust};
use crate::ConfigError;
use crate::address::is_near;
use crate::wire::Wire;

/// Where a store's requests go.
#[derive(Clone, Debug)]
pub struct Route {
    /// The address that is asked, as in `http://host:port/bucket`.
    pub url: String,
    /// The host that connections are made to: the server, or a proxy.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the server is reached over TLS.
    pub tls: bool,
    /// The proxy in between, without what it is told of the user.
    pub proxy: Option<String>,
    wire: Wire,
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it is about.
    pub subject: String,
    /// Who has signed it.
    pub issuer: String,
    /// The names that it is good for.
    pub names: Vec<String>,
    /// When it ends.
    pub until: DateTime<Utc>,
}

/// Why there is no TLS connection.
#[derive(Clone, Debug)]
pub struct TlsFailure {
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub advice: &'static str,
    /// What the server showed.
    pub certificate: Option<Certificate>,
}

/// An answer to a request that asked for nothing in particular.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// The HTTP status. Any is an answer.
    pub status: u16,
    /// The name of the server.
    pub server: Option<String>,
    /// What time it is there.
    pub date: Option<DateTime<Utc>>,
}

impl Route {
    /// The route to the checked address `url`.
    pub(crate) fn new(url: &str, wire: &Wire) -> Option<Self> {
        let uri: http::Uri = url.parse().ok()?;
        let tls = uri.scheme_str() == Some("https");
        let default_port = |tls| if tls { 443 } else { 80 };
        // The proxy that the client of the same address takes.
        let between = match wire.network.proxies() {
            Some(named) => named.intercept(&uri),
            None if is_near(url) => None,
            None => Matcher::from_system().intercept(&uri),
        };
        let dialled = between.as_ref().map_or(&uri, |between| between.uri());
        let host = dialled.host()?.trim_matches(['[', ']']).to_owned();
        let dials_tls = dialled.scheme_str() == Some("https");
        let port = dialled.port_u16().unwrap_or(default_port(dials_tls));
        let proxy = between.map(|between| format!("{}://{host}:{port}", between.uri().scheme_str().unwrap_or("http")));
        Some(Self { url: url.to_owned(), host, port, tls, proxy, wire: wire.clone() })
    }

    /// The addresses of the host.
    ///
    /// # Errors
    ///
    /// What the resolver says.
    pub async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        names::addresses(&self.host, self.port).await
    }

    /// A connection to the first of `addresses` that takes one.
    ///
    /// # Errors
    ///
    /// The last one's failure.
    pub async fn connect(&self, addresses: &[SocketAddr]) -> io::Result<TcpStream> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "there is no address");
        for address in addresses {
            match timeout(self.wire.connect_timeout, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = error,
                Err(_) => {
                    let waited = format!("{address} gave no answer within {:?}", self.wire.connect_timeout);
                    failure = io::Error::new(io::ErrorKind::TimedOut, waited);
                }
            }
        }
        Err(failure)
    }

    /// Begins TLS on a connection to the server.
    ///
    /// # Errors
    ///
    /// Why that cannot be, with the certificate where there was one.
    pub async fn handshake(&self, stream: TcpStream) -> Result<(Certificate, &'static str), TlsFailure> {
        let failure = |reason: String, advice| TlsFailure { reason, advice, certificate: None };
        let seen = Arc::default();
        let network = &self.wire.network;
        let config = Trust::new(network)
            .and_then(|trust| {
                trust::configuration(Arc::new(Recorder { trust, seen: Arc::clone(&seen) }), network.versions)
            })
            .map_err(|error| failure(error.to_string(), TRUST))?;
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| failure(format!("{:?} is no name that a certificate could have", self.host), NAME))?;
        let patience = self.wire.connect_timeout.max(Duration::from_secs(5));
        let shaken = timeout(patience, TlsConnector::from(Arc::new(config)).connect(name, stream)).await;
        let certificate = seen.lock().unwrap_or_else(PoisonError::into_inner).take().and_then(|der| read(&der));
        match (shaken, certificate) {
            (Ok(Ok(stream)), Some(certificate)) => {
                let version = match stream.get_ref().1.protocol_version() {
                    Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
                    _ => "TLS 1.2",
                };
                Ok((certificate, version))
            }
            (Ok(Ok(_)), None) => Err(failure("the server's certificate cannot be read".into(), TRUST)),
            (Ok(Err(error)), certificate) => {
                let (reason, advice) = broken_tls(&error).map_or_else(|| hung_up(&error), plainly);
                Err(TlsFailure { reason, advice, certificate })
            }
            (Err(_), certificate) => {
                Err(TlsFailure { reason: format!("no answer within {patience:?}"), advice: SILENT, certificate })
            }
        }
    }

    /// Asks the server for anything, unsigned, over the pool that requests use.
    ///
    /// # Errors
    ///
    /// What the client says where there is no answer.
    pub async fn greet(&self) -> Result<Result<Greeting, HttpError>, ConfigError> {
        let http = self.wire.client(&self.url, false)?;
        let ask = |method| {
            let mut request = HttpRequest::new(HttpRequestBody::empty());
            *request.method_mut() = method;
            if let Ok(uri) = self.url.parse() {
                *request.uri_mut() = uri;
            }
            http.execute(request)
        };
        let answer = match ask(Method::HEAD).await {
            // Servers that want TLS say so in a body, which answers to HEAD do not have.
            Ok(response) if response.status() == StatusCode::BAD_REQUEST && !self.tls => ask(Method::GET).await,
            answer => answer,
        };
        Ok(answer.map(|response| {
            let text = |name: http::HeaderName| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
            let date = text(http::header::DATE).and_then(|date| DateTime::parse_from_rfc2822(&date).ok());
            Greeting {
                status: response.status().as_u16(),
                server: text(http::header::SERVER),
                date: date.map(|date| date.with_timezone(&Utc)),
            }
        }))
    }
}

const SILENT: &str = "the port takes connections and says nothing; is it the right one?";

/// Asks whoever decides for requests, and keeps what the server showed.
#[derive(Debug)]
struct Recorder {
    trust: Trust,
    seen: Arc<Mutex<Option<Vec<u8>>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        self.trust.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.supported_verify_schemes()
    }
}

fn read(der: &[u8]) -> Option<Certificate> {
    let certificate = x509_cert::Certificate::from_der(der).ok()?;
    let about = certificate.tbs_certificate();
    let names = match about.get_extension::<SubjectAltName>() {
        Ok(Some((_, names))) => names.0.iter().filter_map(shown).collect(),
        _ => Vec::new(),
    };
    Some(Certificate {
        subject: about.subject().to_string(),
        issuer: about.issuer().to_string(),
        names,
        until: about.validity().not_after.to_system_time().into(),
    })
}

fn shown(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(address) => match *address.as_bytes() {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            ref bytes => <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}
