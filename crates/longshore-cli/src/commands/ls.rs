//! `ls`: buckets, objects and folders.

use clap::Args;
use futures::StreamExt;
use longshore_engine::{Depth, ErrorKind, Listed, list_buckets};

use super::{ObjectLine, bare, timestamp};
use crate::arguments::Filters;
use crate::error::{Failed, Result};
use crate::place::{Place, What};
use crate::select::Source;
use crate::session::Session;
use crate::size;

/// List objects and folders
#[derive(Args, Debug)]
#[command(after_help = "\
A place without a wildcard is what keys begin with; what goes on beyond the next / is shown as a folder. With a wildcard, \
whole keys match and nothing is folded. Times are UTC. The folder that you are in is `longshore ls .`.

Examples:
  longshore ls
  longshore ls s3://bucket
  longshore ls -H s3://bucket/logs/
  longshore ls 's3://bucket/logs/*.gz'
  longshore --json ls --all s3://bucket/logs/")]
pub(crate) struct Arguments {
    /// What to list: a bucket, a folder, the beginning of keys, or a pattern of whole keys [default: s3://, which is your buckets there]
    place: Option<String>,
    /// Show the ETag of each object
    #[arg(short, long)]
    etag: bool,
    /// Show sizes in units of 1024, such as 30.8M
    #[arg(short = 'H', long)]
    humanize: bool,
    /// Show the storage class of each object
    #[arg(short, long)]
    storage_class: bool,
    /// Everything below, instead of one level and its folders
    #[arg(long)]
    all: bool,
    /// Show whole URIs or paths, and nothing else
    #[arg(long)]
    show_fullpath: bool,
    /// Take `*`, `?` and `\` in the place as they stand
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    filters: Filters,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    let Some(typed) = arguments.place.as_deref().filter(|typed| !matches!(*typed, "s3://" | "s3a://")) else {
        return buckets(session).await;
    };
    refuse_service(typed)?;
    let place = Place::parse(typed, arguments.raw)?.into_listed();
    let source = Source::new(session, &place, &arguments.filters)?;
    let depth = if arguments.all || source.has_pattern() { Depth::Everything } else { Depth::Level };
    let mut pages = source.pages(session, depth);
    let (mut found, output) = (0, session.output());
    while let Some(page) = pages.next().await {
        let page = page?;
        for folder in &page.folders {
            show_folder(&arguments, session, &place, &source, folder);
        }
        for object in &page.objects {
            show_object(&arguments, session, &place, &source, object);
        }
        found += page.folders.len() + page.objects.len();
        output.flush();
        if output.is_closed() {
            return Ok(());
        }
    }
    if found == 0 && !matches!(&place.what, What::Folder(prefix) if prefix.is_empty() || place.is_local()) {
        return Err(Failed::not_found(format!("{}: nothing there begins with this, or matches", place.typed)));
    }
    Ok(())
}

/// A bucket as JSON.
#[derive(serde::Serialize)]
struct BucketLine<'a> {
    created_at: Option<String>,
    name: &'a str,
}

async fn buckets(session: &Session) -> Result<()> {
    // A store is of one bucket; a service is the same for all of them.
    let place = Place::parse("s3://any", true)?;
    let store = session.store_called(&place.location, "s3://")?;
    for bucket in list_buckets(&store, &session.context("s3://")).await? {
        let text = || {
            let created = bucket.created.map(|time| time.format("%Y/%m/%d %H:%M:%S").to_string()).unwrap_or_default();
            format!("{created:>19}  s3://{}", bucket.name)
        };
        session.output().line(text, &BucketLine { created_at: bucket.created.map(timestamp), name: &bucket.name });
    }
    Ok(())
}

/// Google lists buckets of a project and Azure those of an account, and neither is in a scheme alone.
fn refuse_service(typed: &str) -> Result<()> {
    let example = match typed.strip_suffix("://") {
        Some("gs" | "gcs") => "gs://bucket",
        Some("az" | "azure" | "adl" | "abfs" | "abfss") => "az://container",
        _ => return Ok(()),
    };
    let reason = format!("{typed}: only S3 is asked for its buckets; name one, as in {example}");
    Err(Failed::new(ErrorKind::NotSupported, reason))
}

fn show_folder(arguments: &Arguments, session: &Session, place: &Place, source: &Source, folder: &str) {
    let shown = place.shown(folder);
    let json = ObjectLine { key: &shown, kind: "directory", ..ObjectLine::default() };
    let text = || match arguments.show_fullpath {
        true => shown.clone(),
        false => row(arguments, ["", "", "", "DIR"], source.relative(folder)),
    };
    session.output().line(text, &json);
}

fn show_object(arguments: &Arguments, session: &Session, place: &Place, source: &Source, object: &Listed) {
    let shown = place.shown(&object.key);
    let e_tag = object.e_tag.as_deref().map(bare);
    let json = ObjectLine {
        key: &shown,
        etag: e_tag,
        last_modified: Some(timestamp(object.last_modified)),
        kind: "file",
        size: Some(object.size),
        storage_class: object.storage_class.as_deref(),
        ..ObjectLine::default()
    };
    let text = || {
        if arguments.show_fullpath {
            return shown.clone();
        }
        let time = object.last_modified.format("%Y/%m/%d %H:%M:%S").to_string();
        let size = if arguments.humanize { size::human(object.size) } else { object.size.to_string() };
        let class = object.storage_class.as_deref().unwrap_or_default();
        row(arguments, [&time, class, e_tag.unwrap_or_default(), &size], source.relative(&object.key))
    };
    session.output().line(text, &json);
}

/// Columns: time, storage class and ETag where they are wanted, size, name.
fn row(arguments: &Arguments, [time, class, e_tag, size]: [&str; 4], name: &str) -> String {
    let mut row = format!("{time:>19}");
    if arguments.storage_class {
        row += &format!(" {class:<19}");
    }
    if arguments.etag {
        row += &format!(" {e_tag:<38}");
    }
    row + &format!(" {size:>17} {name}")
}
