//! The documents about uploads in parts.

use chrono::{DateTime, Utc};

use super::{Unusable, elements, unreadable, url_decoded};
use crate::s3::uploads::{Part, Pending};

/// The text of `field` in a document whose root is `root`.
///
/// # Errors
///
/// What is wrong with the document: it may be another one, or not all of it.
fn field(document: &[u8], root: &str, field: &str) -> Result<String, Unusable> {
    let (mut found, mut complete) = (None, false);
    elements(document, |path, text| match path {
        [top, name] if top == root && name == field => found = Some(text.to_owned()),
        [top] if top == root => complete = true,
        _ => {}
    })
    .map_err(|error| unreadable(document, error))?;
    let missing = || unreadable(document, format!("the document is not a complete {root} with an {field}"));
    found.filter(|_| complete).ok_or_else(missing)
}

/// The name of the upload that was begun.
pub(crate) fn begun(document: &[u8]) -> Result<String, Unusable> {
    field(document, "InitiateMultipartUploadResult", "UploadId")
}

/// The name of the content that was copied into a part.
pub(crate) fn copied_part(document: &[u8]) -> Result<String, Unusable> {
    field(document, "CopyPartResult", "ETag")
}

/// Whether an upload was completed.
pub(crate) fn completed(document: &[u8]) -> Result<(), Unusable> {
    field(document, "CompleteMultipartUploadResult", "ETag").map(drop)
}

/// The body that completes an upload.
pub(crate) fn completion(parts: &[(u32, String)]) -> String {
    let mut body = String::from("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (number, tag) in parts {
        let tag = quick_xml::escape::escape(tag);
        body.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"));
    }
    body.push_str("</CompleteMultipartUpload>");
    body
}

/// One page of `ListMultipartUploads`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PendingPage {
    pub(crate) uploads: Vec<Pending>,
    /// The markers of key and upload that the next page begins after.
    pub(crate) next: Option<(String, String)>,
}

pub(crate) fn pending(document: &[u8]) -> Result<PendingPage, Unusable> {
    let mut page = PendingPage::default();
    let (mut upload, mut next) = (Pending::default(), (String::new(), String::new()));
    let (mut complete, mut truncated, mut encoded) = (false, false, false);
    elements(document, |path, text| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names[..] {
            ["ListMultipartUploadsResult", "EncodingType"] => encoded = text.trim() == "url",
            ["ListMultipartUploadsResult", "IsTruncated"] => truncated = text.trim() == "true",
            ["ListMultipartUploadsResult", "NextKeyMarker"] => text.clone_into(&mut next.0),
            ["ListMultipartUploadsResult", "NextUploadIdMarker"] => text.clone_into(&mut next.1),
            ["ListMultipartUploadsResult", "Upload", "Key"] => text.clone_into(&mut upload.key),
            ["ListMultipartUploadsResult", "Upload", "UploadId"] => text.clone_into(&mut upload.id),
            ["ListMultipartUploadsResult", "Upload", "Initiated"] => {
                // Only the order among several counts, so one without a time is the oldest.
                let moment = DateTime::parse_from_rfc3339(text.trim());
                upload.initiated = moment.map(|moment| moment.with_timezone(&Utc)).unwrap_or_default();
            }
            ["ListMultipartUploadsResult", "Upload"] => page.uploads.push(std::mem::take(&mut upload)),
            ["ListMultipartUploadsResult"] => complete = true,
            _ => {}
        }
    })
    .map_err(|error| unreadable(document, error))?;
    if !complete {
        return Err(unreadable(document, "the document is not a complete ListMultipartUploadsResult"));
    }
    if encoded {
        let keys = page.uploads.iter_mut().map(|upload| &mut upload.key).chain([&mut next.0]);
        keys.for_each(|key| *key = url_decoded(key));
    }
    page.next = truncated.then_some(next);
    Ok(page)
}

/// One page of `ListParts`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PartPage {
    pub(crate) parts: Vec<Part>,
    /// The number that the next page begins after.
    pub(crate) next: Option<u32>,
}

pub(crate) fn parts(document: &[u8]) -> Result<PartPage, Unusable> {
    let mut page = PartPage::default();
    let mut part = Part::default();
    let mut problem = None;
    let (mut complete, mut truncated) = (false, false);
    elements(document, |path, text| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut number = |text: &str| {
            let number = text.trim().parse();
            number.unwrap_or_else(|_| {
                problem = Some(format!("{text:?} is not a number"));
                0
            })
        };
        match names[..] {
            ["ListPartsResult", "IsTruncated"] => truncated = text.trim() == "true",
            ["ListPartsResult", "NextPartNumberMarker"] if !text.is_empty() => {
                page.next = u32::try_from(number(text)).ok();
            }
            ["ListPartsResult", "Part", "PartNumber"] => part.number = u32::try_from(number(text)).unwrap_or(0),
            ["ListPartsResult", "Part", "Size"] => part.size = number(text),
            ["ListPartsResult", "Part", "ETag"] => text.clone_into(&mut part.e_tag),
            ["ListPartsResult", "Part"] => page.parts.push(std::mem::take(&mut part)),
            ["ListPartsResult"] => complete = true,
            _ => {}
        }
    })
    .map_err(|error| unreadable(document, error))?;
    page.next = page.next.filter(|_| truncated);
    match problem {
        Some(problem) => Err(unreadable(document, problem)),
        None if !complete => Err(unreadable(document, "the document is not a complete ListPartsResult")),
        None if truncated && page.next.is_none() => Err(unreadable(document, "a truncated page has no marker")),
        None => Ok(page),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_that_begins_has_a_name() {
        let document = b"<InitiateMultipartUploadResult><Key>k</Key><UploadId>a&amp;b</UploadId>\
            </InitiateMultipartUploadResult>";
        assert_eq!(begun(document).unwrap(), "a&b");
        assert!(begun(&document[..document.len() - 5]).is_err());
        assert!(begun(b"<InitiateMultipartUploadResult></InitiateMultipartUploadResult>").is_err());
    }

    #[test]
    fn an_error_inside_a_200_answer_is_no_completion() {
        let document = b"<Error><Code>InternalError</Code><Message>later</Message></Error>";
        let error = Unusable::Error { code: Some("InternalError".into()), message: Some("later".into()) };
        assert_eq!(completed(document), Err(error));
        let document = b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>";
        assert_eq!(completed(document), Ok(()));
        assert_eq!(copied_part(b"<CopyPartResult><ETag>&quot;x&quot;</ETag></CopyPartResult>").unwrap(), "\"x\"");
    }

    #[test]
    fn a_completion_names_each_part() {
        let body = completion(&[(1, "\"a\"".into()), (2, "b".into())]);
        assert!(body.contains("<Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part><Part>"), "{body}");
    }

    #[test]
    fn uploads_and_parts_come_in_pages() {
        let document = b"<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
            <NextKeyMarker>a%2Fb</NextKeyMarker><NextUploadIdMarker>2</NextUploadIdMarker><Upload><Key>a%2Fb</Key>\
            <UploadId>2</UploadId><Initiated>2026-11-20T09:00:00Z</Initiated></Upload></ListMultipartUploadsResult>";
        let page = pending(document).unwrap();
        assert_eq!((page.uploads[0].key.as_str(), page.uploads[0].id.as_str()), ("a/b", "2"));
        assert_eq!(page.next, Some(("a/b".into(), "2".into())));

        let document =
            b"<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>7</NextPartNumberMarker>\
            <Part><PartNumber>7</PartNumber><ETag>x</ETag><Size>5</Size></Part></ListPartsResult>";
        let page = parts(document).unwrap();
        assert_eq!(page.parts, [Part { number: 7, e_tag: "x".into(), size: 5 }]);
        assert_eq!(page.next, Some(7));
        for end in 1..document.len() {
            assert!(parts(&document[..end]).is_err(), "accepted {end} bytes");
        }
        assert!(parts(b"<ListPartsResult><Part><Size>x</Size></Part></ListPartsResult>").is_err());
    }
}
