//! Credentials in JSON: the key of a service account, or what `gcloud auth application-default login` leaves behind.

use std::path::PathBuf;

use serde_json::Value;

use crate::given::Secret;
use crate::options::invalid;
use crate::{ConfigError, Environment, address};

/// Where a person's refresh token is exchanged.
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// What credentials in JSON are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum KeyFile {
    /// A service account, which signs its own tokens.
    ServiceAccount { json: Secret, email: String, project: Option<String> },
    /// A person, whose refresh token is exchanged for others.
    Person {
        client_id: String,
        client_secret: Secret,
        refresh_token: Secret,
        token_url: String,
        project: Option<String>,
    },
}

impl KeyFile {
    /// The project that the credentials belong to.
    pub(super) fn project(&self) -> Option<&str> {
        match self {
            Self::ServiceAccount { project, .. } | Self::Person { project, .. } => project.as_deref(),
        }
    }
}

/// Reads the file at `path`, which the setting `key` names.
pub(super) fn read(key: &str, path: &str) -> Result<KeyFile, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| invalid(key, format!("cannot read {path:?}: {error}")))?;
    parse(key, &text, &format!("{path:?}"))
}

/// Reads credentials from `text`; `what` names it in errors, which never show its values.
pub(super) fn parse(key: &str, text: &str, what: &str) -> Result<KeyFile, ConfigError> {
    let wrong = |reason: String| invalid(key, format!("{what} holds no credentials that can be used: {reason}"));
    let json: Value = serde_json::from_str(text)
        .map_err(|error| wrong(format!("it is not JSON (line {}, column {})", error.line(), error.column())))?;
    let text_of = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    let needed = |name: &str| text_of(name).ok_or_else(|| wrong(format!("it has no {name:?}")));
    // Keys that other clients have written do not always say what they are.
    let kind = text_of("type").unwrap_or_else(|| "service_account".into());
    match kind.as_str() {
        "service_account" => {
            needed("private_key")?;
            needed("private_key_id")?;
            Ok(KeyFile::ServiceAccount {
                json: Secret(text.to_owned()),
                email: needed("client_email")?,
                project: text_of("project_id"),
            })
        }
        "authorized_user" => Ok(KeyFile::Person {
            token_url: token_url(text_of("token_uri")).map_err(|reason| wrong(reason.into()))?,
            client_id: needed("client_id")?,
            client_secret: Secret(needed("client_secret")?),
            refresh_token: Secret(needed("refresh_token")?),
            project: text_of("quota_project_id"),
        }),
        "external_account" | "external_account_authorized_user" | "impersonated_service_account" => {
            Err(ConfigError::NotSupported {
                reason: format!(
                    "{key}: {what} holds credentials of the kind {kind:?}, which are not exchanged here; pass a token as \
                     bearer_token, for example from `gcloud auth application-default print-access-token`, or use the key \
                     of a service account"
                ),
            })
        }
        other => Err(wrong(format!("its type is {other:?}; there are service_account and authorized_user"))),
    }
}

/// Where a login is renewed. A refresh token is as good as a password.
fn token_url(named: Option<String>) -> Result<String, &'static str> {
    let Some(url) = named else { return Ok(TOKEN_URL.to_owned()) };
    let url = address::parse("token_uri", &url).map_err(|_| "its token_uri is no address")?;
    match url.scheme() == "https" || address::is_near(url.as_str()) {
        true => Ok(url.into()),
        false => Err("its token_uri must begin with https://"),
    }
}

/// Where `gcloud` keeps the application default credentials, if they are there.
pub(super) fn well_known(environment: &Environment) -> Option<PathBuf> {
    const NAME: &str = "application_default_credentials.json";
    let folder = match environment.get("CLOUDSDK_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None if cfg!(windows) => PathBuf::from(environment.get("APPDATA")?).join("gcloud"),
        None => PathBuf::from(environment.get("HOME")?).join(".config/gcloud"),
    };
    Some(folder.join(NAME)).filter(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse("application_credentials", text, "the file").unwrap_err().to_string()
    }

    #[test]
    fn credentials_say_whose_they_are() {
        let account = r#"{"type": "service_account", "private_key": "hunter2", "private_key_id": "1", "client_email": "e",
                          "project_id": "p"}"#;
        let account = parse("k", account, "it").unwrap();
        assert!(matches!(&account, KeyFile::ServiceAccount { email, .. } if email == "e"));
        assert_eq!(account.project(), Some("p"));
        let person =
            r#"{"type": "authorized_user", "client_id": "c", "client_secret": "hunter2", "refresh_token": "hunter2"}"#;
        let person = parse("k", person, "it").unwrap();
        assert!(matches!(&person, KeyFile::Person { token_url, .. } if token_url == TOKEN_URL));
        assert!(!format!("{account:?} {person:?}").contains("hunter2"));
    }

    #[test]
    fn what_cannot_be_used_is_told_without_showing_it() {
        assert!(refusal("hunter2").contains("not JSON"));
        assert!(refusal(r#"{"private_key": "hunter2"}"#).contains("private_key_id"));
        let external = r#"{"type": "external_account", "client_secret": "hunter2"}"#;
        let refused = parse("application_credentials", external, "the file").unwrap_err();
        assert!(matches!(&refused, ConfigError::NotSupported { reason } if reason.contains("bearer_token")));
        for text in ["hunter2", external] {
            assert!(!refusal(text).contains("hunter2"), "{}", refusal(text));
        }
    }

    #[test]
    fn a_login_is_not_sent_unencrypted_to_another_machine() {
        let person = |url: &str| {
            format!(
                r#"{{"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r", "token_uri": "{url}"}}"#
            )
        };
        for url in ["http://example.org/token", "example.org", "ftp://h/"] {
            assert!(refusal(&person(url)).contains("token_uri"), "{url}");
        }
        for url in ["http://127.0.0.1:9/token", "https://example.org/token"] {
            let read = parse("k", &person(url), "it").unwrap();
            assert!(matches!(&read, KeyFile::Person { token_url, .. } if token_url == url), "{url}");
        }
    }

    #[test]
    fn the_well_known_file_is_below_the_folder_of_gcloud() {
        let folder = tempfile::tempdir().unwrap();
        let gcloud = folder.path().join(".config/gcloud");
        std::fs::create_dir_all(&gcloud).unwrap();
        let environment = |name: &str, value: &std::path::Path| {
            Environment::from_iter([(name.to_owned(), value.to_str().unwrap().to_owned())])
        };
        assert_eq!(well_known(&environment("HOME", folder.path())), None);
        let file = gcloud.join("application_default_credentials.json");
        std::fs::write(&file, "{}").unwrap();
        assert_eq!(well_known(&environment("HOME", folder.path())), Some(file.clone()));
        assert_eq!(well_known(&environment("CLOUDSDK_CONFIG", &gcloud)), Some(file));
    }
}
