//! Ways to a token for Google, each against a double, up to the request that carries it.

use crate::double::{Double, Tokens, read_twice, refusal, store};
use crate::place::run;

const HOUR: Tokens = Tokens::Good { seconds: 3600 };
const SPENT: Tokens = Tokens::Good { seconds: 0 };

/// Of an account that was made for this test and exists nowhere.
const PRIVATE_KEY: &str = include_str!("../data/service_account.pem");

fn person(token_url: &str) -> String {
    format!(
        r#"{{"type": "authorized_user", "client_id": "me", "client_secret": "hunter2", "refresh_token": "r/1",
            "token_uri": "{token_url}"}}"#
    )
}

#[test]
fn a_person_exchanges_the_refresh_token_of_a_login() {
    run(async {
        let double = Double::start(HOUR);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("login.json");
        std::fs::write(&file, person(&format!("{}/token", double.url()))).unwrap();
        let variables = [("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap())];
        read_twice(&store("gs://b/k", &[("endpoint", &double.url())], &variables)).await;
        assert!(
            !double.seen().is_empty() && double.seen().iter().all(|seen| seen == "Bearer token-0"),
            "{:?}",
            double.seen()
        );
        let asked = double.asked();
        assert_eq!(asked.len(), 1);
        for part in ["POST /token ", "grant_type=refresh%5Ftoken", "refresh_token=r%2F1", "client_id=me"] {
            assert!(asked[0].contains(part), "{part} in {}", asked[0]);
        }
    });
}

#[test]
fn the_metadata_server_gives_tokens_which_are_replaced_when_spent() {
    run(async {
        for (tokens, last) in [(HOUR, "Bearer token-0"), (SPENT, "Bearer token-1")] {
            let double = Double::start(tokens);
            let options = [("endpoint", &*double.url()), ("metadata_host", &*double.host())];
            read_twice(&store("gs://b/k", &options, &[])).await;
            assert_eq!(double.seen().last().unwrap(), last);
            let question = &double.asked()[0];
            assert!(
                question.starts_with("GET /computeMetadata/v1/instance/service-accounts/default/token "),
                "{question}"
            );
            assert!(question.to_ascii_lowercase().contains("metadata-flavor: google"), "{question}");
        }
    });
}

#[test]
fn the_variable_of_the_metadata_server_counts_for_google() {
    run(async {
        let double = Double::start(HOUR);
        let store = store("gs://b/k", &[], &[("GCE_METADATA_HOST", &double.host())]);
        let access = store.live().unwrap().gcs.as_ref().unwrap();
        let credential = access.credentials.as_ref().unwrap().get_credential().await.unwrap();
        assert_eq!((&*credential.bearer, double.asked().len()), ("token-0", 1));
    });
}

#[test]
fn a_service_account_signs_its_own_token_and_asks_nobody() {
    run(async {
        let double = Double::start(HOUR);
        let key = PRIVATE_KEY.replace('\n', "\\n");
        let json = format!(
            r#"{{"type": "service_account", "private_key": "{key}", "private_key_id": "7", "client_email": "me@p", "project_id": "p"}}"#
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.json");
        std::fs::write(&file, &json).unwrap();
        let endpoint = double.url();
        for (name, value) in [("service_account_key", &*json), ("google_service_account", file.to_str().unwrap())] {
            let store = store("gs://b/k", &[("endpoint", &endpoint), (name, value)], &[]);
            assert_eq!(store.gcs_settings().unwrap().project(), Some("p"));
            read_twice(&store).await;
            let until = store.credentials().await.unwrap().unwrap().expires_at.unwrap();
            let left = until.duration_since(std::time::SystemTime::now()).unwrap().as_secs();
            assert!((3500..=3600).contains(&left), "{left}");
        }
        for token in double.seen() {
            let parts: Vec<&str> = token.strip_prefix("Bearer ").unwrap().split('.').collect();
            // A header that begins with {" and a signature of 2048 bits, in base64.
            assert!(parts.len() == 3 && parts[0].starts_with("eyJ") && parts[2].len() == 342, "{token}");
        }
        assert!(double.asked().is_empty());
    });
}

#[test]
fn a_private_key_that_is_none_is_told_without_showing_it() {
    let json =
        r#"{"type": "service_account", "private_key": "hunter2", "private_key_id": "7", "client_email": "me@p"}"#;
    let error = store("gs://b/k", &[("service_account_key", json)], &[]).live().unwrap_err().to_string();
    assert!(error.contains("private_key") && !error.contains("hunter2"), "{error}");
}

#[test]
fn a_refusal_names_who_was_asked_and_what_was_said() {
    run(async {
        let said = r#"{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}"#;
        let double = Double::start(Tokens::Refused(400, said));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("login.json");
        std::fs::write(&file, person(&format!("{}/token", double.url()))).unwrap();
        let options = [("endpoint", &*double.url()), ("application_credentials", file.to_str().unwrap())];
        let message = refusal(&store("gs://b/k", &options, &[])).await;
        for part in [&double.host(), "HTTP 400", "expired or revoked", "gcloud auth application-default login"] {
            assert!(message.contains(part), "{part} in {message}");
        }
        assert!(double.seen().is_empty() && !message.contains("hunter2"), "{message}");
    });
}

#[test]
fn requests_without_credentials_have_no_empty_token() {
    run(async {
        let double = Double::start(HOUR);
        let store = store("gs://b/k", &[("endpoint", &double.url()), ("skip_signature", "true")], &[]);
        read_twice(&store).await;
        assert!(!double.seen().is_empty() && double.seen().iter().all(String::is_empty), "{:?}", double.seen());
    });
}
