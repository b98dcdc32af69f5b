//! Listings: pages of objects whose names begin with a text.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use http::Method;
use longshore_config::GcsAccess;
use serde_json::Value;

use super::request::{Request, document};
use crate::cloud::CloudPage;
use crate::error::{Context, Error};
use crate::listing::Listed;
use crate::rest::Unusable;

/// What is asked for of each object; the rest would be ten times as much.
const FIELDS: &str = "items(name,size,updated,md5Hash,storageClass,generation),prefixes,nextPageToken";

/// Up to 1000 objects whose names begin with `prefix`, from where `token` says. With a `delimiter`, names that have it after the
/// prefix are folded into folders. What comes before `after` is left out; the name itself is not.
pub(crate) async fn list_page(
    access: &GcsAccess,
    (prefix, delimiter, after): (&str, &str, &str),
    token: Option<&str>,
    context: &Context,
) -> Result<CloudPage, Error> {
    let path = format!("b/{}/o", access.bucket);
    let mut request = Request::json(access, Method::GET, &path, context).query("fields", FIELDS);
    let token = token.unwrap_or_default();
    for (name, value) in [("prefix", prefix), ("delimiter", delimiter), ("startOffset", after), ("pageToken", token)] {
        if !value.is_empty() {
            request = request.query(name, value);
        }
    }
    request.parsed(page).await
}

/// # Errors
///
/// What is wrong with the document. Half of one is no JSON, so a page that ends early is an error.
fn page(body: &[u8]) -> Result<CloudPage, Unusable> {
    let json = document(body)?;
    if !json.is_object() {
        return Err(Unusable::Unreadable("the document is no listing".into()));
    }
    let all = |name: &str| json.get(name).and_then(Value::as_array).into_iter().flatten();
    let entries = all("items").map(listed).collect::<Result<_, _>>()?;
    let folders = all("prefixes").filter_map(Value::as_str).map(str::to_owned).collect();
    let next = json.get("nextPageToken").and_then(Value::as_str).filter(|next| !next.is_empty());
    Ok(CloudPage { entries, folders, next: next.map(str::to_owned) })
}

fn listed(item: &Value) -> Result<Listed, Unusable> {
    let unreadable = |what: &str| Unusable::Unreadable(format!("an object of the listing has no {what}"));
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let size = match item.get("size") {
        Some(Value::Number(size)) => size.as_u64(),
        size => size.and_then(Value::as_str).and_then(|size| size.parse().ok()),
    };
    let moment = text("updated").and_then(|moment| DateTime::parse_from_rfc3339(moment).ok());
    Ok(Listed {
        key: text("name").ok_or_else(|| unreadable("name"))?.to_owned(),
        size: size.ok_or_else(|| unreadable("size"))?,
        last_modified: moment.map(|moment| moment.with_timezone(&Utc)).unwrap_or_default(),
        // The tag of this interface is another than that of answers with bodies, which is the checksum where there is one.
        e_tag: text("md5Hash").and_then(|sum| BASE64_STANDARD.decode(sum).ok()).map(|sum| {
            let digits: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\"{digits}\"")
        }),
        storage_class: text("storageClass").map(str::to_owned),
        version: match item.get("generation") {
            Some(Value::Number(generation)) => Some(generation.to_string()),
            generation => generation.and_then(Value::as_str).map(str::to_owned),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_keys_as_they_are() {
        let body = r#"{"kind": "storage#objects", "nextPageToken": "t", "prefixes": ["a/"], "items": [
            {"name": " a//b\u0001/", "size": "3", "updated": "2026-11-20T09:07:23.123Z", "md5Hash": "rL0Y20zC+Fzt72VPzMSk2A==",
             "storageClass": "STANDARD", "generation": "1763629643123456"}, {"name": "c", "size": 0}]}"#;
        let page = page(body.as_bytes()).unwrap();
        assert_eq!((page.next.as_deref(), &page.folders[..]), (Some("t"), &["a/".to_owned()][..]));
        let first = &page.entries[0];
        assert_eq!((&*first.key, first.size), (" a//b\u{1}/", 3));
        assert_eq!(first.e_tag.as_deref(), Some("\"acbd18db4cc2f85cedef654fccc4a4d8\""));
        assert_eq!(first.version.as_deref(), Some("1763629643123456"));
        assert_eq!((&*page.entries[1].key, page.entries[1].size), ("c", 0));
        assert_eq!(super::page(b"{\"kind\": \"storage#objects\"}").unwrap(), CloudPage::default());
    }

    #[test]
    fn what_is_no_page_is_an_error() {
        for body in
            ["", "{\"items\": [", "[]", "<html>", r#"{"items": [{"name": "a"}]}"#, r#"{"items": [{"size": "1"}]}"#]
        {
            assert!(page(body.as_bytes()).is_err(), "{body}");
        }
    }
}
