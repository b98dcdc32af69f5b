//! `sync`: makes a folder like another one.

use std::collections::{HashMap, HashSet};

use clap::Args;
use futures::{StreamExt, stream};
use longshore_engine::{Depth, Object};

use super::rm;
use crate::arguments::{Filters, TransferArguments};
use crate::compare::Measure;
use crate::error::{Failed, Result};
use crate::place::{Place, What};
use crate::plan::{Job, Known, Target, overlap, plain_name};
use crate::select::{Filter, Source};
use crate::session::Session;
use crate::transfer::{How, fail, transfer};
use crate::twins::Written;
use crate::walk::{self, Links};

/// Make a folder or bucket like another one, in one direction
#[derive(Args, Debug)]
#[command(after_help = "\
An object is copied where the target has none of its name, or one of another size, or an older one. Times are compared by the \
second. A downloaded file has the time of its object. --delete leaves alone what --include and --exclude or the source's \
wildcard leave out, deletes nothing where the source could not be read whole, and is refused where the source is empty. Where \
the target takes two names for one, as file systems without capitals do, what was copied is not deleted by its other name. With \
--dry-run the same lines are written, and nothing is done.

Examples:
  longshore sync photos/ s3://bucket/photos/
  longshore --dry-run sync --delete s3://bucket/data/ data/
  longshore sync --exclude '*.tmp' s3://one s3://two/copy/
  longshore sync --checksum --resume data/ s3://bucket/data/")]
pub(crate) struct Arguments {
    /// A bucket, a folder with a / at its end, or a pattern
    source: String,
    /// A bucket or a folder
    target: String,
    /// Delete from the target what the source does not have
    #[arg(long)]
    delete: bool,
    /// Compare sizes alone
    #[arg(long, conflicts_with = "checksum")]
    size_only: bool,
    /// Compare contents, by MD5, where sizes are equal; a failure for an object whose ETag is no MD5
    #[arg(long)]
    checksum: bool,
    /// Begin nothing more after the first failure
    #[arg(long)]
    exit_on_error: bool,
    #[command(flatten)]
    transfer: TransferArguments,
}

/// One side of the comparison: what is known of each name.
struct Side {
    objects: HashMap<String, Found>,
    /// Whether something in it could not be looked at; that was told.
    is_partial: bool,
}

struct Found {
    key: String,
    known: Known,
    /// Whether a link to a folder leads there.
    is_elsewhere: bool,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    let source = Place::parse(&arguments.source, arguments.transfer.raw)?;
    let target = Target::folder(session, &arguments.target, arguments.transfer.raw)?;
    let reading = session.of_source(&arguments.transfer.source_options);
    check(&source, &target, &reading)?;
    let filter = Wanted::new(&source, &arguments.transfer.filters);
    let links = if arguments.transfer.no_follow_symlinks { Links::Skip } else { Links::Follow };
    let everything = Wanted::default();
    let (here, there) = futures::join!(
        side(&reading, &source, &filter, links),
        side(session, &target.place, &everything, Links::FollowIfWhole)
    );
    let (here, there) = (here?, there?);
    if here.objects.is_empty() && !here.is_partial {
        refuse_nothing(&source, &there, arguments.delete)?;
    }
    if arguments.exit_on_error && here.is_partial {
        return Ok(());
    }
    let jobs = plan((session, &reading), &arguments, &source, &target, &here, &there).await;
    let how = How {
        resume: arguments.transfer.resume,
        is_silent: arguments.transfer.show_progress,
        stops_at_failure: arguments.exit_on_error,
    };
    if arguments.exit_on_error && session.has_failures() {
        return Ok(());
    }
    transfer(session, jobs, how).await;
    if !arguments.delete || (arguments.exit_on_error && session.has_failures()) {
        return Ok(());
    }
    if here.is_partial {
        session.output().note("nothing is deleted, because the source could not be read whole");
        return Ok(());
    }
    delete_rest(session, &target, &filter, &here, &there).await
}

/// Deletes what the target has and the source has not.
async fn delete_rest(session: &Session, target: &Target, wanted: &Wanted, here: &Side, there: &Side) -> Result<()> {
    let is_rest =
        |name: &String, found: &Found| !found.is_elsewhere && !here.objects.contains_key(name) && wanted.has(name);
    let rest = there.objects.iter().filter(|(name, found)| is_rest(name, found));
    let mut gone: Vec<String> = rest.map(|(_, found)| found.key.clone()).collect();
    if gone.is_empty() {
        return Ok(());
    }
    gone.sort_unstable();
    let written = Written::new(target, here.objects.keys().filter(|name| !there.objects.contains_key(*name)));
    let (kept, gone): (Vec<String>, Vec<String>) = gone.into_iter().partition(|key| written.may_be(key));
    if let [first, more @ ..] = &kept[..] {
        let more = if more.is_empty() { String::new() } else { format!(", and so for {} more", more.len()) };
        let reason = "is not deleted, because the target may have it as another name of what was copied";
        session.output().note(&format!("{} {reason}{more}", target.place.shown(first)));
    }
    if gone.is_empty() { Ok(()) } else { rm::delete(session, &target.store, &target.place, gone).await }
}

fn check(source: &Place, target: &Target, session: &Session) -> Result<()> {
    let typed = &source.typed;
    let base = match &source.what {
        What::Object(_) => {
            let reason = "sync is about folders, and a folder is written with a / at its end";
            return Err(Failed::usage(format!("{typed}: {reason}; write {typed}/, or use cp for one object")));
        }
        What::Folder(base) | What::Pattern(_, base) => base.as_str(),
    };
    if source.is_local() && !Place::local_path(base).is_dir() {
        return Err(Failed::not_found(format!("{typed}: there is no such folder")));
    }
    if overlap((&*session.store(&source.location)?, base), (&*target.store, target.prefix())) {
        return Err(Failed::usage(format!("{typed}: the source and the target are the same, or one is in the other")));
    }
    Ok(())
}

/// An empty source is most likely a mistake, and with `--delete` a costly one.
fn refuse_nothing(source: &Place, there: &Side, delete: bool) -> Result<()> {
    let typed = &source.typed;
    if delete && !there.objects.is_empty() {
        let reason = "nothing there, or nothing matches; --delete would empty the target, which rm does";
        return Err(Failed::not_found(format!("{typed}: {reason}")));
    }
    match &source.what {
        What::Folder(prefix) if source.is_local() || prefix.is_empty() => Ok(()),
        _ => Err(Failed::not_found(format!("{typed}: there is no object here, or none matches"))),
    }
}

/// Which names a sync is about.
#[derive(Default)]
struct Wanted {
    filter: Filter,
    /// The source, where it is a pattern.
    pattern: Option<(longshore_config::Pattern, String)>,
}

impl Wanted {
    fn new(source: &Place, filters: &Filters) -> Self {
        let pattern = match &source.what {
            What::Pattern(pattern, base) => Some((pattern.clone(), base.clone())),
            _ => None,
        };
        Self { filter: Filter::new(filters), pattern }
    }

    fn has(&self, name: &str) -> bool {
        let matches = |(pattern, base): &(longshore_config::Pattern, String)| pattern.matches(&format!("{base}{name}"));
        self.pattern.as_ref().is_none_or(matches) && self.filter.wants(name)
    }
}

async fn side(session: &Session, place: &Place, wanted: &Wanted, links: Links) -> Result<Side> {
    let mut side = Side { objects: HashMap::new(), is_partial: false };
    if !place.is_local() {
        let source = Source::new(session, place, &Filters::default())?;
        let mut pages = source.pages(session, Depth::Everything);
        while let Some(page) = pages.next().await {
            for object in page?.objects {
                let name = plain_name(place.location.scheme(), source.relative(&object.key));
                if wanted.has(&name) {
                    let known = Known { size: object.size, modified: object.last_modified, e_tag: object.e_tag };
                    side.objects.insert(name, Found { key: object.key, known, is_elsewhere: false });
                }
            }
        }
        return Ok(side);
    }
    let (What::Folder(base) | What::Pattern(_, base) | What::Object(base)) = &place.what;
    let mut pieces = walk::walk(place, links);
    while let Some(piece) = pieces.recv().await {
        for step in piece {
            match step {
                Ok(file) => {
                    let name = file.key.strip_prefix(base.as_str()).unwrap_or(&file.key).to_owned();
                    if wanted.has(&name) {
                        let known = Known { size: file.size, modified: file.modified, e_tag: None };
                        side.objects.insert(name, Found { key: file.key, known, is_elsewhere: file.is_elsewhere });
                    }
                }
                Err(failed) => {
                    session.failed(&failed);
                    side.is_partial = true;
                }
            }
        }
    }
    Ok(side)
}

/// What is to be copied, in the order of names.
async fn plan(
    (session, reading): (&Session, &Session),
    arguments: &Arguments,
    source: &Place,
    target: &Target,
    here: &Side,
    there: &Side,
) -> Vec<Job> {
    let measure = match (arguments.size_only, arguments.checksum) {
        (true, _) => Measure::Size,
        (_, true) => Measure::Checksum,
        _ => Measure::SizeAndTime,
    };
    let mut names: Vec<&String> = here.objects.keys().collect();
    names.sort_unstable();
    let (mut jobs, mut seen) = (Vec::new(), HashSet::new());
    for name in names {
        let found = &here.objects[name];
        if name.ends_with('/') && target.place.is_local() && found.known.size == 0 {
            // A mark that some tools leave for a folder. Files make their folders.
            continue;
        }
        let shown = source.shown(&found.key);
        match job(reading, source, target, name, found, &shown) {
            Ok(job) if seen.insert(job.target.key.clone()) => {
                jobs.push((job, there.objects.get(name).map(|found| found.known.clone())));
            }
            Ok(_) => {}
            Err(failed) => session.failed_on(&format!("cp {shown} {}", target.place.typed), &failed),
        }
    }
    let mut compared = stream::iter(jobs)
        .map(|(job, there)| async move {
            let differs = match there {
                None => Ok(true),
                Some(there) => measure.differs(&job, &there).await,
            };
            (job, differs)
        })
        .buffered(session.in_flight());
    let mut wanted = Vec::new();
    while let Some((job, differs)) = compared.next().await {
        match differs {
            Ok(true) => wanted.push(job),
            Ok(false) => {}
            Err(failed) => fail(session, &job, &failed),
        }
    }
    wanted
}

fn job(session: &Session, source: &Place, target: &Target, name: &str, found: &Found, shown: &str) -> Result<Job> {
    let source: Object = session.object(&source.location, found.key.as_str(), shown)?;
    Ok(Job { source, target: target.object(name)?, known: Some(found.known.clone()) })
}
