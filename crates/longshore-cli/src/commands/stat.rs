//! `stat`: what a store knows of an object without reading it.

use clap::Args;
use longshore_config::masked;
use longshore_engine::head;

use super::{ObjectLine, bare, timestamp};
use crate::error::Result;
use crate::place::Place;
use crate::session::Session;
use crate::size;

/// Describe objects without reading them
#[derive(Args, Debug)]
#[command(after_help = "\
Shows the size, the time of the last change in UTC, and the ETag and version where the store has them. With one object that is \
not there, the exit code is 3.

Examples:
  longshore stat s3://bucket/key
  longshore --json stat s3://bucket/one s3://bucket/two")]
pub(crate) struct Arguments {
    /// Objects
    #[arg(required = true)]
    objects: Vec<String>,
    /// Take `*`, `?` and `\` in places as they stand
    #[arg(long)]
    raw: bool,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    for typed in &arguments.objects {
        match describe(typed, arguments.raw, session).await {
            Ok(()) => session.succeeded(1),
            Err(failed) => session.failed_on(&format!("stat {}", masked(typed)), &failed),
        }
    }
    Ok(())
}

async fn describe(typed: &str, raw: bool, session: &Session) -> Result<()> {
    let place = Place::parse(typed, raw)?;
    let key = place.object_key("`ls` lists several")?;
    let shown = place.shown(key);
    let found = head(&session.object(&place.location, key, &shown)?).await?;
    let e_tag = found.e_tag.as_deref().map(bare);
    let json = ObjectLine {
        key: &shown,
        etag: e_tag,
        last_modified: Some(timestamp(found.last_modified)),
        kind: "file",
        size: Some(found.size),
        version: found.version.as_deref(),
        ..ObjectLine::default()
    };
    let text = || {
        let human = if found.size < 1024 { String::new() } else { format!(" ({})", size::human(found.size)) };
        let mut rows = vec![shown.clone(), row("size", &format!("{}{human}", found.size))];
        rows.push(row("last modified", &found.last_modified.format("%Y/%m/%d %H:%M:%S UTC").to_string()));
        rows.extend(e_tag.map(|e_tag| row("ETag", e_tag)));
        rows.extend(found.version.as_deref().map(|version| row("version", version)));
        rows.join("\n")
    };
    session.output().line(text, &json);
    Ok(())
}

fn row(name: &str, value: &str) -> String {
    format!("  {name:<14} {value}")
}
