//! `rb`: removes a bucket.

use clap::Args;
use longshore_config::masked;
use longshore_engine::delete_bucket;

use super::DoneLine;
use super::mb::bucket;
use crate::error::Result;
use crate::presence;
use crate::session::Session;

/// Remove empty buckets
#[derive(Args, Debug)]
#[command(after_help = "\
A bucket that is not empty is left as it is; `longshore rm --all` empties it. For a local path the folder is removed. With \
--dry-run the bucket is looked into, and what would be refused is told.

Examples:
  longshore rb s3://bucket
  longshore rm --all s3://bucket && longshore rb s3://bucket")]
pub(crate) struct Arguments {
    /// Buckets, such as s3://bucket
    #[arg(required = true)]
    buckets: Vec<String>,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    for typed in &arguments.buckets {
        match remove(typed, session).await {
            Ok(()) => session.succeeded(1),
            Err(failed) => session.failed_on(&format!("rb {}", masked(typed)), &failed),
        }
    }
    Ok(())
}

async fn remove(typed: &str, session: &Session) -> Result<()> {
    let (place, shown, key) = bucket(typed)?;
    let bucket = session.object(&place.location, key, &shown)?;
    if session.global().dry_run {
        presence::require_empty(session, &bucket).await?;
    } else {
        delete_bucket(&bucket.store, &bucket.key, &session.context(shown.as_str())).await?;
    }
    let json = DoneLine { operation: "rb", success: true, source: &shown, destination: None, object: None };
    session.output().done(|| format!("rb {shown}"), &json);
    Ok(())
}
