//! Keys of a role: STS gives them to whoever may act in it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::HttpClient;

use super::kept::{Fetch, Fresh};
use super::{Source, sts};
use crate::ConfigError;
use crate::profile::Profile;
use crate::wire::network::Network;

/// For STS and for whoever gives the keys that ask it.
pub(super) const PATIENCE: Duration = Duration::from_secs(75);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::s3) struct Role {
    arn: String,
    session_name: String,
    external_id: Option<String>,
    seconds: Option<u32>,
    /// STS's address.
    sts: String,
    /// Whose keys ask for it.
    base: Source,
}

impl Role {
    pub(super) fn new(profile: &Profile, sts: String, base: Source) -> Result<Self, ConfigError> {
        if profile.get("mfa_serial").is_some() {
            let reason = format!(
                "this role wants a code of a device, which longshore does not ask for; get keys with \
                 `aws configure export-credentials --profile {0} --format env`, or name a profile with \
                 credential_process = aws configure export-credentials --profile {0}",
                profile.name
            );
            return Err(profile.invalid("mfa_serial", reason));
        }
        let seconds = profile.get("duration_seconds").map(|text| {
            text.parse().map_err(|_| profile.invalid("duration_seconds", format!("{text:?} is no number of seconds")))
        });
        Ok(Self {
            arn: profile.require("role_arn", "this is a role")?.to_owned(),
            session_name: profile.get("role_session_name").unwrap_or("longshore").to_owned(),
            external_id: profile.get("external_id").map(str::to_owned),
            seconds: seconds.transpose()?,
            sts,
            base,
        })
    }

    /// Whose keys ask for it.
    pub(super) fn base(&self) -> &Source {
        &self.base
    }

    pub(super) fn fetch(&self, region: &str, network: &Network) -> Result<Asked, ConfigError> {
        let base = self.base.provider(region, network, &Arc::default())?.provider;
        let http = sts::client_of(&self.sts, network)?;
        Ok(Asked { role: self.clone(), base, http, region: region.to_owned() })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "STS, asked for the role {} by {},", self.arn, self.base)
    }
}

#[derive(Debug)]
pub(super) struct Asked {
    role: Role,
    base: AwsCredentialProvider,
    http: HttpClient,
    region: String,
}

#[async_trait]
impl Fetch for Asked {
    async fn fetch(&self) -> object_store::Result<Fresh> {
        let credential = self.base.get_credential().await?;
        let Role { arn, session_name, external_id, seconds, sts, .. } = &self.role;
        let seconds = seconds.map(|seconds| seconds.to_string());
        let mut fields = vec![("Action", "AssumeRole"), ("RoleArn", arn), ("RoleSessionName", session_name)];
        fields.extend(external_id.as_deref().map(|id| ("ExternalId", id)));
        fields.extend(seconds.as_deref().map(|seconds| ("DurationSeconds", seconds)));
        let mut request = sts::question(sts, &fields)?;
        AwsAuthorizer::new(&credential, "sts", &self.region).try_authorize(&mut request, None)?;
        sts::answer(&self.http, &request).await
    }
}
