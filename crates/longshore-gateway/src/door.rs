//! Who may come in: the keys whose signatures s3s checks, and whether a request may go unsigned.

use std::collections::HashMap;
use std::sync::Arc;

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use crate::stats::Counters;

/// The longest that a presigned request may last, in seconds.
const LONGEST: u64 = 7 * 24 * 60 * 60;

/// The secret of each access key.
pub(crate) struct Keys(pub(crate) HashMap<String, SecretKey>);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.0.get(access_key).cloned().ok_or_else(|| {
            s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records.")
        })
    }
}

/// Lets signed requests in, and unsigned ones where that was asked for; counts the operations of both.
pub(crate) struct Door {
    pub(crate) anonymous: bool,
    pub(crate) counters: Arc<Counters>,
}

#[async_trait::async_trait]
impl S3Access for Door {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_none() && !self.anonymous {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        if let Some(query) = context.uri().query() {
            let expires = query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Expires="));
            if expires.and_then(|text| text.parse::<u64>().ok()).is_some_and(|seconds| seconds > LONGEST) {
                let text = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds";
                return Err(s3_error!(AuthorizationQueryParametersError, "{text}"));
            }
        }
        self.counters.operation(context.s3_op().name());
        Ok(())
    }
}
