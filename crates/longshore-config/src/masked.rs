//! URIs as they may be shown: addresses of the web can hold secrets.

use std::borrow::Cow;

use crate::azure::place::{is_scheme, split_signature};
use crate::{Scheme, specs};

/// Schemes whose URIs hold no secret: what stands in them is a name.
const PLAIN: [&str; 6] = ["s3", "s3a", "file", "memory", "gs", "gcs"];

/// `uri` without what may be a secret: the user info, the values of the query, and the fragment.
///
/// All values of a query go, whatever they are called: nobody knows the name of every signature and token. Messages, `repr`s and
/// logs show this; requests and results have the URI itself.
///
/// ```
/// # use longshore_config::masked;
/// assert_eq!(masked("https://me:secret@host/a?X-Sig=abc&b=c#d"), "https://****@host/a?X-Sig=****&b=****");
/// assert_eq!(masked("s3://bucket/a?b=c"), "s3://bucket/a?b=c");
/// ```
pub fn masked(uri: &str) -> Cow<'_, str> {
    let Some((scheme, slashes, rest)) = split(uri) else { return Cow::Borrowed(uri) };
    if let Some(host) = host_of_names(scheme, rest) {
        return Cow::Owned(masked(&format!("{scheme}{slashes}****@{host}")).into_owned());
    }
    let has_names = |plain: &&str| scheme.eq_ignore_ascii_case(plain);
    if (PLAIN.iter().any(has_names) || is_scheme(&scheme.to_ascii_lowercase()))
        && let Some(shown) = before_secret(uri)
    {
        return Cow::Owned(shown);
    }
    if is_scheme(&scheme.to_ascii_lowercase()) {
        // A question mark is a character like others in these, unless a shared access signature follows.
        return match split_signature(uri) {
            (shown, Some(_)) => Cow::Owned(format!("{shown}?****")),
            (_, None) => Cow::Borrowed(uri),
        };
    }
    if PLAIN.iter().any(has_names) {
        return Cow::Borrowed(uri);
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    if !tail.contains(['?', '#']) && !authority.contains('@') {
        return Cow::Borrowed(uri);
    }
    let host = authority.rsplit_once('@').map_or_else(|| authority.to_owned(), |(_, host)| format!("****@{host}"));
    let tail = tail.split_once('#').map_or(tail, |(shown, _)| shown);
    let Some((path, query)) = tail.split_once('?') else { return Cow::Owned(format!("{scheme}{slashes}{host}{tail}")) };
    let shown: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) => format!("{name}=****"),
            None if pair.is_empty() => String::new(),
            None => "****".to_owned(),
        })
        .collect();
    Cow::Owned(format!("{scheme}{slashes}{host}{path}?{}", shown.join("&")))
}

/// A URI of names takes no options, but some people write them there, as `s3://bucket?secret_access_key=…`. What stands before the
/// value of the first that is a secret, which may hold any character.
fn before_secret(uri: &str) -> Option<String> {
    let (_, query) = uri.split_once('?')?;
    for pair in query.split(['?', '&']) {
        let Some((name, value)) = pair.split_once('=') else { continue };
        if value != "****" && is_secret(name) {
            // The piece is one of the URI's own, so it is found there.
            let end = uri.find(pair)? + name.len() + 1;
            return Some(format!("{}****", &uri[..end]));
        }
    }
    None
}

/// Whether an option of that name is never shown, whichever store has it.
fn is_secret(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase().replace('-', "_");
    let signed = ["x_amz_security_token", "x_amz_signature", "x_goog_signature"].contains(&&*name);
    let kinds = [Scheme::S3, Scheme::Gcs, Scheme::Azure, Scheme::Http];
    let mut secrets = kinds.into_iter().flat_map(specs).filter(|spec| spec.secret);
    signed || secrets.any(|spec| spec.name == name || spec.also.contains(&&*name))
}

/// Scheme, slashes and rest. Also of what has lost a slash, as in `pathlib`, or its scheme: it is no URI, but may hold a secret.
fn split(uri: &str) -> Option<(&str, &str, &str)> {
    if let Some((scheme, rest)) = uri.split_once("://") {
        return Some((scheme, "://", rest));
    }
    if let Some(rest) = uri.strip_prefix("//") {
        return Some(("", "//", rest));
    }
    let (scheme, rest) = uri.split_once(":/")?;
    scheme.chars().all(|c| c.is_ascii_alphanumeric()).then_some((scheme, ":/", rest))
}

/// What follows the user info in a URI of names, where no user info belongs. Some tools take keys there: `s3a://key:secret@bucket`.
fn host_of_names<'a>(scheme: &str, rest: &'a str) -> Option<&'a str> {
    let authority = rest.split('/').next().unwrap_or_default();
    let named = PLAIN.iter().any(|plain| scheme.eq_ignore_ascii_case(plain));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) if named || (is_scheme(&scheme.to_ascii_lowercase()) && user.contains(':')) => {
            (user, &rest[authority.len() - host.len()..])
        }
        // A secret may hold a slash.
        None if named && authority.contains(':') => rest.split_once('@')?,
        _ => return None,
    };
    (user != "****").then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_may_be_a_secret_is_shown() {
        for uri in [
            "https://user:hunter2@h/k",
            "HTTPS://hunter2@h",
            "http://h/k?token=hunter2",
            "http://h?hunter2",
            "http://h/k?a=1&sig=hun=hunter2&hunter2#x",
            "http://h/k#access_token=hunter2",
            "https://a@b:hunter2@h/k",
            "ftp://user:hunter2@h/k?x=hunter2",
            "http://user:hunter2@h\\k",
            "az://h/k?sv=1&sig=hunter2",
            "https://h.blob.core.windows.net/c/k?sv=1&sig=hunter2",
            // `pathlib` makes one slash of two.
            "https:/user:hunter2@h/k?sig=hunter2",
            "az:/h/k?sv=1&sig=hunter2",
            "//user:hunter2@h/k",
            // Keys in the address are refused, but not shown.
            "s3://key:hunter2@h/k",
            "s3a://key:hun/hunter2@h/k@2",
            "abfs://key:hunter2@h/k",
            // So are options, which no URI of these takes.
            "s3://h?secret_access_key=hunter2",
            "s3://h/k?region=r&AWS_Secret_Access_Key=hun&hunter2",
            "s3:/h?aws-session-token=hunter2",
            "az://h?sas_token=?sv=1&hunter2",
            "abfss://h@acc.dfs.core.windows.net/k?account_key=hunter2==",
            "gs://h/k?bearer_token=hunter2",
            "s3://h/k?X-Amz-Signature=hunter2",
        ] {
            let shown = masked(uri);
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.to_lowercase().contains("h"), "{shown}");
            assert_eq!(masked(&shown), shown, "masking twice");
        }
    }

    #[test]
    fn what_holds_no_secret_is_left_alone() {
        for uri in [
            "https://h/a@b:c",
            "http://h:80/",
            "s3://b/a?b=c#d@e",
            "file:///a?b",
            "a/b?c",
            "memory://n/@?x",
            "s3://b/k?region=eu&secrets=3",
            "abfs://c@a/k?x=y",
        ] {
            assert!(matches!(masked(uri), Cow::Borrowed(_)), "{uri}");
        }
    }
}
