//! The few XML documents that S3 answers with.

pub(super) mod uploads;

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;

use crate::list::Entry;
use crate::listing::Listed;
use crate::rest::Unusable;
use crate::xml::{elements, error};

fn unreadable(document: &[u8], problem: impl ToString) -> Unusable {
    match error(document) {
        (None, _) => Unusable::Unreadable(problem.to_string()),
        (code, message) => Unusable::Error { code, message },
    }
}

/// The answer to a copy.
pub(super) fn copied(document: &[u8]) -> Result<(), Unusable> {
    let mut complete = false;
    elements(document, |path, _| complete |= path.len() == 1 && path[0].starts_with("Copy"))
        .map_err(|error| unreadable(document, error))?;
    if complete { Ok(()) } else { Err(unreadable(document, "the document is not a complete CopyObjectResult")) }
}

/// One page of `ListObjectsV2`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page<E> {
    pub(super) entries: Vec<E>,
    /// What keys beyond the delimiter were folded into.
    pub(super) folders: Vec<String>,
    pub(super) truncated: bool,
    pub(super) next: Option<String>,
}

/// What a listing keeps of one object. A plain list keeps little, because there may be millions of them.
pub(crate) trait PageEntry: Default {
    /// Takes the element `name` of a `Contents`. An error says what is wrong with `text`.
    fn set(&mut self, name: &str, text: &str) -> Result<(), String>;

    /// The key, to be decoded.
    fn key(&mut self) -> &mut String;
}

impl PageEntry for Entry {
    fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        match name {
            "Key" => text.clone_into(&mut self.key),
            "Size" => self.size = size(text)?,
            _ => {}
        }
        Ok(())
    }

    fn key(&mut self) -> &mut String {
        &mut self.key
    }
}

impl PageEntry for Listed {
    fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        match name {
            "Key" => text.clone_into(&mut self.key),
            "Size" => self.size = size(text)?,
            "LastModified" => {
                let moment =
                    DateTime::parse_from_rfc3339(text.trim()).map_err(|_| format!("{text:?} is not a time"))?;
                self.last_modified = moment.with_timezone(&Utc);
            }
            "ETag" => self.e_tag = Some(text.to_owned()),
            "StorageClass" => self.storage_class = Some(text.to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn key(&mut self) -> &mut String {
        &mut self.key
    }
}

fn size(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is not a size"))
}

/// # Errors
///
/// What is wrong with the document. A page that ends early is an error, never a short list.
pub(super) fn page<E: PageEntry>(document: &[u8]) -> Result<Page<E>, Unusable> {
    let mut page = Page { entries: Vec::new(), folders: Vec::new(), truncated: false, next: None };
    let mut entry = E::default();
    let mut problem = None;
    let (mut complete, mut encoded) = (false, false);
    elements(document, |path, text| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names[..] {
            ["ListBucketResult", "EncodingType"] => encoded = text.trim() == "url",
            ["ListBucketResult", "IsTruncated"] => page.truncated = text.trim() == "true",
            ["ListBucketResult", "NextContinuationToken"] => page.next = Some(text.to_owned()),
            ["ListBucketResult", "Contents", name] => {
                if let Err(reason) = entry.set(name, text) {
                    problem = Some(reason);
                }
            }
            ["ListBucketResult", "Contents"] => page.entries.push(std::mem::take(&mut entry)),
            ["ListBucketResult", "CommonPrefixes", "Prefix"] => page.folders.push(text.to_owned()),
            ["ListBucketResult"] => complete = true,
            _ => {}
        }
    })
    .map_err(|error| unreadable(document, error))?;
    if encoded {
        // The element that says so comes after the keys on some servers.
        let keys = page.entries.iter_mut().map(PageEntry::key).chain(&mut page.folders);
        keys.for_each(|key| *key = url_decoded(key));
    }
    match problem {
        Some(problem) => Err(unreadable(document, problem)),
        None if !complete => Err(unreadable(document, "the document is not a complete ListBucketResult")),
        None if page.truncated && page.next.is_none() => {
            Err(unreadable(document, "a truncated page has no continuation token"))
        }
        None => Ok(page),
    }
}

/// Undoes `encoding-type=url`: percent-encoding, with a plus for a space, as forms have it.
fn url_decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The keys that a batch delete could not delete: key, code, message.
///
/// # Errors
///
/// What is wrong with the document.
pub(super) fn delete_failures(document: &[u8]) -> Result<Vec<(String, String, String)>, Unusable> {
    let mut failures = Vec::new();
    let mut failure = (String::new(), String::new(), String::new());
    let mut complete = false;
    elements(document, |path, text| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names[..] {
            ["DeleteResult", "Error", "Key"] => text.clone_into(&mut failure.0),
            ["DeleteResult", "Error", "Code"] => text.clone_into(&mut failure.1),
            ["DeleteResult", "Error", "Message"] => text.clone_into(&mut failure.2),
            ["DeleteResult", "Error"] => failures.push(std::mem::take(&mut failure)),
            ["DeleteResult"] => complete = true,
            _ => {}
        }
    })
    .map_err(|error| unreadable(document, error))?;
    if complete { Ok(failures) } else { Err(unreadable(document, "the document is not a complete DeleteResult")) }
}

/// The names of the buckets that `ListBuckets` answers.
pub(super) fn bucket_names(document: &[u8]) -> Result<Vec<String>, Unusable> {
    let mut names = Vec::new();
    elements(document, |path, text| {
        if path.ends_with(&["Bucket".to_owned(), "Name".to_owned()]) {
            names.push(text.to_owned());
        }
    })
    .map_err(|error| unreadable(document, error))?;
    Ok(names)
}

/// The body of a batch delete. `None` where a key has a character that XML cannot spell.
pub(super) fn delete_request(keys: &[&str]) -> Option<String> {
    let mut body = String::from("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
    for key in keys {
        if key.chars().any(|c| c < ' ' || matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')) {
            return None;
        }
        body.push_str("<Object><Key>");
        body.push_str(&quick_xml::escape::escape(*key));
        body.push_str("</Key></Object>");
    }
    body.push_str("</Delete>");
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_keys_as_they_are() {
        let document =
            b"<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"x\"><Name>b</Name><IsTruncated>true</IsTruncated>\
            <NextContinuationToken>a&amp;b=</NextContinuationToken>\
            <Contents><Key> lead &lt;&#x26;&gt; trail </Key><Size>3</Size></Contents>\
            <Contents><Size>0</Size><Key>a//b/&#13;</Key></Contents></ListBucketResult>";
        let page = page::<Entry>(document).unwrap();
        assert_eq!(page.next.as_deref(), Some("a&b="));
        assert!(page.truncated);
        let keys: Vec<_> = page.entries.iter().map(|entry| (entry.key.as_str(), entry.size)).collect();
        assert_eq!(keys, [(" lead <&> trail ", 3), ("a//b/\r", 0)]);
    }

    #[test]
    fn a_page_cut_short_is_an_error() {
        let document = "<ListBucketResult><Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>";
        for end in 1..document.len() {
            assert!(page::<Entry>(&document.as_bytes()[..end]).is_err(), "accepted {:?}", &document[..end]);
        }
        assert!(page::<Entry>(document.as_bytes()).is_ok());
        assert!(page::<Entry>(b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>").is_err());
        assert!(page::<Entry>(b"<html>welcome</html>").is_err());
    }

    #[test]
    fn a_detailed_page_has_what_the_server_says_of_each_object_and_the_folders() {
        let document = b"<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a</Key>\
            <LastModified>2026-11-20T09:00:01.500Z</LastModified><ETag>&quot;x&quot;</ETag><Size>3</Size>\
            <StorageClass>STANDARD</StorageClass><Owner><ID>o</ID></Owner></Contents>\
            <CommonPrefixes><Prefix>b+c/</Prefix></CommonPrefixes></ListBucketResult>";
        let page = page::<Listed>(document).unwrap();
        let listed = &page.entries[0];
        assert_eq!((listed.key.as_str(), listed.size, listed.e_tag.as_deref()), ("a", 3, Some("\"x\"")));
        assert_eq!(listed.last_modified.timestamp_millis(), 1_795_165_201_500);
        assert_eq!((listed.storage_class.as_deref(), &page.folders[..]), (Some("STANDARD"), &["b c/".to_owned()][..]));
        let bad = b"<ListBucketResult><Contents><LastModified>today</LastModified></Contents></ListBucketResult>";
        assert!(super::page::<Listed>(bad).is_err());
    }

    #[test]
    fn an_encoded_page_is_decoded() {
        let document = b"<ListBucketResult><Contents><Key>a+b%2Bc%01%EF%BF%BE</Key><Size>1</Size></Contents>\
            <EncodingType>url</EncodingType></ListBucketResult>";
        assert_eq!(page::<Entry>(document).unwrap().entries[0].key, "a b+c\u{1}\u{fffe}");
    }

    #[test]
    fn an_error_inside_a_200_answer_keeps_its_code() {
        let document = b"<Error><Code>SlowDown</Code><Message>later</Message></Error>";
        let slow = Unusable::Error { code: Some("SlowDown".into()), message: Some("later".into()) };
        assert_eq!(page::<Entry>(document), Err(slow));
        assert!(matches!(copied(document), Err(Unusable::Error { .. })));
        assert!(matches!(copied(b""), Err(Unusable::Unreadable(_))));
        assert_eq!(copied(b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>"), Ok(()));
    }

    #[test]
    fn failures_of_a_batch_are_read_one_by_one() {
        let document = b"<DeleteResult><Deleted><Key>x</Key></Deleted><Error><Key>a</Key><Code>AccessDenied</Code>\
            <Message>no</Message></Error><Error><Key>b</Key><Code>InternalError</Code></Error></DeleteResult>";
        let failures = delete_failures(document).unwrap();
        assert_eq!(failures[0], ("a".into(), "AccessDenied".into(), "no".into()));
        assert_eq!(failures[1], ("b".into(), "InternalError".into(), String::new()));
    }

    #[test]
    fn a_batch_escapes_keys_and_refuses_what_xml_cannot_spell() {
        let body = delete_request(&["a<b>&", "c"]).unwrap();
        assert!(body.contains("<Key>a&lt;b&gt;&amp;</Key>"), "{body}");
        assert!(delete_request(&["a\u{1}"]).is_none());
    }
}
