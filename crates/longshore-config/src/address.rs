//! Addresses of services and buckets, checked before anything is sent to them.

use std::net::IpAddr;

use reqwest::Url;

use crate::ConfigError;
use crate::options::invalid;

/// Reads an endpoint. The result has no slash at its end, and is written as HTTP clients write it: the signature and the
/// `Host` header then agree.
///
/// A path is kept, and stands before the bucket. Errors show the value only where it cannot hold a secret.
pub(crate) fn endpoint(key: &str, value: &str) -> Result<String, ConfigError> {
    let url = parse(key, value)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid(key, "an address ends before any `?` or `#`".into()));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Reads any address that requests can be sent to.
pub(crate) fn parse(key: &str, value: &str) -> Result<Url, ConfigError> {
    let secret = value.contains(['@', '?', '#']);
    let shown = if secret { "the value".to_owned() } else { format!("{value:?}") };
    let no_address =
        |why: String| invalid(key, format!("{shown} is not an address{why}; write http://host:port or https://host"));
    if !value.contains("://") {
        return Err(no_address(String::new()));
    }
    let url = Url::parse(value).map_err(|error| no_address(format!(" ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(no_address(String::new()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let reason = "an address cannot hold a user or a password; pass access_key_id and secret_access_key";
        return Err(invalid(key, reason.into()));
    }
    // What one parser takes and the other does not would be found out too late.
    url.as_str().parse::<http::Uri>().map_err(|error| no_address(format!(" ({error})")))?;
    Ok(url)
}

/// AWS's own address for `region`.
pub(crate) fn aws_service(service: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{service}.{region}.amazonaws.com{suffix}")
}

/// Whether AWS runs the service at `address`.
pub(crate) fn is_aws(address: &str) -> bool {
    let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
}

/// The address of `bucket` with the bucket in the host name.
pub(crate) fn virtual_host(service: &str, bucket: &str) -> Result<String, ConfigError> {
    let refuse = |reason: String| Err(invalid("virtual_hosted_style_request", reason));
    let (scheme, rest) = service.split_once("://").unwrap_or(("https", service));
    let host = Url::parse(service).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    if host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() {
        return refuse(format!("a bucket cannot stand before the IP address {host}; the endpoint needs a host name"));
    }
    let address = format!("{scheme}://{bucket}.{rest}");
    match Url::parse(&address) {
        Ok(url) if url.host_str() == Some(&format!("{bucket}.{host}")) => Ok(address),
        _ => refuse(format!("the bucket name {bucket:?} cannot be part of a host name")),
    }
}

/// Whether an address is on this machine or its link: loopback, `localhost`, link-local.
pub(crate) fn is_near(address: &str) -> bool {
    let Ok(uri) = address.parse::<http::Uri>() else { return false };
    let Some(host) = uri.host().map(|host| host.trim_matches(['[', ']'])) else { return false };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) if address.is_unspecified() => true,
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(value: &str) -> String {
        endpoint("endpoint", value).unwrap_err().to_string()
    }

    #[test]
    fn an_endpoint_is_written_as_http_clients_write_it() {
        for (given, normal) in [
            ("http://h", "http://h"),
            ("HTTP://Host:80/", "http://host"),
            ("https://h:443", "https://h"),
            ("http://h:9000//", "http://h:9000"),
            ("http://[::1]:9", "http://[::1]:9"),
            ("http://127.1:9", "http://127.0.0.1:9"),
            ("https://h/storage/v1/s3/", "https://h/storage/v1/s3"),
        ] {
            assert_eq!(endpoint("endpoint", given).unwrap(), normal, "{given}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_before_anything_panics() {
        for value in
            ["h", "ftp://h", "http://", "http://h:99999", "http://[::1", "http://exa mple", "http://h:x", "://h"]
        {
            assert!(refusal(value).contains("is not an address"), "{}", refusal(value));
        }
    }

    #[test]
    fn a_refused_endpoint_shows_no_secret() {
        for value in [
            "http://user:hunter2@h",
            "http://hunter2@h",
            "user:hunter2@h",
            "http://user:hunter2@[::1",
            "http://h/?key=hunter2",
            "http://h/#hunter2",
            "http://h:99999/?hunter2",
        ] {
            assert!(!refusal(value).contains("hunter2"), "{}", refusal(value));
        }
    }

    #[test]
    fn a_bucket_stands_before_a_host_name_only() {
        assert_eq!(virtual_host("http://h:9/p", "b").unwrap(), "http://b.h:9/p");
        for (service, bucket) in [("http://127.0.0.1:9", "b"), ("http://[::1]:9", "b"), ("http://h", "B")] {
            assert!(virtual_host(service, bucket).is_err(), "{service} {bucket}");
        }
    }

    #[test]
    fn china_has_a_domain_of_its_own() {
        assert_eq!(aws_service("s3", "cn-north-1"), "https://s3.cn-north-1.amazonaws.com.cn");
        assert!(is_aws(&aws_service("s3", "cn-north-1")) && is_aws("https://s3.eu-west-1.amazonaws.com"));
        assert!(!is_aws("https://s3.amazonaws.com.example.org"));
    }

    #[test]
    fn what_is_near_needs_no_proxy() {
        for near in [
            "http://127.0.0.1:9000",
            "http://[::1]:9",
            "http://localhost",
            "https://a.localhost/x",
            "http://169.254.1.2",
            "http://0.0.0.0:9",
            "http://[::ffff:127.0.0.1]/",
            "http://LOCALHOST.:9/",
        ] {
            assert!(is_near(near), "{near}");
        }
        for far in ["http://10.0.0.1", "https://s3.eu-west-1.amazonaws.com", "http://notlocalhost"] {
            assert!(!is_near(far), "{far}");
        }
    }
}
