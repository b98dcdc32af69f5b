//! Keys of a role for a token from a file.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::home::{Home, LATER, Requests, role_keys, service};
use crate::place::run;

#[test]
fn a_token_file_is_exchanged_for_a_roles_keys() {
    run(async {
        let document = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKW\
                        </AccessKeyId><SecretAccessKey>SK</SecretAccessKey><SessionToken>T</SessionToken><Expiration>\
                        2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
                        </AssumeRoleWithWebIdentityResponse>";
        let requests = Requests::default();
        let sts = service(&requests, vec![(200, document.replace(' ', ""))]);
        let home = Home::new("", "").with("AWS_ENDPOINT_URL_STS", &sts.url());
        let token = home.folder.path().join("token");
        std::fs::write(&token, "proof").unwrap();
        let token = token.to_str().unwrap();
        home.config(&format!("[profile w]\nrole_arn = arn:w\nweb_identity_token_file = {token}\n"));
        assert_eq!(home.keys(&[("profile", "w")]).await.unwrap().key_id, "AKW");
        let home = home.with("AWS_ROLE_ARN", "arn:v").with("AWS_WEB_IDENTITY_TOKEN_FILE", token);
        assert_eq!(home.keys(&[]).await.unwrap().key_id, "AKW");
        let requests = requests.lock().unwrap();
        for (request, role) in requests.iter().zip(["arn%3Aw", "arn%3Av"]) {
            assert!(request.contains("AssumeRoleWithWebIdentity") && request.contains(role), "{requests:?}");
            assert!(request.contains("proof") && !request.contains("Authorization"), "{requests:?}");
        }
        assert_eq!(requests.len(), 2);
    });
}

#[test]
fn a_token_file_that_takes_long_to_read_holds_nobody_up() {
    // One thread for everything, so that whoever waits in it is noticed.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let requests = Requests::default();
        let sts = service(&requests, vec![role_keys("AKP", LATER)]);
        let home = Home::new("", "").with("AWS_ENDPOINT_URL_STS", &sts.url()).with("AWS_ROLE_ARN", "arn:p");
        // A pipe is read until somebody has written to it.
        let pipe = home.folder.path().join("token");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let home = home.with("AWS_WEB_IDENTITY_TOKEN_FILE", pipe.to_str().unwrap());
        let others_went_on = Arc::<AtomicBool>::default();
        let writer = std::thread::spawn({
            let others_went_on = Arc::clone(&others_went_on);
            move || {
                let started = Instant::now();
                while !others_went_on.load(Ordering::SeqCst) && started.elapsed() < Duration::from_secs(5) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let went_on = others_went_on.load(Ordering::SeqCst);
                std::fs::write(&pipe, "proof\n").unwrap();
                went_on
            }
        });
        let others = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            others_went_on.store(true, Ordering::SeqCst);
        };
        let (keys, ()) = tokio::join!(home.keys(&[]), others);
        assert_eq!(keys.unwrap().key_id, "AKP");
        assert!(writer.join().unwrap(), "nothing moved while the file was read");
        let requests = requests.lock().unwrap();
        assert!(requests[0].contains("WebIdentityToken=proof") && requests[0].contains("arn%3Ap"), "{requests:?}");
    });
}

#[test]
fn a_token_file_that_is_not_there_and_a_token_that_is_refused_are_told() {
    run(async {
        let refused = "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token expired</Message></Error>\
                       </ErrorResponse>";
        let sts = service(&Requests::default(), vec![(400, refused.to_owned())]);
        let home = |file: &str| {
            let home = Home::new("", "").with("AWS_ENDPOINT_URL_STS", &sts.url()).with("AWS_ROLE_ARN", "arn:x");
            home.with("AWS_WEB_IDENTITY_TOKEN_FILE", file)
        };
        let message = home("/nowhere/token").keys(&[]).await.unwrap_err();
        assert!(message.contains("/nowhere/token") && message.contains("No such file"), "{message}");
        let token = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(token.path(), "hunter2").unwrap();
        let message = home(token.path().to_str().unwrap()).keys(&[]).await.unwrap_err();
        assert!(message.contains("ExpiredTokenException") && message.contains("arn:x"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    });
}

#[test]
fn a_token_is_not_sent_unencrypted_to_another_machine() {
    let home = Home::new("", "")
        .with("AWS_ENDPOINT_URL_STS", "http://sts.example.org")
        .with("AWS_ROLE_ARN", "arn:w")
        .with("AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
    let message = home.settings(&[]).unwrap_err();
    assert!(message.starts_with("AWS_ENDPOINT_URL_STS") && message.contains("https://"), "{message}");
    assert!(home.settings(&[("allow_http", "true")]).is_ok());
}
