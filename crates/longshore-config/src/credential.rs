//! Credentials in one form for all clouds, and the forms that requests are authorized with.

use std::time::SystemTime;

use object_store::aws::AwsCredential;
use object_store::azure::{AzureAccessKey, AzureCredential};
use object_store::gcp::GcpCredential;

use crate::given::Secret;

/// Credentials, and until when they are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The credentials.
    pub credential: Credential,
    /// When they end. Without a time they are kept for ever.
    pub expires_at: Option<SystemTime>,
}

/// Credentials of one of the clouds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// Keys that sign requests to S3.
    Aws {
        /// The identifier, which is no secret.
        access_key_id: String,
        /// The secret that belongs to it.
        secret_access_key: Secret,
        /// The token that belongs to temporary keys.
        session_token: Option<Secret>,
    },
    /// A token for Google.
    GcsToken(Secret),
    /// A key of an Azure account, in base64.
    AzureKey(Secret),
    /// A token for Azure.
    AzureToken(Secret),
    /// A shared access signature, by its parts, decoded.
    AzureSas(Vec<(String, Secret)>),
}

impl Credential {
    fn cloud(&self) -> &'static str {
        match self {
            Self::Aws { .. } => "S3",
            Self::GcsToken(_) => "Google",
            Self::AzureKey(_) | Self::AzureToken(_) | Self::AzureSas(_) => "Azure",
        }
    }
}

/// Credentials as requests to one cloud are authorized with them.
pub(crate) trait Usable: std::fmt::Debug + Send + Sync + Sized + 'static {
    /// Checks `credential`. The error is the rest of a sentence about whoever gave it, and shows no secret.
    fn from_credential(credential: &Credential) -> Result<Self, String>;
}

fn of_another_cloud<T>(credential: &Credential, store: &str) -> Result<T, String> {
    Err(format!("gave credentials for {}, which are of no use to {store}", credential.cloud()))
}

/// What a header can hold.
fn sendable(text: &str) -> Result<String, String> {
    match text.chars().all(|c| matches!(c, ' '..='~')) && !text.is_empty() {
        true => Ok(text.to_owned()),
        false if text.is_empty() => Err("gave an empty text".to_owned()),
        false => Err("gave a text with a character that cannot be sent in a header".to_owned()),
    }
}

impl Usable for AwsCredential {
    fn from_credential(credential: &Credential) -> Result<Self, String> {
        let Credential::Aws { access_key_id, secret_access_key, session_token } = credential else {
            return of_another_cloud(credential, "an S3Store");
        };
        Ok(Self {
            key_id: sendable(access_key_id)?,
            secret_key: secret_access_key.0.clone(),
            token: session_token.as_ref().map(|token| sendable(&token.0)).transpose()?,
        })
    }
}

impl Usable for GcpCredential {
    fn from_credential(credential: &Credential) -> Result<Self, String> {
        let Credential::GcsToken(token) = credential else {
            return of_another_cloud(credential, "a GCSStore");
        };
        Ok(Self { bearer: sendable(&token.0)? })
    }
}

impl Usable for AzureCredential {
    fn from_credential(credential: &Credential) -> Result<Self, String> {
        match credential {
            Credential::AzureKey(key) => {
                let key = AzureAccessKey::try_new(&key.0);
                key.map(Self::AccessKey).map_err(|_| "gave a key of an account that is not in base64".to_owned())
            }
            Credential::AzureToken(token) => Ok(Self::BearerToken(sendable(&token.0)?)),
            Credential::AzureSas(parts) if parts.iter().any(|(name, _)| name == "sig") => {
                Ok(Self::SASToken(parts.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect()))
            }
            Credential::AzureSas(_) => Err("gave a shared access signature without a sig".to_owned()),
            other => of_another_cloud(other, "an AzureStore"),
        }
    }
}

impl From<&AwsCredential> for Credential {
    fn from(credential: &AwsCredential) -> Self {
        Self::Aws {
            access_key_id: credential.key_id.clone(),
            secret_access_key: Secret::new(&credential.secret_key),
            session_token: credential.token.as_ref().map(Secret::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_another_cloud_are_refused_and_nothing_of_them_is_shown() {
        let token = Credential::GcsToken(Secret::new("hunter2"));
        let message = AwsCredential::from_credential(&token).unwrap_err();
        assert_eq!(message, "gave credentials for Google, which are of no use to an S3Store");
        assert!(AzureCredential::from_credential(&token).is_err());
        for bad in ["hun\nter2", ""] {
            let message = GcpCredential::from_credential(&Credential::GcsToken(Secret::new(bad))).unwrap_err();
            assert!(message.starts_with("gave") && !message.contains("ter2"), "{message}");
        }
        let key = Credential::AzureKey(Secret::new("not base64!"));
        assert!(AzureCredential::from_credential(&key).unwrap_err().contains("base64"));
        assert!(!format!("{token:?} {key:?}").contains("hunter2"));
    }
}
