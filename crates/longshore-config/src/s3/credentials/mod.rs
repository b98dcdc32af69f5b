//! Who gives the keys that requests are signed with.
//!
//! [`Chain::find`] decides whom to ask, in the order of AWS's own clients, and asks nobody yet. A [`Source`] is part of a
//! store's settings: equal sources share their keys. [`Source::provider`] asks, keeps what it was given, and asks again in
//! time ([`kept`]).

mod chain;
mod container;
mod identity;
mod instance;
mod kept;
mod process;
mod role;
mod sso;
mod sts;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use object_store::aws::AwsCredential;

pub(super) use chain::{Chain, pair};
use container::Container;
use identity::WebIdentity;
use instance::Instance;
use kept::{Fetch, Keyed};
use process::Process;
use role::Role;
use sso::SignOn;

use crate::ConfigError;
use crate::credential::Credential;
use crate::given::Secret;
use crate::kept::{Credentials, Giver, Kept};
use crate::wire::network::Network;

/// What to do when there are no keys.
pub(crate) const ADVICE: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or send unsigned requests (skip_signature=True, \
     --no-sign-request)";

/// A pair of keys that was given outright.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: Secret,
    pub(super) token: Option<Secret>,
}

/// Where keys come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// They were given.
    Keys(Keys),
    /// A program prints them.
    Process(Process),
    /// STS, for whoever may act in a role.
    Role(Box<Role>),
    /// AWS's single sign-on, for a token that its command line keeps.
    SignOn(SignOn),
    /// The agent of a container.
    Container(Container),
    /// STS, for a token from a file.
    WebIdentity(WebIdentity),
    /// The metadata service of an instance.
    Instance(Instance),
}

/// Who is asked for keys.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asks {
    pub(super) identity: bool,
    pub(super) sts: bool,
    pub(super) container: bool,
    pub(super) instance: bool,
}

impl Source {
    /// A provider of keys, made anew in each process. It notes in `until` when they end.
    pub(super) fn provider(
        &self,
        region: &str,
        network: &Network,
        until: &Arc<AtomicI64>,
    ) -> Result<Credentials<AwsCredential>, ConfigError> {
        let (fetch, patience): (Arc<dyn Fetch>, _) = match self {
            Self::Keys(keys) => return Ok(keys.credentials()),
            Self::Instance(instance) => (Arc::new(instance.fetch()?), instance::PATIENCE),
            Self::Process(process) => (Arc::new(process.clone()), process::PATIENCE),
            Self::Role(role) => (Arc::new(role.fetch(region, network)?), role::PATIENCE),
            Self::SignOn(sign_on) => (Arc::new(sign_on.fetch(network)?), Duration::from_secs(15)),
            Self::WebIdentity(identity) => (Arc::new(identity.fetch(network)?), identity::PATIENCE),
            Self::Container(container) => (Arc::new(container.fetch()?), container::PATIENCE),
        };
        let (who, advice) = (self.to_string(), format!("; {}", self.advice()));
        let giver = Giver { fetch: Arc::new(Keyed(fetch)), who, advice, patience, ahead: None };
        Ok(Credentials::of(Kept::new(giver, Arc::clone(until))))
    }

    /// Who is asked, themselves or for the keys that ask.
    pub(super) fn asks(&self) -> Asks {
        let nobody = Asks::default();
        match self {
            Self::Keys(_) | Self::Process(_) | Self::SignOn(_) => nobody,
            Self::Role(role) => Asks { sts: true, ..role.base().asks() },
            Self::Container(_) => Asks { container: true, ..nobody },
            Self::WebIdentity(_) => Asks { identity: true, sts: true, ..nobody },
            Self::Instance(_) => Asks { instance: true, ..nobody },
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::SignOn(_) | Self::Process(_) => "`aws sts get-caller-identity` with the same profile tells more",
            Self::Role(_) => "check the role's trust policy and the keys that ask for it",
            Self::WebIdentity(_) => "check the role's trust policy, and that the token is for it and has not ended",
            Self::Keys(_) | Self::Container(_) | Self::Instance(_) => ADVICE,
        }
    }
}

/// Who is asked, as errors and people name it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(_) => f.write_str("the keys that were given"),
            Self::Process(process) => process.fmt(f),
            Self::Role(role) => role.fmt(f),
            Self::SignOn(sign_on) => sign_on.fmt(f),
            Self::Container(container) => container.fmt(f),
            Self::WebIdentity(identity) => identity.fmt(f),
            Self::Instance(instance) => instance.fmt(f),
        }
    }
}

impl Keys {
    pub(super) fn credentials(&self) -> Credentials<AwsCredential> {
        let usable = AwsCredential {
            key_id: self.id.clone(),
            secret_key: self.secret.0.clone(),
            token: self.token.as_ref().map(|token| token.0.clone()),
        };
        let credential = Credential::from(&usable);
        Credentials::given(usable, credential)
    }
}
