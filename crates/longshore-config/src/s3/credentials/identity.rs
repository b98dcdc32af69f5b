//! Keys of a role for a token from a file, which a platform such as Kubernetes writes and renews.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use object_store::client::HttpClient;

use super::kept::{Fetch, Fresh, told};
use super::sts;
use crate::ConfigError;
use crate::wire::network::Network;

pub(super) const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::s3) struct WebIdentity {
    pub(super) role: String,
    pub(super) token_file: String,
    pub(super) session_name: String,
    /// STS's address.
    pub(super) sts: String,
}

impl WebIdentity {
    pub(super) fn fetch(&self, network: &Network) -> Result<Asked, ConfigError> {
        Ok(Asked { identity: self.clone(), http: sts::client_of(&self.sts, network)? })
    }
}

impl fmt::Display for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "STS, asked for the role {} by the token in {},", self.role, self.token_file)
    }
}

#[derive(Debug)]
pub(super) struct Asked {
    identity: WebIdentity,
    http: HttpClient,
}

#[async_trait]
impl Fetch for Asked {
    async fn fetch(&self) -> object_store::Result<Fresh> {
        let WebIdentity { role, token_file, session_name, sts } = &self.identity;
        // Read each time, because the platform renews it; and off the workers, because the file may be on a network.
        let read = tokio::task::spawn_blocking({
            let token_file = token_file.clone();
            move || std::fs::read_to_string(token_file)
        });
        let read = read.await.map_err(|error| told(format!("was not asked: {error}")))?;
        let token = read.map_err(|error| told(format!("was not asked: the file cannot be read: {error}")))?;
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("RoleArn", role),
            ("RoleSessionName", session_name),
            ("WebIdentityToken", token.trim()),
        ];
        // The token proves who asks: nothing is signed.
        sts::answer(&self.http, &sts::question(sts, &fields)?).await
    }
}
