//! From a URL to a store, by way of the class: a class that Python derived is made through its own constructor.

use longshore_config::{Environment, Location, Options, Origin, Scheme, masked, open};
use percent_encoding::percent_decode_str;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use url::Url;

use crate::error::config_error;
use crate::exceptions::invalid;
use crate::given::{Arguments, text};
use crate::shown;
use crate::store::{Kind, class_of};

/// The store that `url` names: its scheme says which class, and its path is the prefix.
///
/// In Python it is a function of the module that has the store classes, with the arguments of their own `from_url`.
#[pyfunction]
#[pyo3(signature = (url, **kwargs))]
pub fn from_url<'py>(
    py: Python<'py>,
    url: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let address = text(py, "from_url: url", url)?;
    let kind = match s3_address(&address) {
        Some(_) => Kind::S3,
        None => Kind::of(parse(py, "from_url", &address)?.scheme()),
    };
    let keywords = PyDict::new(py);
    for (key, value) in kwargs.into_iter().flatten() {
        // Files and memory have none of these: leaving one out is not giving it.
        if !value.is_none() {
            keywords.set_item(key, value)?;
        }
    }
    class_of(py, kind).getattr("from_url")?.call((url,), Some(&keywords))
}

fn parse(py: Python<'_>, who: &str, address: &str) -> PyResult<Location> {
    Location::parse(address).map_err(|error| config_error(py, Some(who), &error))
}

/// The store of a bucket that `url` names, made by `class`.
pub(super) fn bucket_from_url<'py>(
    class: &Bound<'py, PyType>,
    kind: Kind,
    url: &Bound<'py, PyAny>,
    mut arguments: Arguments<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let address = text(py, &format!("{}.from_url: url", kind.name()), url)?;
    let config = PyDict::new(py);
    let path = match s3_address(&address).filter(|_| kind == Kind::S3) {
        Some(found) => {
            for (name, value) in found.settings {
                config.set_item(name, value)?;
            }
            found.path
        }
        None => {
            let location = parse(py, kind.name(), &address)?;
            if Kind::of(location.scheme()) != kind {
                let message = format!("{}: {:?} is the URL of another kind of store", kind.name(), masked(&address));
                return Err(invalid(py, &message));
            }
            said_by_uri(&config, kind, &location)?;
            location.raw_key().trim_matches('/').to_owned()
        }
    };
    // What the caller says counts more than the URL.
    if let Some(given) = arguments.config.take().filter(|given| !given.is_none()) {
        config.call_method1("update", (given,))?;
    }
    let keywords = arguments.kwargs.take().unwrap_or_else(|| PyDict::new(py));
    for name in config.keys().iter().filter(|name| keywords.contains(name).unwrap_or(false)).collect::<Vec<_>>() {
        config.del_item(name)?;
    }
    keywords.set_item("config", config)?;
    let path = if path.is_empty() { None } else { Some(path.into_pyobject(py)?.into_any()) };
    for (name, value) in [
        ("prefix", arguments.prefix.or(path)),
        ("client_options", arguments.client_options),
        ("retry_config", arguments.retry_config),
        ("credential_provider", arguments.credential_provider),
    ] {
        if let Some(value) = value {
            keywords.set_item(name, value)?;
        }
    }
    class.call((), Some(&keywords))
}

/// The bucket, and the settings that a URI brings along, such as Azure's account.
fn said_by_uri(config: &Bound<'_, PyDict>, kind: Kind, location: &Location) -> PyResult<()> {
    if let Some(key) = shown::bucket_key(kind) {
        config.set_item(key, location.bucket())?;
    }
    // Opening it tells what the URI says. Where that is not enough, the constructor will know more, or say what is missing.
    if location.scheme() == Scheme::Azure {
        let known: Options = [("account_name", location.account().unwrap_or("unknown")), ("skip_signature", "true")]
            .into_iter()
            .take(if location.account().is_some() { 0 } else { 2 })
            .collect();
        if let Ok(store) = open(location, known, &Environment::default()) {
            for one in store.configuration().iter().filter(|one| one.origin == Origin::Uri) {
                config.set_item(one.name, shown::value(config.py(), one)?)?;
            }
        }
    }
    Ok(())
}

/// The folder of a `file://` URL.
pub(super) fn folder(url: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = url.py();
    let address = text(py, "LocalStore.from_url: url", url)?;
    let refuse = |reason: &str| invalid(py, &format!("LocalStore: {:?} {reason}", masked(&address)));
    let parsed = Url::parse(&address).map_err(|_| refuse("is no URL; write file:///path"))?;
    if parsed.scheme() != "file" {
        return Err(refuse("is no file URL; write file:///path"));
    }
    if parsed.host_str().is_some_and(|host| !host.is_empty() && host != "localhost") {
        return Err(refuse("has a host; a file URL has three slashes, as file:///path"));
    }
    let path = percent_decode_str(parsed.path()).decode_utf8();
    path.map(|path| path.into_owned()).map_err(|_| refuse("is not valid Unicode"))
}

/// Refuses what is not `memory:///`: a memory store is known by the object that it is, and not by a name.
pub(super) fn check_memory(url: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = url.py();
    let address = text(py, "MemoryStore.from_url: url", url)?;
    match address.to_ascii_lowercase().strip_prefix("memory:") {
        Some("" | "/" | "//" | "///") => Ok(()),
        Some(_) => {
            let cure = "write memory:///, which makes a new store, or use longshore.store_for for one with a name";
            Err(invalid(py, &format!("MemoryStore: {address:?} names something in memory; {cure}")))
        }
        None => Err(invalid(py, &format!("MemoryStore: {:?} is no memory:/// URL", masked(&address)))),
    }
}

/// A bucket by its web address.
struct Found {
    settings: Vec<(&'static str, String)>,
    path: String,
}

/// Understands the addresses of AWS and R2: `https://s3.REGION.amazonaws.com/BUCKET/PATH`, `https://BUCKET.s3.REGION.amazonaws.com/PATH`
/// and `https://ACCOUNT.r2.cloudflarestorage.com/BUCKET/PATH`.
fn s3_address(address: &str) -> Option<Found> {
    let url = Url::parse(address).ok().filter(|url| url.scheme() == "https")?;
    let host = url.host_str()?;
    let path = percent_decode_str(url.path()).decode_utf8().ok()?.trim_matches('/').to_owned();
    let split = || {
        let (bucket, rest) = path.split_once('/').unwrap_or((&path, ""));
        (bucket.to_owned(), rest.trim_matches('/').to_owned())
    };
    if let Some(service) = host.strip_suffix(".amazonaws.com") {
        let labels: Vec<&str> = service.split('.').collect();
        let place = labels.iter().rposition(|label| *label == "s3")?;
        let region = labels[place + 1..].iter().rfind(|label| **label != "dualstack");
        let region = region.map(|region| ("region", (*region).to_owned()));
        let (bucket, path) = if place == 0 { split() } else { (labels[..place].join("."), path.clone()) };
        let mut settings: Vec<_> = region.into_iter().collect();
        if !bucket.is_empty() {
            settings.push(("bucket", bucket));
        }
        if place > 0 {
            settings.push(("virtual_hosted_style_request", "true".to_owned()));
        }
        return Some(Found { settings, path });
    }
    if host.ends_with(".r2.cloudflarestorage.com") {
        let (bucket, path) = split();
        let mut settings = vec![("region", "auto".to_owned()), ("endpoint", format!("https://{host}"))];
        if !bucket.is_empty() {
            settings.push(("bucket", bucket));
        }
        return Some(Found { settings, path });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_of_buckets_are_understood() {
        let found = |address: &str| {
            let found = s3_address(address)?;
            let settings: Vec<_> = found.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
            Some(format!("{} {}", settings.join(" "), found.path))
        };
        let expected = [
            ("https://s3.eu-west-1.amazonaws.com/b/p/q", Some("region=eu-west-1 bucket=b p/q")),
            (
                "https://b.s3.eu-west-1.amazonaws.com/p",
                Some("region=eu-west-1 bucket=b virtual_hosted_style_request=true p"),
            ),
            ("https://b.c.s3.amazonaws.com", Some("bucket=b.c virtual_hosted_style_request=true ")),
            (
                "https://acc.r2.cloudflarestorage.com/b/p%20q",
                Some("region=auto endpoint=https://acc.r2.cloudflarestorage.com bucket=b p q"),
            ),
            (
                "https://acc.eu.r2.cloudflarestorage.com/b",
                Some("region=auto endpoint=https://acc.eu.r2.cloudflarestorage.com bucket=b "),
            ),
            ("https://example.com/b", None),
            ("http://s3.eu-west-1.amazonaws.com/b", None),
            ("https://amazonaws.com.example/b", None),
        ];
        for (address, settings) in expected {
            assert_eq!(found(address).as_deref(), settings, "{address}");
        }
    }
}
