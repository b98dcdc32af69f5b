//! What an object says of its content, as headers.

use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use object_store::{Attribute, Attributes};

const METADATA: &str = "x-amz-meta-";

/// The attributes among an answer's headers.
pub(crate) fn from_headers(headers: &HeaderMap) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, value) in headers {
        let Ok(value) = value.to_str() else { continue };
        let attribute = match name.as_str() {
            "cache-control" => Attribute::CacheControl,
            "content-disposition" => Attribute::ContentDisposition,
            "content-encoding" => Attribute::ContentEncoding,
            "content-language" => Attribute::ContentLanguage,
            "content-type" => Attribute::ContentType,
            other => match other.strip_prefix(METADATA) {
                Some(name) => Attribute::Metadata(name.to_owned().into()),
                None => continue,
            },
        };
        attributes.insert(attribute, value.to_owned().into());
    }
    attributes
}

/// The headers that give a new object these attributes, and the content type that the store has for those without one. What S3
/// has no header for is left out.
pub(super) fn to_headers(attributes: &Attributes, content_type: Option<&str>) -> Vec<(HeaderName, String)> {
    let header = |attribute: &Attribute| match attribute {
        Attribute::CacheControl => Some(CACHE_CONTROL),
        Attribute::ContentDisposition => Some(CONTENT_DISPOSITION),
        Attribute::ContentEncoding => Some(CONTENT_ENCODING),
        Attribute::ContentLanguage => Some(CONTENT_LANGUAGE),
        Attribute::ContentType => Some(CONTENT_TYPE),
        Attribute::Metadata(name) => format!("{METADATA}{name}").parse().ok(),
        _ => None,
    };
    let usual = content_type.filter(|_| attributes.get(&Attribute::ContentType).is_none());
    let said = attributes.iter().filter_map(|(attribute, value)| Some((header(attribute)?, value.to_string())));
    said.chain(usual.map(|usual| (CONTENT_TYPE, usual.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_survive_the_way_through_headers_and_nothing_else_does() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("content-type", "text/plain"), ("x-amz-meta-colour", "red"), ("etag", "\"x\""), ("server", "s")]
        {
            headers.insert(name, value.parse().unwrap());
        }
        let mut back = to_headers(&from_headers(&headers), Some("text/unusual"));
        back.sort_by(|one, other| one.0.as_str().cmp(other.0.as_str()));
        let expected = [(CONTENT_TYPE, "text/plain"), (HeaderName::from_static("x-amz-meta-colour"), "red")];
        assert_eq!(back, expected.map(|(name, value)| (name, value.to_owned())));
        let usual = to_headers(&Attributes::new(), Some("text/usual"));
        assert_eq!(usual, [(CONTENT_TYPE, "text/usual".to_owned())]);
    }
}
