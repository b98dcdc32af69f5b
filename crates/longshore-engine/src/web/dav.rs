//! What a WebDAV server says of a folder (RFC 4918), and which keys that means.

use chrono::{DateTime, Utc};
use longshore_config::canonical;
use url::Url;

use super::body::date;
use crate::xml::elements;

/// Asks for what a listing needs.
pub(super) const QUESTION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<propfind xmlns=\"DAV:\"><prop><resourcetype/>\
    <getcontentlength/><getlastmodified/><getetag/></prop></propfind>";

/// One thing in a folder, or the folder itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) href: String,
    pub(super) is_folder: bool,
    pub(super) size: u64,
    pub(super) last_modified: DateTime<Utc>,
    pub(super) e_tag: Option<String>,
}

/// Properties that share a status.
#[derive(Default)]
struct Properties {
    is_ok: Option<bool>,
    is_folder: bool,
    size: Option<u64>,
    last_modified: Option<DateTime<Utc>>,
    e_tag: Option<String>,
}

/// Reads a multistatus document.
///
/// # Errors
///
/// A reason. A document that ends early, and a resource that the server failed to look at, are errors, never a short list. One that
/// is gone meanwhile is none.
pub(super) fn resources(document: &[u8]) -> Result<Vec<Resource>, String> {
    let mut all = Vec::new();
    let (mut resource, mut properties) = (Resource::default(), Properties::default());
    let mut status = None;
    let (mut complete, mut problem) = (false, None);
    elements(document, |path, text| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let text = text.trim();
        match names[..] {
            ["multistatus", "response", "href"] => text.clone_into(&mut resource.href),
            ["multistatus", "response", "status"] => status = code(text),
            ["multistatus", "response", "propstat", "status"] => {
                properties.is_ok = Some(code(text).is_some_and(|code| (200..300).contains(&code)));
            }
            ["multistatus", "response", "propstat", "prop", "resourcetype", "collection"] => {
                properties.is_folder = true;
            }
            ["multistatus", "response", "propstat", "prop", "getcontentlength"] if !text.is_empty() => {
                match text.parse() {
                    Ok(size) => properties.size = Some(size),
                    Err(_) if problem.is_none() => problem = Some(format!("{text:?} is not a size")),
                    Err(_) => {}
                }
            }
            ["multistatus", "response", "propstat", "prop", "getlastmodified"] => {
                properties.last_modified = date(text);
            }
            ["multistatus", "response", "propstat", "prop", "getetag"] if !text.is_empty() => {
                properties.e_tag = Some(text.to_owned());
            }
            ["multistatus", "response", "propstat"] => {
                let found = std::mem::take(&mut properties);
                if found.is_ok != Some(false) {
                    resource.is_folder |= found.is_folder;
                    resource.size = found.size.unwrap_or(resource.size);
                    resource.last_modified = found.last_modified.unwrap_or(resource.last_modified);
                    resource.e_tag = found.e_tag.or(resource.e_tag.take());
                }
            }
            ["multistatus", "response"] => {
                let found = std::mem::take(&mut resource);
                match status.take() {
                    None | Some(200..300) => all.push(found),
                    Some(404 | 410) => {}
                    Some(code) if problem.is_none() => {
                        problem = Some(format!("the server answers {code} for {:?} in it", found.href));
                    }
                    Some(_) => {}
                }
            }
            ["multistatus"] => complete = true,
            _ => {}
        }
    })
    .map_err(|error| error.to_string())?;
    match problem {
        Some(problem) => Err(problem),
        None if !complete => Err("it is not a complete multistatus document".into()),
        None => Ok(all),
    }
}

/// `HTTP/1.1 404 Not Found`
fn code(status: &str) -> Option<u16> {
    status.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The name of `href` in the folder that was asked for at `folder`, in the spelling of keys; `None` for the folder itself.
///
/// # Errors
///
/// A reason, where `href` leads out of the folder or further down in it: then whoever wrote it has something else in mind.
pub(super) fn name_in(folder: &Url, href: &str) -> Result<Option<String>, String> {
    let refuse = |why: &str| Err(format!("it lists {href:?}, which {why}"));
    // In an address a backslash would be a slash.
    let Ok(found) = folder.join(&href.replace('\\', "%5C")) else { return refuse("is no address") };
    if !matches!(found.scheme(), "http" | "https") || found.host() != folder.host() {
        // A server behind a proxy may not know its scheme and port, but it knows its name.
        return refuse("is on another host");
    }
    if found.query().is_some() || found.fragment().is_some() {
        return refuse("is not encoded: it has a `?` or a `#`");
    }
    let mut base = canonical(folder.path());
    if !base.ends_with('/') {
        base.push('/');
    }
    let path = canonical(found.path());
    if path == base || format!("{path}/") == base {
        return Ok(None);
    }
    let Some(name) = path.strip_prefix(&base) else { return refuse("is not in the folder") };
    match name.strip_suffix('/').unwrap_or(name) {
        "" => refuse("has no name"),
        name if name.contains('/') => refuse("is further down"),
        name => Ok(Some(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_whatever_the_prefixes() {
        let document = br#"<?xml version="1.0"?><a:multistatus xmlns:a="DAV:" xmlns:lp1="DAV:" xmlns:x="y">
            <a:response><a:href>/d/</a:href><a:propstat><a:prop><lp1:resourcetype><a:collection/></lp1:resourcetype></a:prop>
            <a:status>HTTP/1.1 200 OK</a:status></a:propstat><a:propstat><a:prop><a:getcontentlength/></a:prop>
            <a:status>HTTP/1.1 404 Not Found</a:status></a:propstat></a:response>
            <a:response><a:href> /d/a%20b </a:href><a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop><lp1:resourcetype/>
            <lp1:getcontentlength>7</lp1:getcontentlength><lp1:getetag>"e&amp;"</lp1:getetag>
            <lp1:getlastmodified>Mon, 01 Jan 2024 00:00:00 GMT</lp1:getlastmodified></a:prop></a:propstat></a:response>
            <a:response><a:href>/d/gone</a:href><a:status>HTTP/1.1 404 Not Found</a:status></a:response></a:multistatus>"#;
        let found = resources(document).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found[0].is_folder && found[0].href == "/d/");
        let expected = Resource {
            href: "/d/a%20b".into(),
            is_folder: false,
            size: 7,
            last_modified: DateTime::from_timestamp(1_704_067_200, 0).unwrap(),
            e_tag: Some("\"e&\"".into()),
        };
        assert_eq!(found[1], expected);
    }

    #[test]
    fn what_is_cut_short_or_fails_in_part_is_an_error() {
        let document = "<multistatus><response><href>/d/a</href></response></multistatus>";
        for end in 1..document.len() {
            assert!(resources(&document.as_bytes()[..end]).is_err(), "accepted {:?}", &document[..end]);
        }
        assert_eq!(resources(document.as_bytes()).unwrap().len(), 1);
        let closed = document.replace("</href>", "</href><status>HTTP/1.1 403 Forbidden</status>");
        assert!(resources(closed.as_bytes()).unwrap_err().contains("403 for \"/d/a\""));
        let bad = document
            .replace("</href>", "</href><propstat><prop><getcontentlength>x</getcontentlength></prop></propstat>");
        assert!(resources(bad.as_bytes()).unwrap_err().contains("size"));
        assert!(resources(b"<html>welcome</html>").is_err());
        let bomb =
            b"<!DOCTYPE m [<!ENTITY a \"/d/\">]><multistatus><response><href>&a;x</href></response></multistatus>";
        assert!(resources(bomb).is_err());
    }

    #[test]
    fn a_name_is_directly_in_its_folder_or_an_error() {
        let name = |href: &str| name_in(&"http://h:8080/d%20e/".parse().unwrap(), href);
        for (href, expected) in [
            ("/d%20e/a", "a"),
            ("/d e/a b", "a%20b"),
            ("http://h/d%20e/a/", "a"),
            ("https://h:8080/d%20e/%c3%a9~", "%C3%A9~"),
            ("a", "a"),
            ("./a:b", "a:b"),
            ("/d%20e/a%2Fb%3F%23*", "a%2Fb%3F%23%2A"),
            ("/d%20e/a\\b", "a%5Cb"),
            ("/d%20e/x/../a", "a"),
        ] {
            assert_eq!(name(href), Ok(Some(expected.to_owned())), "{href}");
        }
        for href in ["/d%20e/", "/d%20e", "", ".", "http://h:8080/d e/"] {
            assert_eq!(name(href), Ok(None), "{href}");
        }
        for href in [
            "http://evil/d%20e/a",
            "//evil/d%20e/a",
            "file:///d%20e/a",
            "/etc/passwd",
            "/d%20e/../x",
            "/d%20e/%2e%2e/x",
            "/d%20e/a/b",
            "/d%20e//",
            "/d%20e/a?b",
            "/d%20e/a#b",
            "http://[",
        ] {
            assert!(name(href).is_err(), "{href}: {:?}", name(href));
        }
    }
}
