//! A home folder with AWS's shared files, and doubles on the loopback interface in place of AWS's services.

use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use longshore_config::{CredentialsError, Environment, Location, Options, S3Settings, Store, open};
use object_store::aws::AwsCredential;

use crate::place::{Connection, Server, cause};

pub(crate) const LATER: &str = "2999-01-01T00:00:00Z";

/// A home folder with AWS's files in it.
pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    pub(crate) fn new(config: &str, credentials: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(".aws/sso/cache")).unwrap();
        std::fs::write(folder.path().join(".aws/config"), config).unwrap();
        std::fs::write(folder.path().join(".aws/credentials"), credentials).unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        Self { folder, variables: vec![("HOME".to_owned(), home)] }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn environment(&self) -> Environment {
        self.variables.iter().cloned().collect()
    }

    /// A program that does what `lines` of a shell say.
    pub(crate) fn program(&self, lines: &str) -> String {
        let path = self.folder.path().join("give-keys");
        std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn config(&self, text: &str) {
        std::fs::write(self.folder.path().join(".aws/config"), text).unwrap();
    }

    pub(crate) fn settings(&self, options: &[(&str, &str)]) -> Result<S3Settings, String> {
        S3Settings::resolve("b", options.iter().copied().collect(), &self.environment())
            .map_err(|error| error.to_string())
    }

    pub(crate) fn store(&self, options: &[(&str, &str)]) -> Arc<Store> {
        // Nobody listens there, and nothing but credentials is asked for.
        let mut all: Options = options.iter().copied().collect();
        all.set("endpoint", "http://127.0.0.1:9");
        open(&Location::parse("s3://b/").unwrap(), all, &self.environment()).unwrap()
    }

    pub(crate) async fn keys(&self, options: &[(&str, &str)]) -> Result<Arc<AwsCredential>, String> {
        keys(&self.store(options)).await
    }
}

pub(crate) async fn keys(store: &Store) -> Result<Arc<AwsCredential>, String> {
    let provider = store.live().unwrap().s3.as_ref().unwrap().credentials.as_ref().unwrap();
    let given = provider.get_credential().await;
    given.map_err(|error| cause::<CredentialsError>(&error).unwrap_or_else(|| panic!("{error:?}")).to_string())
}

pub(crate) type Requests = Arc<Mutex<Vec<String>>>;

/// A service that notes what it is asked, and answers each request with the next of `answers`; the last one counts for all
/// that follow.
pub(crate) fn service(requests: &Requests, answers: Vec<(u16, String)>) -> Server {
    let (requests, answers) = (Arc::clone(requests), Arc::new(answers));
    Server::start(move |mut connection: Connection| {
        let (requests, answers) = (Arc::clone(&requests), Arc::clone(&answers));
        async move {
            let request = connection.request().await;
            let (status, body) = {
                let mut requests = requests.lock().unwrap();
                requests.push(request);
                answers[(requests.len() - 1).min(answers.len() - 1)].clone()
            };
            connection.answer(status, &body).await;
        }
    })
}

pub(crate) fn role_keys(id: &str, until: &str) -> (u16, String) {
    let body = format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>SK\
         </SecretAccessKey><SessionToken>T</SessionToken><Expiration>{until}</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    );
    (200, body)
}
