//! One client, hence one connection pool, per set of settings and process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::header::CONTENT_LENGTH;
use http::{StatusCode, Version};
use hyper_util::client::proxy::matcher::Matcher;
use longshore_runtime::configuration::Configuration;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};

use super::connection::{NoConnection, PLEAS_FOR_TLS, Peer};
use super::failure::{Unsendable, causes};
use super::idle::{Impatient, Metered, Progress, Unanswered};
use super::names::Names;
use super::redirects::{Led, Redirects};
use super::seats::{Seated, Seats};
use super::trace::{Requests, Trace};
use super::trust::{self, Trust};
use crate::wire::network::Network;
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
        proxies: settings.network.proxies().or_else(|| (!settings.direct).then(Matcher::from_system)),
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
            .redirect(follows.policy())
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
    if network.trusts_others() {
        let trust = trust::configuration(Arc::new(Trust::new(network)?), network.versions)?;
        let client = builder()?.tls_backend_preconfigured(trust).build();
        return client.map_err(|error| ConfigError::HttpClient { reason: innermost(&error) });
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

fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Sends requests, watches that they move, and notes them in the [`Trace`] of the operation they belong to.
#[derive(Debug)]
struct ObservedClient {
    http: reqwest::Client,
    /// What `http` was told or has found in the environment, for whoever has to say where a connection was to go.
    proxies: Option<Matcher>,
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
        let mut request = reqwest::Request::new(parts.method, url.clone());
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(Metered::wrap(body, &progress));
        let unanswered = Unanswered::new(&progress);
        let led = Led::default();
        let answer = progress.watch(self.timeout, led.scope(self.http.execute(request))).await?;
        unanswered.answered();
        let failure = |error| {
            let url = led.last().unwrap_or_else(|| url.clone());
            let (proxies, connect_timeout) = (self.proxies.as_ref(), self.connect_timeout);
            Peer { url: &url, proxies, connect_timeout }.failure(error)
        };
        let response: http::Response<reqwest::Body> = answer.map_err(failure)?.into();
        if let Some(trace) = trace {
            trace.note_answer(&response);
        }
        let response = response.map(|body| {
            let body = Impatient::new(body, self.timeout);
            match seat {
                Some(_) => HttpResponseBody::new(Seated::new(body, seat)),
                None => HttpResponseBody::new(body),
            }
        });
        if url.scheme() == "http" && response.status() == StatusCode::BAD_REQUEST {
            return unless_it_wants_tls(response, &url).await;
        }
        Ok(response)
    }
}

/// The longest refusal that is looked into. Those that want TLS are a line or a short page.
const LONGEST_PLEA: u64 = 4096;

/// The answer to a request over plain HTTP, or an error that says that the server wants TLS.
async fn unless_it_wants_tls(response: HttpResponse, url: &reqwest::Url) -> Result<HttpResponse, HttpError> {
    // Go's servers write this by hand, without a single header, also to those who ask for no body.
    if response.version() == Version::HTTP_10 && response.headers().is_empty() {
        return Err(NoConnection::wants_tls(url));
    }
    let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_none_or(|length| length > LONGEST_PLEA) {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = body.bytes().await?;
    let wants_tls = {
        let text = String::from_utf8_lossy(&body);
        PLEAS_FOR_TLS.iter().any(|plea| text.contains(plea))
    };
    if wants_tls {
        return Err(NoConnection::wants_tls(url));
    }
    Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(body)))
}

/// Gives `object_store` a client that is already there, whatever options it asks for.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) HttpClient);

impl HttpConnector for Fixed {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}
