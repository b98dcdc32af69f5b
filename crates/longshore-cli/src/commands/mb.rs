//! `mb`: makes a bucket.

use clap::Args;
use longshore_config::masked;
use longshore_engine::create_bucket;

use super::DoneLine;
use crate::error::{Failed, Result};
use crate::place::{Place, What};
use crate::session::Session;

/// Make buckets
#[derive(Args, Debug)]
#[command(after_help = "\
A bucket that is yours already is fine. For a local path the folder is made.

Examples:
  longshore mb s3://bucket
  longshore --region eu-north-1 mb s3://one s3://two")]
pub(crate) struct Arguments {
    /// Buckets, such as s3://bucket
    #[arg(required = true)]
    buckets: Vec<String>,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    for typed in &arguments.buckets {
        match make(typed, session).await {
            Ok(()) => session.succeeded(1),
            Err(failed) => session.failed_on(&format!("mb {}", masked(typed)), &failed),
        }
    }
    Ok(())
}

async fn make(typed: &str, session: &Session) -> Result<()> {
    let (place, shown, key) = bucket(typed)?;
    if !session.global().dry_run {
        create_bucket(&session.store(&place.location)?, &key, &session.context(shown.as_str())).await?;
    }
    let json = DoneLine { operation: "mb", success: true, source: &shown, destination: None, object: None };
    session.output().done(|| format!("mb {shown}"), &json);
    Ok(())
}

/// What `typed` names, where that is a bucket or a local folder: the place, how it is shown, and its key.
pub(crate) fn bucket(typed: &str) -> Result<(Place, String, String)> {
    let place = Place::parse(typed, true)?;
    place.require_writable()?;
    match place.what.clone() {
        What::Object(key) | What::Folder(key) if place.is_local() => {
            let key = key.trim_end_matches('/').to_owned();
            let shown = place.shown(&key);
            Ok((place, shown, key))
        }
        _ if place.is_bucket() => {
            let shown = place.bucket();
            Ok((place, shown, String::new()))
        }
        _ => Err(Failed::usage(format!("{}: this names more than a bucket; write {}", place.typed, place.bucket()))),
    }
}
