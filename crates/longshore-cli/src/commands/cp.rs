//! `cp`: copies objects, from any store to any store.

use clap::Args;

use crate::copying::{self, CopyArguments};
use crate::error::Result;
use crate::session::Session;

/// Copy objects from any store to any store
#[derive(Args, Debug)]
#[command(after_help = "\
A folder is written with a / at its end and means everything in it; a folder without one is refused. Names are kept from the \
last folder before the first wildcard. Folders are made where files need them. A file appears when it is whole, and no key can \
write outside of the target folder. With -n, -s or -u together, a target is replaced where one of -s and -u says so. As a source, \
- is standard input, and as the target standard output; the other one is one object then.

Examples:
  longshore cp s3://bucket/key .
  longshore cp 's3://bucket/logs/2026/*.gz' logs/
  longshore cp photos/ s3://bucket/photos/
  longshore cp --resume s3://bucket/large.bin /data/
  tar c src/ | longshore cp - s3://bucket/src.tar")]
pub(crate) struct Arguments {
    #[command(flatten)]
    copy: CopyArguments,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    copying::run(arguments.copy, session, false).await
}
