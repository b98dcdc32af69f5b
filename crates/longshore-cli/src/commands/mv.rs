//! `mv`: moves objects, from any store to any store.

use clap::Args;

use crate::copying::{self, CopyArguments};
use crate::error::Result;
use crate::session::Session;

/// Move or rename objects, from any store to any store
#[derive(Args, Debug)]
#[command(after_help = "\
Each object is copied, and its source deleted when the copy is whole. What fails keeps its source, and so does what is \
changed meanwhile: objects are looked at before they are copied and once more before they are deleted. What links to folders lead to is copied, and stays where it is. It takes places as cp does.

Examples:
  longshore mv s3://bucket/old s3://bucket/new
  longshore mv 's3://bucket/inbox/*.gz' s3://archive/2026/
  longshore mv done/ s3://bucket/done/")]
pub(crate) struct Arguments {
    #[command(flatten)]
    copy: CopyArguments,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    copying::run(arguments.copy, session, true).await
}
