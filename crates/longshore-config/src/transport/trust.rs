//! Whose certificates are trusted: the system's authorities, those of a bundle, and a server whose own certificate is in it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use x509_cert::der::Decode;

use crate::ConfigError;
use crate::options::invalid;

/// How errors name the option and its variable.
const BUNDLE: &str = "ca_bundle (AWS_CA_BUNDLE)";

/// Checks the certificates that servers show.
///
/// What many servers are set up with, a certificate that has signed itself, is an authority's, and `webpki` takes none from a
/// server. Where it is in the bundle, byte by byte, somebody has said that it is to be trusted: then its names and its dates
/// are checked here, and the handshake proves that the server has its key, as always.
#[derive(Debug)]
pub(super) struct Trust {
    ordinary: Verifier,
    bundle: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// With the certificates of the PEM file `path`, if there is one, besides the system's.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] for a file that cannot be used, [`ConfigError::HttpClient`] where the system's
    /// certificates cannot.
    pub(super) fn new(path: Option<&str>) -> Result<Self, ConfigError> {
        let bundle = path.map(read).transpose()?.unwrap_or_default();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let ordinary = Verifier::new_with_extra_roots(bundle.clone(), provider).map_err(|error| match path {
            Some(path) => invalid(BUNDLE, format!("{path:?} holds a certificate that cannot be used: {error}")),
            None => ConfigError::HttpClient { reason: error.to_string() },
        })?;
        Ok(Self { ordinary, bundle })
    }
}

fn read(path: &str) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let pem = std::fs::read(path).map_err(|error| invalid(BUNDLE, format!("cannot read {path:?}: {error}")))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(invalid(BUNDLE, format!("{path:?} holds no certificate in PEM form")))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(invalid(BUNDLE, format!("{path:?} is not in PEM form: {error}"))),
    }
}

/// What a TLS client asks of servers, and of whom it speaks: HTTP/1.1 only, as every client here does.
///
/// # Errors
///
/// [`ConfigError::HttpClient`], which would be a fault of this build.
pub(super) fn configuration(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, ConfigError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::HttpClient { reason: error.to_string() })?
        // What is dangerous is a verifier that checks less; see `Trust`.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
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
        if self.bundle.iter().any(|known| known == shown) {
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
