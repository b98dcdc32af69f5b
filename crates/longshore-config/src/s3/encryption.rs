//! How objects are encrypted on the server: the headers that say so.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use md5::{Digest, Md5};

use super::specs::{BUCKET_KEY, CUSTOMER_KEY, KMS_KEY_ID, SERVER_SIDE_ENCRYPTION};
use crate::ConfigError;
use crate::given::{Given, Secret};
use crate::options::invalid;

const TYPE: HeaderName = HeaderName::from_static("x-amz-server-side-encryption");
const KEY_ID: HeaderName = HeaderName::from_static("x-amz-server-side-encryption-aws-kms-key-id");
const BUCKET: HeaderName = HeaderName::from_static("x-amz-server-side-encryption-bucket-key-enabled");

/// Headers for requests of our own. The crate `object_store` makes the same ones for its requests.
#[derive(Clone, Debug, Default)]
pub struct Encryption {
    /// For requests that begin an object: a write, a copy's target, the beginning of an upload in parts.
    pub write: HeaderMap,
    /// The customer's key, for every request about an object or a part of it. Empty where the server has the key.
    pub customer: HeaderMap,
    /// The customer's key once more, for the source of a copy.
    pub copy_source: HeaderMap,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Sse {
    pub(super) kind: Option<&'static str>,
    pub(super) kms_key_id: Option<String>,
    pub(super) bucket_key: Option<bool>,
    pub(super) customer_key: Option<Secret>,
}

impl Sse {
    /// `safe` says that requests travel encrypted, or not far.
    pub(super) fn resolve(given: &mut Given<'_>, safe: bool) -> Result<Self, ConfigError> {
        let kind = given.text(&SERVER_SIDE_ENCRYPTION)?;
        let kms_key_id = given.text(&KMS_KEY_ID)?.map(|value| value.header()).transpose()?;
        let bucket_key = given.flag(&BUCKET_KEY)?;
        let customer_key = given.text(&CUSTOMER_KEY)?;
        let kind = match &kind {
            // What one key means nobody has to say twice.
            None if kms_key_id.is_some() => Some("aws:kms"),
            None if customer_key.is_some() => Some("sse-c"),
            None => None,
            Some(value) => Some(match value.text.to_ascii_lowercase().as_str() {
                "aes256" | "sse-s3" => "AES256",
                "aws:kms" | "sse-kms" => "aws:kms",
                "aws:kms:dsse" | "dsse-kms" => "aws:kms:dsse",
                "sse-c" => "sse-c",
                other => {
                    let reason = format!("there is no {other:?}; write AES256, aws:kms, aws:kms:dsse or sse-c");
                    return Err(invalid(&value.key, reason));
                }
            }),
        };
        let by_key_service = kind.is_some_and(|kind| kind.starts_with("aws:kms"));
        for (set, name) in [(kms_key_id.is_some(), KMS_KEY_ID.name), (bucket_key.is_some(), BUCKET_KEY.name)] {
            if set && !by_key_service {
                return Err(invalid(name, "belongs to server_side_encryption=aws:kms".into()));
            }
        }
        match &customer_key {
            Some(value) if kind != Some("sse-c") => {
                return Err(invalid(&value.key, "belongs to server_side_encryption=sse-c".into()));
            }
            None if kind == Some("sse-c") => {
                return Err(invalid(SERVER_SIDE_ENCRYPTION.name, "sse-c needs sse_customer_key_base64 as well".into()));
            }
            Some(value) if !BASE64_STANDARD.decode(&value.text).is_ok_and(|key| key.len() == 32) => {
                return Err(invalid(&value.key, "is not 32 bytes in base64".into()));
            }
            Some(value) if !safe => {
                let reason = "is not sent over http://; use https://, or allow_http=True to send it all the same";
                return Err(invalid(&value.key, reason.into()));
            }
            _ => {}
        }
        Ok(Self { kind, kms_key_id, bucket_key, customer_key: customer_key.map(|value| Secret(value.text)) })
    }

    pub(super) fn headers(&self) -> Encryption {
        let mut headers = Encryption::default();
        if let Some(key) = &self.customer_key {
            let digest = BASE64_STANDARD.encode(Md5::digest(BASE64_STANDARD.decode(&key.0).unwrap_or_default()));
            let parts = [("algorithm", "AES256"), ("key", &key.0), ("key-md5", &digest)];
            for (part, value) in parts {
                let name = |prefix| format!("x-amz-{prefix}server-side-encryption-customer-{part}");
                insert(&mut headers.customer, &name(""), value);
                insert(&mut headers.copy_source, &name("copy-source-"), value);
            }
            headers.write = headers.customer.clone();
            return headers;
        }
        let Some(kind) = self.kind else { return headers };
        insert(&mut headers.write, TYPE.as_str(), kind);
        if let Some(id) = &self.kms_key_id {
            insert(&mut headers.write, KEY_ID.as_str(), id);
        }
        if let Some(bucket_key) = self.bucket_key {
            insert(&mut headers.write, BUCKET.as_str(), if bucket_key { "true" } else { "false" });
        }
        headers
    }
}

/// Both were checked when the settings were read: what is put in here always fits.
fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(mut value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
        value.set_sensitive(name.as_str().contains("customer-key"));
        headers.insert(name, value);
    }
}
