//! Whose certificates are trusted: the system's authorities, those that were given, and a server whose own certificate is among
//! them. Or anybody's, where somebody wants that.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use x509_cert::der::Decode;

use crate::ConfigError;
use crate::options::invalid;
use crate::wire::network::{Network, ROOT_CERTIFICATE, Versions};

/// How errors name the option and its variable.
const BUNDLE: &str = "ca_bundle (AWS_CA_BUNDLE)";

/// Checks the certificates that servers show.
///
/// What many servers are set up with, a certificate that has signed itself, is an authority's, and `webpki` takes none from a
/// server. Where it is in the bundle, byte by byte, somebody has said that it is to be trusted: then its names and its dates
/// are checked here, and the handshake proves that the server has its key, as always.
#[derive(Debug)]
pub(super) struct Trust {
    ordinary: Arc<dyn ServerCertVerifier>,
    given: Vec<CertificateDer<'static>>,
    /// Whether nothing is checked but that the server has the key of what it shows.
    anybody: bool,
}

impl Trust {
    /// What `network` says.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] for certificates that cannot be used, [`ConfigError::HttpClient`] where the system's
    /// cannot.
    pub(super) fn new(network: &Network) -> Result<Self, ConfigError> {
        let bundle = network.ca_bundle.as_deref();
        let mut given = bundle.map(read).transpose()?.unwrap_or_default();
        for (name, text) in network.certificates() {
            given.extend(parsed(name, "the text", text.as_bytes())?);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let unfit = |error: &dyn std::fmt::Display| match bundle {
            Some(path) => invalid(BUNDLE, format!("{path:?} holds a certificate that cannot be used: {error}")),
            None if given.is_empty() => ConfigError::HttpClient { reason: error.to_string() },
            None => invalid(ROOT_CERTIFICATE.name, format!("holds a certificate that cannot be used: {error}")),
        };
        let ordinary: Arc<dyn ServerCertVerifier> = if network.any_certificate {
            Arc::new(Signatures(provider))
        } else if network.only_given {
            let mut roots = RootCertStore::empty();
            for certificate in &given {
                roots.add(certificate.clone()).map_err(|error| unfit(&error))?;
            }
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
            verifier.map_err(|error| unfit(&error))?
        } else {
            Arc::new(Verifier::new_with_extra_roots(given.clone(), provider).map_err(|error| unfit(&error))?)
        };
        Ok(Self { ordinary, given, anybody: network.any_certificate })
    }
}

fn read(path: &str) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let pem = std::fs::read(path).map_err(|error| invalid(BUNDLE, format!("cannot read {path:?}: {error}")))?;
    parsed(BUNDLE, &format!("{path:?}"), &pem)
}

/// The certificates of `place`, which the option `name` gives.
fn parsed(name: &str, place: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(invalid(name, format!("{place} holds no certificate in PEM form")))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(invalid(name, format!("{place} is not in PEM form: {error}"))),
    }
}

/// What a TLS client asks of servers, and which versions of HTTP it offers to speak.
///
/// # Errors
///
/// [`ConfigError::HttpClient`], which would be a fault of this build.
pub(super) fn configuration(
    verifier: Arc<dyn ServerCertVerifier>,
    versions: Versions,
) -> Result<ClientConfig, ConfigError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::HttpClient { reason: error.to_string() })?
        // What is dangerous is a verifier that checks less; see `Trust`.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    let offered: &[&[u8]] = match versions {
        Versions::One => &[b"http/1.1"],
        Versions::Either => &[b"h2", b"http/1.1"],
        Versions::Two => &[b"h2"],
    };
    configuration.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    Ok(configuration)
}

/// Checks the names and the dates of a certificate that is trusted as it is.
fn check_itself(certificate: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
    let read = x509_cert::Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = read.tbs_certificate().validity();
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.anybody {
            return Ok(ServerCertVerified::assertion());
        }
        if self.given.iter().any(|known| known == shown) {
            return check_itself(shown, name, now).map(|()| ServerCertVerified::assertion());
        }
        self.ordinary.verify_server_cert(shown, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.ordinary.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.ordinary.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.ordinary.supported_verify_schemes()
    }
}

/// Checks that a server has the key of the certificate that it shows, and nothing about the certificate.
#[derive(Debug)]
struct Signatures(Arc<CryptoProvider>);

impl ServerCertVerifier for Signatures {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Err(CertificateError::UnknownIssuer.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
