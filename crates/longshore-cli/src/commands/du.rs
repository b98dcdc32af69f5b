//! `du`: how many objects there are, and how many bytes.

use std::collections::BTreeMap;

use clap::Args;
use futures::StreamExt;
use longshore_engine::Depth;

use crate::arguments::Filters;
use crate::error::Result;
use crate::place::{Place, What};
use crate::select::Source;
use crate::session::Session;
use crate::size;

/// Sum up the sizes of objects
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  longshore du s3://bucket
  longshore du -H 's3://bucket/logs/*.gz'
  longshore du --group s3://bucket/")]
pub(crate) struct Arguments {
    /// A bucket, a folder, the beginning of keys, or a pattern of whole keys
    place: String,
    /// Show the sum in units of 1024, such as 30.8M
    #[arg(short = 'H', long)]
    humanize: bool,
    /// A sum for each storage class
    #[arg(short, long)]
    group: bool,
    /// Take `*`, `?` and `\` in the place as they stand
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    filters: Filters,
}

/// A sum as JSON.
#[derive(serde::Serialize)]
struct SumLine<'a> {
    source: &'a str,
    count: u64,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<&'a str>,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    let place = Place::parse(&arguments.place, arguments.raw)?.into_listed();
    let source = Source::new(session, &place, &arguments.filters)?;
    let mut pages = source.pages(session, Depth::Everything);
    let mut sums: BTreeMap<Option<String>, (u64, u64)> = BTreeMap::new();
    while let Some(page) = pages.next().await {
        for object in page?.objects {
            // What has no class is in the one that S3 does not name.
            let class = arguments.group.then(|| object.storage_class.unwrap_or_else(|| "STANDARD".into()));
            let (count, bytes) = sums.entry(class).or_default();
            *count += 1;
            *bytes += object.size;
        }
    }
    if sums.is_empty() {
        if !matches!(&place.what, What::Folder(prefix) if prefix.is_empty() || place.is_local()) {
            return Err(source.nothing());
        }
        sums.insert(None, (0, 0));
    }
    for (class, (count, bytes)) in &sums {
        let json = SumLine { source: &place.typed, count: *count, size: *bytes, storage_class: class.as_deref() };
        let text = || {
            let size = if arguments.humanize { size::human(*bytes) } else { bytes.to_string() };
            let class = class.as_ref().map(|class| format!(" [{class}]")).unwrap_or_default();
            let objects = if *count == 1 { "object" } else { "objects" };
            format!("{size} bytes in {count} {objects}: {}{class}", place.typed)
        };
        session.output().line(text, &json);
    }
    Ok(())
}
