//! The steps to a server: name, connection, encryption, answer, clock, credentials, bucket.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use longshore_config::{Certificate, Greeting, Live, NoConnection, Route, S3Access, Store, TlsFailure};
use object_store::client::HttpErrorKind;

use super::{Examination, Problem};
use crate::error::{Context, Error, ErrorKind, trace};
use crate::s3;

/// Servers refuse signatures whose time is further away.
const FAR: TimeDelta = TimeDelta::minutes(15);
/// Worth a word.
const OFF: TimeDelta = TimeDelta::minutes(1);

const ALL: [&str; 7] = ["dns", "tcp", "tls", "http", "clock", "credentials", "bucket"];

/// Whether there is reason to try the objects.
pub(super) async fn examine(
    examination: &mut Examination<'_>,
    store: &Arc<Store>,
    route: &Route,
    context: &Context,
) -> bool {
    if !reach(examination, route).await {
        return false;
    }
    let live = match store.live() {
        Ok(live) => live,
        Err(error) => {
            let error = context.config_error(error);
            return examination.end("credentials", Instant::now(), Err(Problem::new(&error, "")));
        }
    };
    if !credentials(examination, store, live, context).await {
        examination.skip(&["bucket"], "a step before it failed");
        return false;
    }
    match &live.s3 {
        Some(access) => bucket(examination, access, store.bucket(), context).await,
        // Elsewhere the listing says whether the bucket is there.
        None => {
            examination.skip(&["bucket"], "the listing below tells");
            true
        }
    }
}

/// The steps up to an answer over HTTP.
async fn reach(examination: &mut Examination<'_>, route: &Route) -> bool {
    let rest = |examination: &mut Examination<'_>, after: usize| {
        examination.skip(&ALL[after..], "a step before it failed");
        false
    };
    let via = route.proxy.as_ref().map(|proxy| format!(", the proxy {proxy}")).unwrap_or_default();
    let started = Instant::now();
    let addresses = match route.addresses().await {
        Ok(addresses) if !addresses.is_empty() => addresses,
        Ok(_) => {
            examination.end("dns", started, Err(dns(route, &via, "it has no address")));
            return rest(examination, 1);
        }
        Err(error) => {
            examination.end("dns", started, Err(dns(route, &via, &error.to_string())));
            return rest(examination, 1);
        }
    };
    let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    examination.end("dns", started, Ok(format!("{}{via} is {}", route.host, shown.join(", "))));

    let started = Instant::now();
    let stream = match route.connect(&addresses).await {
        Ok(stream) => stream,
        Err(error) => {
            examination.end("tcp", started, Err(tcp(route, &via, &error)));
            return rest(examination, 2);
        }
    };
    let peer = stream.peer_addr().map(|peer| peer.to_string()).unwrap_or_default();
    examination.end("tcp", started, Ok(format!("connected to {peer}{via}")));

    // A server that takes one connection at a time would wait for the end of this one.
    if !route.tls {
        drop(stream);
        examination.skip(&["tls"], "the endpoint is http://");
    } else if route.proxy.is_some() {
        drop(stream);
        examination.skip(&["tls"], "it begins behind the proxy; http tries it");
    } else {
        let started = Instant::now();
        let outcome = match route.handshake(stream).await {
            Ok((certificate, version)) => Ok(format!("{version}, {}", described(&certificate))),
            Err(failure) => Err(tls(failure)),
        };
        if !examination.end("tls", started, outcome) {
            return rest(examination, 3);
        }
    }

    let started = Instant::now();
    let greeting = match route.greet().await {
        Ok(Ok(greeting)) => greeting,
        Ok(Err(error)) => {
            let timed_out = error.kind() == HttpErrorKind::Timeout;
            let kind = if timed_out { ErrorKind::Timeout } else { ErrorKind::Connection };
            let advice = match (timed_out, route.tls, &route.proxy) {
                (true, ..) => "the port takes requests and says nothing; is it the right one?",
                (_, _, Some(_)) => {
                    "does the proxy let requests through to this host? NO_PROXY names hosts that need none"
                }
                (_, false, _) => "does the server want https:// on this port, or is it no HTTP server?",
                (_, true, _) => "is it an HTTP server?",
            };
            let (said, advice) = match unconnected(&error) {
                Some(failure) => (failure.said().to_owned(), failure.advice()),
                None => (format!("no answer: {}", innermost(&error)), advice),
            };
            examination.end("http", started, Err(Problem { kind, said, advice: advice.into() }));
            return rest(examination, 4);
        }
        Err(error) => {
            let error = Context::new("doctor", "").config_error(error);
            examination.end("http", started, Err(Problem::new(&error, "")));
            return rest(examination, 4);
        }
    };
    let server = greeting.server.as_ref().map(|server| format!(" from {server}")).unwrap_or_default();
    examination.end("http", started, Ok(format!("an answer, HTTP {}{server}", greeting.status)));
    clock(examination, &greeting);
    true
}

fn clock(examination: &mut Examination<'_>, greeting: &Greeting) {
    let Some(there) = greeting.date else {
        return examination.skip(&["clock"], "the server does not say what time it is");
    };
    let ahead = Utc::now() - there;
    let off = ahead.abs();
    let how = if ahead > TimeDelta::zero() { "ahead of" } else { "behind" };
    let said = format!("this machine is {} s {how} the server", off.num_seconds());
    let outcome = if off < OFF {
        Ok("this machine and the server agree".to_owned())
    } else if off < FAR {
        Ok(said)
    } else {
        let advice = "set this machine's clock, or the server's: signatures are refused from 15 minutes on".to_owned();
        Err(Problem { kind: ErrorKind::Generic, said, advice })
    };
    examination.end("clock", Instant::now(), outcome);
}

/// Whether there are credentials, or none are needed.
async fn credentials(examination: &mut Examination<'_>, store: &Store, live: &Live, context: &Context) -> bool {
    let started = Instant::now();
    let who = [
        store.s3_settings().and_then(|settings| settings.signs_with()),
        store.gcs_settings().and_then(|settings| settings.signs_with()),
        store.azure_settings().and_then(|settings| settings.signs_with()),
    ];
    let Some(who) = who.into_iter().flatten().next() else {
        let why = if live.web.is_some() { "they are part of the requests below" } else { "requests are sent unsigned" };
        examination.skip(&["credentials"], why);
        return true;
    };
    let who = who.trim_end_matches(',');
    let found = if let Some(access) = &live.s3 {
        keys(access, who).await
    } else if let Some(provider) = live.gcs.as_ref().and_then(|access| access.credentials.as_ref()) {
        provider.get_credential().await.map(|_| format!("a token from {who}"))
    } else if let Some(provider) = live.azure.as_ref().and_then(|access| access.credentials.as_ref()) {
        provider.get_credential().await.map(|_| who.to_owned())
    } else {
        Ok(who.to_owned())
    };
    let outcome = found.map_err(|error| Problem::new(&context.store_error(error, &trace()), ""));
    examination.end("credentials", started, outcome)
}

/// The keys that sign for S3, without the secret.
async fn keys(access: &S3Access, who: &str) -> object_store::Result<String> {
    let Some(provider) = &access.credentials else { return Ok(who.to_owned()) };
    let credential = provider.get_credential().await?;
    let until = DateTime::from_timestamp(access.keys_until.load(Ordering::Relaxed), 0);
    let until = until.filter(|until| until.timestamp() != 0).map(|until| {
        let left = (until - Utc::now()).num_minutes();
        format!(", good until {} ({left} minutes)", until.to_rfc3339_opts(SecondsFormat::Secs, true))
    });
    let token = if credential.token.is_some() { " with a session token" } else { "" };
    Ok(format!("{}{token} from {who}{}", credential.key_id, until.unwrap_or_default()))
}

async fn bucket(examination: &mut Examination<'_>, access: &S3Access, name: &str, context: &Context) -> bool {
    let started = Instant::now();
    match s3::bucket_region(access, context).await {
        Ok(region) => {
            let said = match region {
                Some(region) if region != access.region => {
                    format!("{name} is in {region}, and requests are signed for {}", access.region)
                }
                Some(region) => format!("{name} is in {region}"),
                None => format!("{name} is there"),
            };
            examination.end("bucket", started, Ok(said))
        }
        Err(error) => {
            let advice = advice(&error, "bucket");
            // Who may not ask about the bucket may still use its objects.
            let goes_on = error.kind() == ErrorKind::PermissionDenied;
            examination.end("bucket", started, Err(Problem::new(&error, advice)));
            goes_on
        }
    }
}

/// What to do about a server's refusal.
pub(super) fn advice(error: &Error, step: &str) -> String {
    let text = match (error.code(), error.kind()) {
        (Some("InvalidAccessKeyId"), _) => {
            "the server does not know this key: is it the right endpoint, and is the key still active?"
        }
        (Some("SignatureDoesNotMatch"), _) => {
            "the secret does not belong to the key, or a proxy on the way has changed the request"
        }
        (Some("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired"), _) => {
            "the session token has ended: get new keys"
        }
        (Some("RequestTimeTooSkewed"), _) => "set this machine's clock",
        (Some("AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException"), _) => {
            "set `region` or AWS_REGION to where the bucket is"
        }
        (Some("NoSuchBucket" | "ContainerNotFound"), _) => {
            "check the name, the region and the endpoint, or make it: longshore mb"
        }
        (_, ErrorKind::NotFound) if matches!(step, "bucket" | "list") => {
            "check the name, the region and the endpoint, or make it: longshore mb"
        }
        (_, ErrorKind::NotFound) => "check the key: there is no such object",
        (_, ErrorKind::PermissionDenied) => match step {
            "list" => "these credentials may not list: on S3 they need s3:ListBucket, elsewhere its like",
            "get" => "these credentials may not read: on S3 they need s3:GetObject on the objects, elsewhere its like",
            _ => "these credentials may not ask about the bucket; what they may do is tried below",
        },
        (_, ErrorKind::Unauthenticated) => "check the keys",
        (_, ErrorKind::Timeout) => "the server takes long; raise `timeout`",
        _ if error.to_string().contains("set `region`") => "",
        _ => "",
    };
    text.to_owned()
}

fn dns(route: &Route, via: &str, why: &str) -> Problem {
    Problem {
        kind: ErrorKind::Connection,
        said: format!("{}{via}: {why}", route.host),
        advice: "check the host's name and this machine's resolver; is a VPN missing?".into(),
    }
}

fn tcp(route: &Route, via: &str, error: &io::Error) -> Problem {
    let (kind, advice) = match error.kind() {
        _ if route.proxy.is_some() => {
            (ErrorKind::Connection, "is the proxy running? NO_PROXY names hosts that need none")
        }
        io::ErrorKind::ConnectionRefused => (ErrorKind::Connection, "is the server running, and is it the right port?"),
        io::ErrorKind::TimedOut => (ErrorKind::Timeout, "is there a firewall or a security group on the way?"),
        _ => (ErrorKind::Connection, "is there a route to it from this machine?"),
    };
    Problem { kind, said: format!("{}:{}{via}: {error}", route.host, route.port), advice: advice.into() }
}

fn tls(failure: TlsFailure) -> Problem {
    let certificate = failure.certificate.map(|certificate| format!(": {}", described(&certificate)));
    let said = format!("{}{}", failure.reason, certificate.unwrap_or_default());
    Problem { kind: ErrorKind::Connection, said, advice: failure.advice.into() }
}

fn described(certificate: &Certificate) -> String {
    let or_nobody = |name: &str| if name.is_empty() { "nobody".to_owned() } else { name.to_owned() };
    let names = match certificate.names.as_slice() {
        [] => String::new(),
        names => format!(" for {}", names.join(", ")),
    };
    let signed = if certificate.issuer == certificate.subject {
        "signed by itself".to_owned()
    } else {
        format!("signed by {}", or_nobody(&certificate.issuer))
    };
    let until = certificate.until.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("certificate of {}{names}, {signed}, good until {until}", or_nobody(&certificate.subject))
}

/// What requests say, too.
fn unconnected<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a NoConnection> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source()).last().map(ToString::to_string).unwrap_or_default()
}
