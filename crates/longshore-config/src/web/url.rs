//! URLs as they are pasted: what is a URL already stays as it is, the rest is encoded as browsers do.
//!
//! The key is what follows the slash after the host, query string included, as it goes over the wire. User info is taken out,
//! and the fragment is dropped: no client sends it. A star in the path is a wildcard unless it is written `\*`, as in every URI
//! of ours; in a query it is a star.

use std::collections::BTreeMap;
use std::fmt::Write;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::given::Secret;

/// What a URL says.
pub(crate) struct Parts {
    /// Scheme, host and port, as HTTP clients write them.
    pub(crate) origin: String,
    /// Path and query without the slash before them; a star that is none is escaped.
    pub(crate) key: String,
    /// The user and the password, by the names of the settings.
    pub(crate) said: BTreeMap<&'static str, Secret>,
}

/// Reads `scheme://rest`. The error is a reason, and shows no secret.
pub(crate) fn parse(scheme: &str, rest: &str) -> Result<Parts, String> {
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    // Some clients take a backslash for a slash, and what follows an `@` for the host: who wrote this wanted to mislead one.
    let bad = |c: &char| matches!(c, '*' | '%') || c.is_whitespace();
    if let Some(bad) = authority.chars().find(|c| *c == '\\').or_else(|| host.chars().find(bad)) {
        return Err(format!("a host name cannot contain {bad:?}"));
    }
    let origin = Url::parse(&format!("{scheme}://{host}/"))
        .map_err(|error| format!("not an address ({error}); write https://host/path"))?;
    let origin = origin.as_str().trim_end_matches('/').to_owned();
    // What one parser takes and the other does not would be found out too late.
    origin.parse::<http::Uri>().map_err(|error| format!("not an address ({error}); write https://host/path"))?;

    let mut said = BTreeMap::new();
    if let Some(user) = user {
        let (name, password) = user.split_once(':').map_or((user, None), |(name, password)| (name, Some(password)));
        for (setting, text) in [("username", Some(name)), ("password", password)] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                let text = percent_decode_str(text).decode_utf8();
                let text = text.map_err(|_| "the user info is no UTF-8 when it is percent-decoded")?;
                said.insert(setting, Secret(text.into_owned()));
            }
        }
    }

    let tail = tail.split_once('#').map_or(tail, |(sent, _)| sent);
    let tail = tail.strip_prefix('/').unwrap_or(tail);
    let (path, query) = tail.split_once('?').map_or((tail, None), |(path, query)| (path, Some(query)));
    let mut key = folded(&encoded(path, "\"<>`{}^\\"));
    if has_wildcard(&key) {
        key = spelt(&key, true);
    }
    if let Some(query) = query {
        let query = encoded(&query.replace(r"\*", "*"), "\"<>'\\");
        key.push('?');
        key.push_str(&query.replace('*', r"\*"));
    }
    Ok(Parts { origin, key, said })
}

/// Encodes what a URL cannot have, and what is `forbidden`. Percent-encoding and `\*` stay as they are.
fn encoded(text: &str, forbidden: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let next = &text.as_bytes()[at + c.len_utf8()..];
        let stays = match c {
            '\\' if next.first() == Some(&b'*') => true,
            '%' => next.len() > 1 && next[..2].iter().all(u8::is_ascii_hexdigit),
            _ => c.is_ascii_graphic() && !forbidden.contains(c),
        };
        if stays {
            url.push(c);
        } else {
            push_encoded(&mut url, c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    url
}

fn push_encoded(url: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(url, "%{byte:02X}");
    }
}

/// Resolves `.` and `..`, encoded or not: every client on the way would do it.
fn folded(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." => {}
            ".." => drop(kept.pop()),
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    kept.join("/")
}

fn has_wildcard(key: &str) -> bool {
    key.replace(r"\*", "").contains('*')
}

/// The one spelling of a URL's path that listings use. Two spellings of the same path have the same.
///
/// A star is spelt `%2A`, so that a key of a listing names one object wherever it stands.
///
/// ```
/// # use longshore_config::canonical;
/// assert_eq!(canonical("a b/%7Ec*%c3%a9%2f"), "a%20b/~c%2A%C3%A9%2F");
/// ```
pub fn canonical(path: &str) -> String {
    spelt(path, false)
}

/// As [`canonical`]; with `wildcards`, stars are such unless they are escaped.
fn spelt(path: &str, wildcards: bool) -> String {
    let bytes = path.as_bytes();
    let mut url = String::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |offset: usize| char::from(*bytes.get(at + offset)?).to_digit(16);
        let (byte, used, was_encoded) = match (bytes[at], hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => ((high * 16 + low) as u8, 3, true),
            (b'\\', ..) if wildcards && bytes.get(at + 1) == Some(&b'*') => (b'*', 2, true),
            (byte, ..) => (byte, 1, false),
        };
        at += used;
        let stays = match byte {
            b'/' => !was_encoded,
            b'*' => wildcards && !was_encoded,
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=:@".contains(&byte),
        };
        if stays { url.push(char::from(byte)) } else { push_encoded(&mut url, &[byte]) }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str) -> String {
        let (scheme, rest) = url.split_once("://").unwrap();
        parse(scheme, rest).unwrap().key
    }

    #[test]
    fn a_url_stays_as_it_is_and_the_rest_is_encoded_as_browsers_do() {
        for (given, sent) in [
            ("http://h", ""),
            ("http://h/", ""),
            ("http://h?a=b", "?a=b"),
            ("http://h/a%20b/%7e?X-Sig=a%2Fb&c=d+e/f?g", "a%20b/%7e?X-Sig=a%2Fb&c=d+e/f?g"),
            ("http://h/a b\"é<>`{}^", "a%20b%22%C3%A9%3C%3E%60%7B%7D%5E"),
            ("http://h/a?b c\"é'`{}", "a?b%20c%22%C3%A9%27`{}"),
            ("http://h/a#b?c", "a"),
            ("http://h/a?b#c", "a?b"),
            ("http://h//a//", "/a//"),
            ("http://h/100%/%zz", "100%25/%25zz"),
            (r"http://h/a\b", "a%5Cb"),
            ("http://h/a|b[c]:@!$&'()+,;=", "a|b[c]:@!$&'()+,;="),
        ] {
            assert_eq!(key(given), sent, "{given}");
        }
    }

    #[test]
    fn what_is_sent_is_what_the_client_would_make_of_it_anyway() {
        let alphabet: Vec<char> = " !\"#$%&'()+,-./:;<=>?@[\\]^_`{|}~aA0é\u{1F980}\n\u{7f}".chars().collect();
        let mut seed = 7u64;
        for _ in 0..20_000 {
            let text: String = (0..8)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    alphabet[(seed >> 33) as usize % alphabet.len()]
                })
                .collect();
            let sent = format!("http://h/{}", key(&format!("http://h/{text}")));
            assert_eq!(Url::parse(&sent).unwrap().as_str(), sent, "{text:?}");
            assert_eq!(sent.parse::<http::Uri>().unwrap().to_string(), sent, "{text:?}");
            let path = sent["http://h/".len()..].split('?').next().unwrap();
            assert_eq!(canonical(&canonical(path)), canonical(path), "{text:?}");
        }
    }

    #[test]
    fn dots_are_resolved() {
        for (given, sent) in [
            ("a/../b", "b"),
            ("a/./b", "a/b"),
            ("../../a", "a"),
            ("a/b/..", "a/"),
            ("a/.", "a/"),
            ("..", ""),
            ("a/%2e%2E/b", "b"),
            ("a//../b", "a/b"),
            ("a..b/...", "a..b/..."),
        ] {
            assert_eq!(key(&format!("http://h/{given}")), sent, "{given}");
        }
    }

    #[test]
    fn a_star_is_a_wildcard_in_the_path_only() {
        assert_eq!(key(r"http://h/a\*b"), r"a\*b");
        assert_eq!(key(r"http://h/a?b=*&c=\*"), r"a?b=\*&c=\*");
        // A pattern is spelt as listings are, so that it matches however it was written.
        assert_eq!(key(r"http://h/%61 %c3%a9\*/*.npz"), "a%20%C3%A9%2A/*.npz");
    }

    #[test]
    fn an_origin_is_written_as_clients_write_it() {
        for (given, origin) in [
            ("http://Host:80/a", "http://host"),
            ("https://h:443", "https://h"),
            ("https://h:8443/", "https://h:8443"),
            ("http://[::1]:9/", "http://[::1]:9"),
            ("http://bücher.example/", "http://xn--bcher-kva.example"),
        ] {
            let (scheme, rest) = given.split_once("://").unwrap();
            assert_eq!(parse(scheme, rest).unwrap().origin, origin, "{given}");
        }
        for bad in ["", "/a", ":80/", "h:99999/", "h:x/", "*.h/", "good\\@evil/", "a b/", "[::1/", "?a"] {
            assert!(parse("http", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn user_info_is_taken_out_and_decoded() {
        let said = |rest: &str| -> Vec<String> {
            let parts = parse("http", rest).unwrap();
            assert_eq!(parts.origin, "http://h");
            parts.said.into_iter().map(|(name, value)| format!("{name}={}", value.0)).collect()
        };
        assert_eq!(said("me:a%40b:c@h/k"), ["password=a@b:c", "username=me"]);
        assert_eq!(said("me@h/k@x"), ["username=me"]);
        assert!(said("h/k@x").is_empty() && said("@h").is_empty());
        assert!(parse("http", "%ff@h").is_err());
    }
}
