//! Listings: pages of blobs whose names begin with a text.

use chrono::{DateTime, Utc};
use http::Method;
use longshore_config::AzureAccess;

use super::request::Request;
use crate::cloud::CloudPage;
use crate::error::{Context, Error};
use crate::listing::Listed;
use crate::rest::Unusable;
use crate::xml::{elements, error};

/// Up to 5000 blobs whose names begin with `prefix`, from where `token` says. With a `delimiter`, names that have it after the
/// prefix are folded into folders.
pub(crate) async fn list_page(
    access: &AzureAccess,
    (prefix, delimiter): (&str, &str),
    token: Option<&str>,
    context: &Context,
) -> Result<CloudPage, Error> {
    let mut request = Request::container(access, Method::GET, context).query("comp", "list");
    for (name, value) in [("prefix", prefix), ("delimiter", delimiter), ("marker", token.unwrap_or_default())] {
        if !value.is_empty() {
            request = request.query(name, value);
        }
    }
    let page = request.parsed(page).await?;
    Ok(page)
}

/// # Errors
///
/// What is wrong with the document. A page that ends early is an error, never a short list.
fn page(document: &[u8]) -> Result<CloudPage, Unusable> {
    let mut page = CloudPage::default();
    let mut blob = Listed::default();
    let mut folder = false;
    let mut problem = None;
    let mut complete = false;
    elements(document, |path, text| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names[..] {
            ["EnumerationResults", "NextMarker"] => page.next = Some(text.to_owned()).filter(|next| !next.is_empty()),
            ["EnumerationResults", "Blobs", "BlobPrefix", "Name"] => page.folders.push(text.to_owned()),
            ["EnumerationResults", "Blobs", "Blob", "Name"] => text.clone_into(&mut blob.key),
            ["EnumerationResults", "Blobs", "Blob", "VersionId"] => blob.version = Some(text.to_owned()),
            ["EnumerationResults", "Blobs", "Blob", "Properties", name] => match name {
                "Content-Length" => match text.trim().parse() {
                    Ok(size) => blob.size = size,
                    Err(_) => problem = Some(format!("{text:?} is not a size")),
                },
                "Last-Modified" => match DateTime::parse_from_rfc2822(text.trim()) {
                    Ok(moment) => blob.last_modified = moment.with_timezone(&Utc),
                    Err(_) => problem = Some(format!("{text:?} is not a time")),
                },
                "Etag" | "ETag" => blob.e_tag = Some(quoted(text)),
                "AccessTier" if !text.is_empty() => blob.storage_class = Some(text.to_owned()),
                // An account with a hierarchy lists its folders among the blobs.
                "ResourceType" => folder = text == "directory",
                _ => {}
            },
            ["EnumerationResults", "Blobs", "Blob"] => {
                let found = std::mem::take(&mut blob);
                if !std::mem::take(&mut folder) {
                    page.entries.push(found);
                }
            }
            ["EnumerationResults"] => complete = true,
            _ => {}
        }
    })
    .map_err(|error| unreadable(document, error.to_string()))?;
    match problem {
        Some(problem) => Err(unreadable(document, problem)),
        None if !complete => Err(unreadable(document, "the document is not a complete EnumerationResults".to_owned())),
        None => Ok(page),
    }
}

/// As headers have it, so that one can be compared with the other.
fn quoted(tag: &str) -> String {
    if tag.starts_with('"') || tag.starts_with("W/") { tag.to_owned() } else { format!("\"{tag}\"") }
}

fn unreadable(document: &[u8], problem: String) -> Unusable {
    match error(document) {
        (None, _) => Unusable::Unreadable(problem),
        (code, message) => Unusable::Error { code, message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"x\">\
        <Prefix>a</Prefix><Blobs>\
        <Blob><Name> lead &lt;&#x26;&gt;</Name><Properties><Last-Modified>Thu, 01 Jul 2021 10:44:59 GMT</Last-Modified>\
        <Etag>0x8D93C7D4629C227</Etag><Content-Length>8</Content-Length><AccessTier>Hot</AccessTier></Properties></Blob>\
        <Blob><Name>folder</Name><Properties><Content-Length>0</Content-Length>\
        <ResourceType>directory</ResourceType></Properties></Blob>\
        <Blob><Name Encoded=\"true\">a%EF%BF%BEb%20c</Name><Properties><Content-Length>0</Content-Length></Properties></Blob>\
        <BlobPrefix><Name>a/</Name></BlobPrefix></Blobs><NextMarker>2!68!x</NextMarker></EnumerationResults>";

    #[test]
    fn a_page_keeps_keys_as_they_are_and_leaves_folders_out() {
        let page = page(PAGE.as_bytes()).unwrap();
        let keys: Vec<_> = page.entries.iter().map(|entry| (&*entry.key, entry.size)).collect();
        assert_eq!(keys, [(" lead <&>", 8), ("a\u{fffe}b c", 0)]);
        assert_eq!((page.folders, page.next.as_deref()), (vec!["a/".to_owned()], Some("2!68!x")));
        let first = &page.entries[0];
        assert_eq!(
            (first.e_tag.as_deref(), first.storage_class.as_deref()),
            (Some("\"0x8D93C7D4629C227\""), Some("Hot"))
        );
        assert_eq!(first.last_modified.to_rfc3339(), "2021-07-01T10:44:59+00:00");
    }

    #[test]
    fn a_page_cut_short_is_an_error() {
        for end in (1..PAGE.len()).filter(|end| PAGE.is_char_boundary(*end)) {
            assert!(page(&PAGE.as_bytes()[..end]).is_err(), "accepted {:?}", &PAGE[..end]);
        }
        assert!(page(b"<html>welcome</html>").is_err());
        let busy = b"<Error><Code>ServerBusy</Code><Message>later</Message></Error>";
        assert_eq!(page(busy), Err(Unusable::Error { code: Some("ServerBusy".into()), message: Some("later".into()) }));
    }
}
