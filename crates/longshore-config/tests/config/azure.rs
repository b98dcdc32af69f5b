//! Ways to a token for Azure, each against a double, up to the request that carries it.

use std::os::unix::fs::PermissionsExt;

use crate::double::{Double, Tokens, read_twice, refusal, store};
use crate::place::run;

const HOUR: Tokens = Tokens::Good { seconds: 3600 };
const SPENT: Tokens = Tokens::Good { seconds: 0 };

/// Options for a container of the double's.
fn at<'a>(endpoint: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("endpoint", endpoint), ("account_name", "acc")], more].concat()
}

#[test]
fn an_application_exchanges_its_secret_for_a_token() {
    run(async {
        let double = Double::start(HOUR);
        let endpoint = double.url();
        let authority = format!("{endpoint}/token");
        let more =
            [("client_id", "me"), ("client_secret", "p&w"), ("tenant_id", "here"), ("authority_host", &*authority)];
        read_twice(&store("az://c/k", &at(&endpoint, &more), &[])).await;
        assert_eq!(double.seen(), ["Bearer token-0", "Bearer token-0"]);
        let question = &double.asked()[0];
        assert!(question.starts_with("POST /token/here/oauth2/v2.0/token "), "{question}");
        for part in ["client_id=me", "client_secret=p%26w", "grant_type=client%5Fcredentials", "storage%2Eazure%2Ecom"]
        {
            assert!(question.contains(part), "{part} in {question}");
        }
    });
}

#[test]
fn a_token_that_never_ends_is_kept() {
    run(async {
        let double = Double::start(Tokens::Good { seconds: u64::MAX });
        let (endpoint, identity) = (double.url(), format!("{}/token", double.url()));
        read_twice(&store("az://c/k", &at(&endpoint, &[("msi_endpoint", &identity)]), &[])).await;
        assert_eq!(double.seen(), ["Bearer token-0", "Bearer token-0"]);
    });
}

#[test]
fn a_command_line_that_hangs_is_ended_when_nobody_waits_for_it() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (program, id) = (folder.path().join("az"), folder.path().join("id"));
        let lines = format!("#!/bin/sh\necho $$ > {}\nexec sleep 60\n", id.display());
        std::fs::write(&program, lines).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
        let store = store("az://c/k", &at("http://127.0.0.1:9", &[("use_azure_cli", "true")]), &[("PATH", &path)]);
        let asked = tokio::time::timeout(std::time::Duration::from_secs(2), read_twice(&store)).await;
        assert!(asked.is_err());
        let id = std::fs::read_to_string(id).unwrap();
        let gone =
            || !std::fs::read_to_string(format!("/proc/{}/cmdline", id.trim())).is_ok_and(|line| line.contains("60"));
        for _ in 0..50 {
            if gone() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("process {id} runs on");
    });
}

#[test]
fn a_token_that_is_spent_is_replaced() {
    run(async {
        let double = Double::start(SPENT);
        let (endpoint, identity) = (double.url(), format!("{}/token", double.url()));
        read_twice(&store("az://c/k", &at(&endpoint, &[("msi_endpoint", &identity)]), &[])).await;
        assert_eq!(double.seen(), ["Bearer token-0", "Bearer token-1"]);
    });
}

#[test]
fn a_workload_exchanges_the_token_in_its_file() {
    run(async {
        let double = Double::start(SPENT);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own");
        std::fs::write(&file, "first\n").unwrap();
        let (endpoint, authority) = (double.url(), format!("{}/token", double.url()));
        let variables = [
            ("AZURE_FEDERATED_TOKEN_FILE", file.to_str().unwrap()),
            ("AZURE_CLIENT_ID", "me"),
            ("AZURE_TENANT_ID", "here"),
            ("AZURE_AUTHORITY_HOST", &*authority),
        ];
        let store = store("az://c/k", &at(&endpoint, &[]), &variables);
        read_twice(&store).await;
        std::fs::write(&file, "second").unwrap();
        read_twice(&store).await;
        let asked = double.asked();
        assert!(
            asked[0].contains("client_assertion=first&") && asked[3].contains("client_assertion=second&"),
            "{asked:?}"
        );
        assert_eq!(double.seen()[3], "Bearer token-3");
    });
}

#[test]
fn a_managed_identity_is_asked_for_by_name_and_with_the_platforms_secret() {
    run(async {
        let double = Double::start(HOUR);
        let (endpoint, identity) = (double.url(), format!("{}/msi/token?x=y", double.url()));
        let variables = [("IDENTITY_ENDPOINT", &*identity), ("IDENTITY_HEADER", "hunter2"), ("AZURE_CLIENT_ID", "me")];
        read_twice(&store("az://c/k", &at(&endpoint, &[]), &variables)).await;
        assert_eq!(double.seen(), ["Bearer token-0", "Bearer token-0"]);
        let question = &double.asked()[0];
        let first = question.lines().next().unwrap();
        assert!(first.starts_with("GET /msi/token?x=y&api-version=2019%2D08%2D01&resource=https"), "{first}");
        assert!(first.contains("client_id=me"), "{first}");
        let lower = question.to_ascii_lowercase();
        assert!(lower.contains("x-identity-header: hunter2") && lower.contains("metadata: true"), "{question}");
    });
}

#[test]
fn the_azure_cli_is_asked_where_that_was_wanted() {
    run(async {
        let double = Double::start(HOUR);
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("az");
        let script = "#!/bin/sh\n[ \"$1 $2\" = 'account get-access-token' ] || exit 2\n\
                      echo '{\"accessToken\": \"from-az\", \"expires_on\": 32503680000, \"tokenType\": \"Bearer\"}'\n";
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let (endpoint, path) = (double.url(), [("PATH", folder.path().to_str().unwrap())]);
        let options = at(&endpoint, &[("use_azure_cli", "true")]);
        read_twice(&store("az://c/k", &options, &path)).await;
        assert_eq!(double.seen(), ["Bearer from-az", "Bearer from-az"]);

        std::fs::write(&program, "#!/bin/sh\necho \"ERROR: Please run 'az login'\" >&2\nexit 1\n").unwrap();
        let message = refusal(&store("az://other/k", &options, &path)).await;
        assert!(message.contains("the Azure CLI") && message.contains("Please run 'az login'"), "{message}");
    });
}

#[test]
fn a_refusal_names_who_was_asked_and_what_was_said() {
    run(async {
        let said =
            r#"{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret.\r\nTrace"}"#;
        let double = Double::start(Tokens::Refused(401, said));
        let (endpoint, authority) = (double.url(), format!("{}/token", double.url()));
        let more =
            [("client_id", "me"), ("client_secret", "hunter2"), ("tenant_id", "t"), ("authority_host", &*authority)];
        let message = refusal(&store("az://c/k", &at(&endpoint, &more), &[])).await;
        for part in
            [&double.host(), "the application me", "HTTP 401", "AADSTS7000215: Invalid client secret.", "account_key"]
        {
            assert!(message.contains(part), "{part} in {message}");
        }
        assert!(!message.contains("hunter2"), "{message}");
        assert!(double.seen().is_empty(), "nothing is sent without a token");
    });
}

#[test]
fn a_key_signs_a_signature_is_added_and_a_token_is_sent_as_it_is() {
    run(async {
        let double = Double::start(HOUR);
        let endpoint = double.url();
        for (name, value) in
            [("account_key", "aHVudGVyMg=="), ("bearer_token", "mine"), ("sas_token", "sv=1&sig=a%2Fb")]
        {
            store("az://c/k", &at(&endpoint, &[(name, value)]), &[]).live().unwrap();
            read_twice(&store("az://c/k", &at(&endpoint, &[(name, value)]), &[])).await;
        }
        let seen = double.seen();
        assert!(seen[0].starts_with("SharedKey acc:") && seen[2] == "Bearer mine", "{seen:?}");
        assert_eq!((&*seen[4], double.asked().len()), ("", 0));
        read_twice(&store("az://c/k", &at(&endpoint, &[("skip_signature", "true")]), &[])).await;
        assert_eq!(double.seen()[6..], ["", ""]);
    });
}
