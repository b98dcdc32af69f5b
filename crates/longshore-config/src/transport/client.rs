//! One client, hence one connection pool, per set of settings and process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use longshore_runtime::configuration::Configuration;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use reqwest::redirect::Policy;

use super::failure::{Unsendable, causes, http_error};
use super::idle::{Impatient, Metered, Progress, Unanswered};
use super::names::Names;
use super::seats::{Seated, Seats};
use super::trace::{Requests, Trace};
use crate::network::Network;
use crate::options::invalid;
use crate::{ConfigError, Context};

/// What decides how requests travel. Stores in which it is equal share connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientSettings {
    /// Whether requests may go over plain HTTP.
    pub(crate) allow_http: bool,
    /// Whether the server is reached over TLS, so that there is no use without certificates to trust.
    pub(crate) needs_tls: bool,
    /// Whether the server is on this machine or link, where no proxy belongs, whatever the environment names.
    pub(crate) direct: bool,
    /// How connections are made.
    pub(crate) network: Network,
    /// Longest wait for a connection.
    pub(crate) connect_timeout: Duration,
    /// Longest silence.
    pub(crate) timeout: Duration,
}

/// Which redirects a client follows. Only `Authorization` is left out on the way to another server; keys, tokens and secrets in
/// other headers and in bodies would go along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Redirects {
    /// None: for credentials, and for whoever follows them itself.
    Nowhere,
    /// Those that stay on the server.
    SameServer,
    /// All, for requests that hold no secret.
    Anywhere,
}

/// As many as browsers and `reqwest` follow, at most.
const MOST_REDIRECTS: usize = 10;

/// The clients of a process.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<HashMap<(ClientSettings, Redirects), HttpClient>>);

/// The client of this process for `settings`. It follows no redirects.
///
/// # Errors
///
/// [`ConfigError::InvalidOption`] for a CA bundle that cannot be used, [`ConfigError::HttpClient`] without any certificate
/// to trust.
pub(crate) fn client(settings: &ClientSettings) -> Result<HttpClient, ConfigError> {
    following(settings, Redirects::Nowhere)
}

/// As [`client`], for one that follows redirects.
pub(crate) fn following(settings: &ClientSettings, follows: Redirects) -> Result<HttpClient, ConfigError> {
    let mut clients = Context::process().clients().0.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = (settings.clone(), follows);
    if let Some(client) = clients.get(&wanted) {
        return Ok(client.clone());
    }
    let client = HttpClient::new(ObservedClient {
        http: build(settings, follows)?,
        connect_timeout: settings.connect_timeout,
        timeout: settings.timeout,
        seats: Seats::new(),
    });
    clients.insert(wanted, client.clone());
    Ok(client)
}

fn build(settings: &ClientSettings, follows: Redirects) -> Result<reqwest::Client, ConfigError> {
    let network = &settings.network;
    let most = Configuration::settled().connections.unwrap_or(usize::MAX);
    let builder = || {
        let builder = reqwest::Client::builder().pool_max_idle_per_host(network.idle_at_most.unwrap_or(most).min(most));
        let builder = if settings.direct { builder.no_proxy() } else { builder };
        let builder = builder
            .redirect(policy(follows))
            .connect_timeout(settings.connect_timeout)
            .https_only(!settings.allow_http)
            .dns_resolver(Names { shuffled: network.randomize })
            // An object is what is stored, and as long as `Content-Length` says.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        network.apply(builder)
    };
    if network.any_certificate {
        let built = builder()?.tls_danger_accept_invalid_certs(true).build();
        return built.map_err(|error| ConfigError::HttpClient { reason: innermost(&error) });
    }
    let mut certificates = network.certificates()?;
    if let Some(path) = &network.ca_bundle {
        certificates.extend(read_bundle(path)?);
    }
    if network.only_given {
        let built = builder()?.tls_certs_only(certificates).build();
        return built.map_err(|error| ConfigError::HttpClient { reason: innermost(&error) });
    }
    if !certificates.is_empty() {
        return builder()?.tls_certs_merge(certificates).build().map_err(|error| {
            let path = network.ca_bundle.as_deref().unwrap_or("the text");
            invalid(BUNDLE, format!("{path:?} holds a certificate that cannot be used: {}", innermost(&error)))
        });
    }
    match builder()?.build() {
        Ok(client) => Ok(client),
        Err(error) if settings.needs_tls => Err(ConfigError::HttpClient { reason: innermost(&error) }),
        // Without certificates no TLS connection will be made, and none is asked for.
        Err(_) => {
            builder()?.tls_certs_only([]).build().map_err(|error| ConfigError::HttpClient { reason: innermost(&error) })
        }
    }
}

fn policy(follows: Redirects) -> Policy {
    match follows {
        Redirects::Nowhere => Policy::none(),
        Redirects::Anywhere => Policy::limited(MOST_REDIRECTS),
        Redirects::SameServer => Policy::custom(|attempt| {
            let stays = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
            if stays && attempt.previous().len() <= MOST_REDIRECTS { attempt.follow() } else { attempt.stop() }
        }),
    }
}

/// How errors name the option and its variable.
const BUNDLE: &str = "ca_bundle (AWS_CA_BUNDLE)";

fn read_bundle(path: &str) -> Result<Vec<reqwest::Certificate>, ConfigError> {
    let pem = std::fs::read(path).map_err(|error| invalid(BUNDLE, format!("cannot read {path:?}: {error}")))?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if certificates.is_empty() => {
            Err(invalid(BUNDLE, format!("{path:?} holds no certificate in PEM form")))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(invalid(BUNDLE, format!("{path:?} is not in PEM form: {}", innermost(&error)))),
    }
}

fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Sends requests, watches that they move, and notes them in the [`Trace`] of the operation they belong to.
#[derive(Debug)]
struct ObservedClient {
    http: reqwest::Client,
    connect_timeout: Duration,
    timeout: Duration,
    seats: Option<Seats>,
}

#[async_trait]
impl HttpService for ObservedClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        Requests::note();
        let trace = Trace::current();
        if let Some(trace) = &trace {
            trace.note_request();
        }
        let (parts, body) = request.into_parts();
        let url = reqwest::Url::parse(&parts.uri.to_string())
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, Unsendable(error.to_string())))?;
        let seat = match &self.seats {
            Some(seats) => Some(seats.take(&parts.method, &url).await),
            None => None,
        };
        let progress = Progress::start();
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(Metered::wrap(body, &progress));
        let unanswered = Unanswered::new(&progress);
        let answer = progress.watch(self.timeout, self.http.execute(request)).await?;
        unanswered.answered();
        let response: http::Response<reqwest::Body> =
            answer.map_err(|error| http_error(error, self.connect_timeout))?.into();
        if let Some(trace) = trace {
            trace.note_answer(&response);
        }
        Ok(response.map(|body| {
            let body = Impatient::new(body, self.timeout, self.connect_timeout);
            match seat {
                Some(_) => HttpResponseBody::new(Seated::new(body, seat)),
                None => HttpResponseBody::new(body),
            }
        }))
    }
}

/// Gives `object_store` a client that is already there, whatever options it asks for.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) HttpClient);

impl HttpConnector for Fixed {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}
