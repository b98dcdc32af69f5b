//! Settings and keys from AWS's shared files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_config::{Options, S3Settings};

use crate::home::{Home, LATER, Requests, keys, role_keys, service};
use crate::place::run;

const KEYS: &str = "[work]\naws_access_key_id = AKWORK\naws_secret_access_key = hunter2\naws_session_token = hunter3\n\
                    [default]\naws_access_key_id = AKDEFAULT\naws_secret_access_key = hunter4\n";

#[test]
fn a_profile_sets_what_no_keyword_and_no_variable_does() {
    let config = "[profile work]\nregion = eu-west-3\nservices = mine\nendpoint_url = http://general.localhost\n\
                  s3 =\n  addressing_style = virtual\n  payload_signing_enabled = false\n\
                  [services mine]\ns3 =\n  endpoint_url = http://s3.localhost:9\n";
    let home = Home::new(config, KEYS).with("AWS_PROFILE", "work");
    let settings = home.settings(&[]).unwrap();
    assert_eq!((settings.region(), settings.endpoint()), ("eu-west-3", Some("http://s3.localhost:9")));
    assert_eq!(settings.access_key_id(), Some("AKWORK"));
    let (trail, _) = S3Settings::explain("b", Options::default(), &home.environment());
    let said = |name: &str| {
        let setting = trail.iter().find(|setting| setting.name == name).unwrap();
        format!("{} from {}", setting.value, setting.origin)
    };
    assert_eq!(said("profile"), "work from AWS_PROFILE");
    assert_eq!(said("region"), "eu-west-3 from profile work");
    assert_eq!(said("virtual_hosted_style_request"), "virtual from profile work");
    assert_eq!(said("unsigned_payload"), "true from profile work");
    assert_eq!(said("secret_access_key"), "**** from profile work");
    assert_eq!(said("use_fips_endpoint"), "false from default");
    assert!(!format!("{trail:?}{settings:?}").contains("hunter"));

    let home = home.with("AWS_REGION", "us-west-1");
    assert_eq!(home.settings(&[]).unwrap().region(), "us-west-1");
    assert_eq!(home.settings(&[("region", "us-west-2")]).unwrap().region(), "us-west-2");
}

#[test]
fn keys_of_variables_win_over_a_profile_that_a_variable_names_but_not_over_one_that_a_keyword_names() {
    let id = |home: &Home, options: &[(&str, &str)]| home.settings(options).unwrap().access_key_id().map(str::to_owned);
    let home = Home::new("", KEYS).with("AWS_PROFILE", "work");
    assert_eq!(id(&home, &[]).unwrap(), "AKWORK");
    let home = home.with("AWS_ACCESS_KEY_ID", "AKENV").with("AWS_SECRET_ACCESS_KEY", "s");
    assert_eq!(id(&home, &[]).unwrap(), "AKENV");
    assert_eq!(id(&home, &[("profile", "default")]).unwrap(), "AKDEFAULT");
    assert_eq!(id(&home, &[("access_key_id", "AKOWN"), ("secret_access_key", "s")]).unwrap(), "AKOWN");
    let both = [("access_key_id", "AKOWN"), ("secret_access_key", "s"), ("profile", "work")];
    // The profile gives what else it has.
    assert_eq!(id(&home, &both).unwrap(), "AKOWN");
}

#[test]
fn a_session_token_is_never_taken_from_another_set_of_keys() {
    run(async {
        let home = Home::new("", KEYS).with("AWS_SESSION_TOKEN", "hunter5");
        assert_eq!(home.keys(&[]).await.unwrap().token, None);
        assert_eq!(home.keys(&[("profile", "work")]).await.unwrap().token.as_deref(), Some("hunter3"));
        assert!(home.settings(&[("session_token", "x")]).unwrap_err().contains("access_key_id"));
    });
}

#[test]
fn a_profile_that_is_not_there_is_an_error_that_says_where_was_looked() {
    let home = Home::new("", KEYS).with("AWS_PROFILE", "wrok");
    let keys = [("access_key_id", "k"), ("secret_access_key", "s")];
    for options in [&[][..], &keys] {
        let message = home.settings(options).unwrap_err();
        assert!(message.starts_with("AWS_PROFILE") && message.contains("wrok"), "{message}");
        assert!(message.contains(".aws/credentials"), "{message}");
    }
}

#[test]
fn a_process_gives_keys_once_and_its_words_are_split_as_a_shell_does() {
    run(async {
        let home = Home::new("", "");
        let calls = home.folder.path().join("calls");
        let program = home.program(&format!(
            "echo \"$# $2\" >> {}; echo '{{\"Version\": 1, \"AccessKeyId\": \"AKP\", \"SecretAccessKey\": \"s\", \
             \"SessionToken\": \"t\", \"Expiration\": \"{LATER}\"}}'",
            calls.display()
        ));
        home.config(&format!("[profile p]\ncredential_process = {program} 'one word' \"$HOME\"\n"));
        let store = home.store(&[("profile", "p")]);
        for _ in 0..3 {
            let keys = keys(&store).await.unwrap();
            assert_eq!((&*keys.key_id, keys.token.as_deref()), ("AKP", Some("t")));
        }
        assert_eq!(std::fs::read_to_string(calls).unwrap(), "2 $HOME\n");
    });
}

#[test]
fn a_process_that_prints_without_end_is_stopped() {
    run(async {
        let home = Home::new("", "");
        let program = home.program("exec yes");
        home.config(&format!("[default]\ncredential_process = {program}\n"));
        let asked = tokio::time::timeout(Duration::from_secs(20), home.keys(&[])).await;
        let message = asked.expect("it prints on and on").unwrap_err();
        assert!(message.contains("more than"), "{message}");
    });
}

#[test]
fn a_metadata_service_that_is_switched_off_is_not_asked_for_a_roles_keys() {
    let config = "[default]\nrole_arn = arn\ncredential_source = Ec2InstanceMetadata\n";
    let message = Home::new(config, "").with("AWS_EC2_METADATA_DISABLED", "true").settings(&[]).unwrap_err();
    assert!(message.contains("AWS_EC2_METADATA_DISABLED"), "{message}");
}

#[test]
fn a_process_that_fails_is_told_with_what_it_said_but_not_with_what_it_printed() {
    run(async {
        for (lines, expected) in [
            ("echo hunter2; echo sign on first >&2; exit 3", "sign on first"),
            ("echo hunter2", "not JSON"),
            ("echo '{\"AccessKeyId\": \"hunter2\"}'", "Version 1"),
            ("echo '{\"Version\": 1, \"SecretAccessKey\": \"hunter2\"}'", "AccessKeyId"),
        ] {
            let home = Home::new("", "");
            let program = home.program(lines);
            home.config(&format!("[default]\ncredential_process = {program} --password hunter2\n"));
            let message = home.keys(&[]).await.unwrap_err();
            assert!(message.contains(expected) && message.contains("give-keys"), "{message}");
            assert!(message.contains("credential_process") && !message.contains("hunter2"), "{message}");
        }
        let home = Home::new("[default]\ncredential_process = /nonexistent/program\n", "");
        let message = home.keys(&[]).await.unwrap_err();
        assert!(message.contains("/nonexistent/program") && message.contains("cannot be run"), "{message}");
    });
}

#[test]
fn a_role_is_asked_for_with_the_keys_of_its_source() {
    run(async {
        let requests = Requests::default();
        let sts = service(&requests, vec![role_keys("AKROLE", LATER)]);
        let config = "[profile r]\nrole_arn = arn:aws:iam::1:role/reader\nsource_profile = work\nexternal_id = x&y\n\
                      role_session_name = me\nduration_seconds = 900\n";
        let home = Home::new(config, KEYS).with("AWS_ENDPOINT_URL_STS", &sts.url());
        let store = home.store(&[("profile", "r"), ("region", "eu-west-3")]);
        for _ in 0..3 {
            let keys = keys(&store).await.unwrap();
            assert_eq!((&*keys.key_id, keys.token.as_deref()), ("AKROLE", Some("T")));
        }
        let requests = requests.lock().unwrap();
        assert_eq!(requests.len(), 1, "{requests:?}");
        assert!(requests[0].starts_with("POST / "), "{requests:?}");
        for part in [
            "Action=AssumeRole",
            "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Freader",
            "RoleSessionName=me",
            "ExternalId=x%26y",
            "DurationSeconds=900",
            "Credential=AKWORK/",
            "/eu-west-3/sts/aws4_request",
            "x-amz-security-token: hunter3",
        ] {
            assert!(requests[0].contains(part), "{part}: {requests:?}");
        }
    });
}

#[test]
fn a_role_may_be_asked_for_with_the_keys_of_another_role() {
    run(async {
        let requests = Requests::default();
        let sts = service(&requests, vec![role_keys("AKFIRST", LATER), role_keys("AKSECOND", LATER)]);
        let config = "[profile one]\nrole_arn = arn:one\nsource_profile = work\n\
                      [profile two]\nrole_arn = arn:two\nsource_profile = one\n";
        let home = Home::new(config, KEYS).with("AWS_ENDPOINT_URL", &sts.url()).with("AWS_PROFILE", "two");
        assert_eq!(home.keys(&[]).await.unwrap().key_id, "AKSECOND");
        let requests = requests.lock().unwrap();
        assert!(
            requests[0].contains("Credential=AKWORK/") && requests[0].contains("RoleArn=arn%3Aone"),
            "{requests:?}"
        );
        assert!(
            requests[1].contains("Credential=AKFIRST/") && requests[1].contains("RoleArn=arn%3Atwo"),
            "{requests:?}"
        );
    });
}

#[test]
fn a_role_is_asked_for_again_before_its_keys_end() {
    run(async {
        let requests = Requests::default();
        let soon = chrono::Utc::now() + Duration::from_millis(1200);
        let sts = service(&requests, vec![role_keys("AKOLD", &soon.to_rfc3339()), role_keys("AKNEW", LATER)]);
        let config = "[profile r]\nrole_arn = arn:r\nsource_profile = work\n";
        let home = Home::new(config, KEYS).with("AWS_ENDPOINT_URL_STS", &sts.url()).with("AWS_PROFILE", "r");
        let store = home.store(&[]);
        assert_eq!(keys(&store).await.unwrap().key_id, "AKOLD");
        let started = Instant::now();
        while keys(&store).await.unwrap().key_id == "AKOLD" {
            assert!(started.elapsed() < Duration::from_millis(1150), "old keys were given until they ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(requests.lock().unwrap().len(), 2);
    });
}

#[test]
fn a_refused_role_is_told_with_what_sts_said() {
    run(async {
        let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>";
        let requests = Requests::default();
        let sts = service(&requests, vec![(403, body.to_owned())]);
        let config = "[profile r]\nrole_arn = arn:r\nsource_profile = work\n";
        let home = Home::new(config, KEYS).with("AWS_ENDPOINT_URL_STS", &sts.url()).with("AWS_PROFILE", "r");
        let message = home.keys(&[]).await.unwrap_err();
        for part in ["no credentials: STS", "arn:r", "HTTP 403, AccessDenied: not you", "trust policy"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(!message.contains("hunter"), "{message}");
        assert_eq!(requests.lock().unwrap().len(), 1);
    });
}

#[test]
fn a_failure_of_who_gives_the_keys_that_ask_for_a_role_is_told_as_such() {
    run(async {
        let home = Home::new("", "").with("AWS_PROFILE", "r");
        let program = home.program("echo no luck >&2; exit 1");
        let role = "[profile r]\nrole_arn = arn:r\nsource_profile = p\n";
        home.config(&format!("{role}[profile p]\ncredential_process = {program}\n"));
        let message = home.keys(&[]).await.unwrap_err();
        assert!(message.contains("no luck") && message.matches("no credentials").count() == 1, "{message}");
    });
}

#[test]
fn a_role_that_cannot_be_asked_for_says_what_is_missing() {
    let config = "[profile none]\nrole_arn = arn:r\n\
                  [profile mfa]\nrole_arn = arn:r\nsource_profile = work\nmfa_serial = arn:mfa\n\
                  [profile a]\nrole_arn = arn:a\nsource_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = a\n\
                  [profile gone]\nrole_arn = arn:g\nsource_profile = nobody\n\
                  [profile empty]\nrole_arn = arn:g\nsource_profile = plain\n[profile plain]\nregion = x\n\
                  [profile odd]\nrole_arn = arn:g\ncredential_source = Somewhere\n\
                  [profile env]\nrole_arn = arn:g\ncredential_source = Environment\n";
    let home = Home::new(config, KEYS);
    for (profile, parts) in [
        ("none", &["source_profile", "credential_source"][..]),
        ("mfa", &["mfa_serial", "aws configure export-credentials --profile mfa"]),
        ("a", &["circle"]),
        ("gone", &["nobody"]),
        ("empty", &["plain", "no keys"]),
        ("odd", &["Ec2InstanceMetadata"]),
        ("env", &["AWS_ACCESS_KEY_ID"]),
    ] {
        let message = home.settings(&[("profile", profile)]).unwrap_err();
        assert!(parts.iter().all(|part| message.contains(part)), "{profile}: {message}");
    }
}

#[test]
fn a_role_may_be_asked_for_with_keys_of_the_environment() {
    run(async {
        let requests = Requests::default();
        let sts = service(&requests, vec![role_keys("AKROLE", LATER)]);
        let config = "[profile r]\nrole_arn = arn:r\ncredential_source = Environment\n";
        let home = Home::new(config, "")
            .with("AWS_ENDPOINT_URL_STS", &sts.url())
            .with("AWS_ACCESS_KEY_ID", "AKENV")
            .with("AWS_SECRET_ACCESS_KEY", "s");
        assert_eq!(home.keys(&[("profile", "r")]).await.unwrap().key_id, "AKROLE");
        assert!(requests.lock().unwrap()[0].contains("Credential=AKENV/"));
    });
}

#[test]
fn a_containers_agent_is_asked_with_a_token_from_a_variable_with_one_from_a_file_and_without() {
    run(async {
        let document = format!(
            "{{\"AccessKeyId\": \"AKC\", \"SecretAccessKey\": \"s\", \"Token\": \"t\", \"Expiration\": \"{LATER}\"}}"
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from a file\n").unwrap();
        for (name, value, sent) in [
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "inline", Some("inline")),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.path().to_str().unwrap(), Some("from a file")),
            ("AWS_UNRELATED", "x", None),
        ] {
            let requests = Requests::default();
            let agent = service(&requests, vec![(200, document.clone())]);
            let url = format!("{}/keys?id=1", agent.url());
            let home = Home::new("", "").with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url).with(name, value);
            assert_eq!(home.keys(&[]).await.unwrap().key_id, "AKC");
            let requests = requests.lock().unwrap();
            assert!(requests[0].starts_with("GET /keys?id=1 "), "{requests:?}");
            let token = requests[0].lines().find_map(|line| line.strip_prefix("authorization: "));
            assert_eq!(token, sent, "{requests:?}");
        }
    });
}

#[test]
fn a_signed_on_user_gets_keys_and_everyone_else_is_told_to_sign_on() {
    run(async {
        let document = "{\"roleCredentials\": {\"accessKeyId\": \"AKS\", \"secretAccessKey\": \"s\", \
                        \"sessionToken\": \"t\", \"expiration\": 32472144000000}}";
        let requests = Requests::default();
        let portal = service(&requests, vec![(200, document.to_owned())]);
        let config = "[profile s]\nsso_session = corp\nsso_account_id = 12\nsso_role_name = Reader\n\
                      [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n";
        let home = Home::new(config, "").with("AWS_ENDPOINT_URL_SSO", &portal.url());
        let message = home.keys(&[("profile", "s")]).await.unwrap_err();
        assert!(message.contains("aws sso login --profile s"), "{message}");

        // The name of the file is the SHA-1 of `corp`.
        let cache = home.folder.path().join(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json");
        std::fs::write(&cache, "{\"accessToken\": \"proof\", \"expiresAt\": \"2020-01-01T00:00:00Z\"}").unwrap();
        let home = home.with("AWS_REGION", "eu-west-2");
        let message = home.keys(&[("profile", "s")]).await.unwrap_err();
        assert!(message.contains("expired") && !message.contains("proof"), "{message}");

        std::fs::write(&cache, "{\"accessToken\": \"proof\", \"expiresAt\": \"2999-01-01T00:00:00Z\"}").unwrap();
        let home = home.with("AWS_REGION", "eu-west-3");
        assert_eq!(home.keys(&[("profile", "s")]).await.unwrap().key_id, "AKS");
        let requests = requests.lock().unwrap();
        assert!(requests[0].contains("/federation/credentials?role_name=Reader&account_id=12 "), "{requests:?}");
        assert!(requests[0].contains("x-amz-sso_bearer_token: proof"), "{requests:?}");
        assert_eq!(requests.len(), 1);
    });
}

#[test]
fn nothing_changes_while_the_files_do_not() {
    let home = Home::new("", KEYS);
    let store = |options: &[(&str, &str)]| home.store(options);
    assert!(Arc::ptr_eq(&store(&[]), &store(&[])));
    assert_eq!(store(&[]), store(&[("profile", "default")]));
    assert!(!Arc::ptr_eq(&store(&[]), &store(&[("profile", "work")])));
}
