//! URIs as they may be shown: addresses of the web can hold secrets.

use std::borrow::Cow;

use crate::azure::place::{is_scheme, split_signature};

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
    let Some((scheme, rest)) = uri.split_once("://") else { return Cow::Borrowed(uri) };
    if is_scheme(&scheme.to_ascii_lowercase()) {
        // A question mark is a character like others in these, unless a shared access signature follows.
        return match split_signature(uri) {
            (shown, Some(_)) => Cow::Owned(format!("{shown}?****")),
            (_, None) => Cow::Borrowed(uri),
        };
    }
    if PLAIN.iter().any(|plain| scheme.eq_ignore_ascii_case(plain)) {
        return Cow::Borrowed(uri);
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    if !tail.contains(['?', '#']) && !authority.contains('@') {
        return Cow::Borrowed(uri);
    }
    let host = authority.rsplit_once('@').map_or_else(|| authority.to_owned(), |(_, host)| format!("****@{host}"));
    let tail = tail.split_once('#').map_or(tail, |(shown, _)| shown);
    let Some((path, query)) = tail.split_once('?') else { return Cow::Owned(format!("{scheme}://{host}{tail}")) };
    let shown: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) => format!("{name}=****"),
            None if pair.is_empty() => String::new(),
            None => "****".to_owned(),
        })
        .collect();
    Cow::Owned(format!("{scheme}://{host}{path}?{}", shown.join("&")))
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
            "abfs://c@a/k?x=y",
        ] {
            assert!(matches!(masked(uri), Cow::Borrowed(_)), "{uri}");
        }
    }
}
