//! What `cp` and `mv` share: their arguments, and the way from a source to jobs.

use std::collections::HashSet;
use std::sync::Arc;

use clap::Args;
use futures::StreamExt;
use longshore_config::{Scheme, masked};
use longshore_engine::{Depth, ErrorKind, Object, Progress, TransferOptions, delete_keys, head, upload_reader};

use crate::arguments::TransferArguments;
use crate::commands::{DoneLine, cat};
use crate::error::{Failed, Result};
use crate::exit::Code;
use crate::place::{Place, What};
use crate::plan::{Job, Known, Target, last_segment, plain_name, real, require_different};
use crate::presence;
use crate::select::{Filter, Source};
use crate::session::Session;
use crate::transfer::{Conditions, How, fail, transfer, unchanged};
use crate::walk::{self, Links};

/// So many objects are planned before they are transferred together.
const CHUNK: usize = 100_000;
/// Moves delete their sources together, in batches that should not be long in coming.
const MOVED_CHUNK: usize = 8000;

#[derive(Args, Debug)]
pub(crate) struct CopyArguments {
    /// Objects, folders with a / at their end, or patterns
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// An object, a bucket, or a folder with a / at its end
    #[arg(value_name = "TARGET")]
    target: String,
    /// Leave targets that are there as they are
    #[arg(short, long)]
    no_clobber: bool,
    /// Replace a target that is there only where its size differs
    #[arg(short = 's', long)]
    if_size_differ: bool,
    /// Replace a target that is there only where the source is newer
    #[arg(short = 'u', long)]
    if_source_newer: bool,
    /// Put everything into the target folder itself, by the last part of its name
    #[arg(short, long)]
    flatten: bool,
    #[command(flatten)]
    transfer: TransferArguments,
}

/// Copies, and with `moves` deletes the sources.
pub(crate) async fn run(arguments: CopyArguments, session: &Session, moves: bool) -> Result<()> {
    if arguments.target == "-" || arguments.sources.iter().any(|source| source == "-") {
        return standard_stream(&arguments, session, moves).await;
    }
    let raw = arguments.transfer.raw;
    let sources = arguments.sources.iter().map(|typed| Place::parse(typed, raw)).collect::<Result<Vec<_>>>()?;
    for source in &sources {
        require_slash(source)?;
        if moves {
            source.require_writable()?;
        }
    }
    let several = sources.len() > 1 || sources.iter().any(|place| !matches!(place.what, What::Object(_)));
    let target = Target::new(session, &arguments.target, several, raw)?;
    if session.global().dry_run {
        let (store, uri) = (Arc::clone(&target.store), target.place.typed.as_str().into());
        presence::require_bucket(session, &Object { store, key: target.prefix().into(), uri }).await?;
    }
    let how =
        How { resume: arguments.transfer.resume, is_silent: arguments.transfer.show_progress, stops_at_failure: false };
    let conditions = Conditions {
        no_clobber: arguments.no_clobber,
        if_size_differ: arguments.if_size_differ,
        if_source_newer: arguments.if_source_newer,
    };
    let names_may_meet = arguments.flatten || sources.len() > 1;
    let mut copying = Copying {
        session,
        reading: session.of_source(&arguments.transfer.source_options),
        arguments: &arguments,
        target,
        how,
        conditions,
        moves,
        pending: Vec::new(),
        elsewhere: HashSet::new(),
        taken: names_may_meet.then(HashSet::new),
    };
    let is_alone = sources.len() == 1;
    for place in sources {
        match copying.add_source(&place).await {
            // The others are copied all the same, and the exit code tells.
            Err(failed) if !is_alone && failed.code() != Code::Usage => {
                session.failed_on(&format!("{} {}", session.operation, masked(&place.typed)), &failed);
            }
            outcome => outcome?,
        }
    }
    copying.flush().await
}

/// A folder is named with a slash at its end, so that nobody is surprised where its name goes.
fn require_slash(place: &Place) -> Result<()> {
    match &place.what {
        What::Object(key) if place.is_local() && Place::local_path(key).is_dir() => {
            let typed = &place.typed;
            Err(Failed::usage(format!(
                "{typed}: this is a folder; write {typed}/ for what is in it, and give the target its name to keep it"
            )))
        }
        _ => Ok(()),
    }
}

struct Copying<'a> {
    session: &'a Session,
    /// The session as far as it reaches sources.
    reading: Session,
    arguments: &'a CopyArguments,
    target: Target,
    how: How,
    conditions: Conditions,
    moves: bool,
    pending: Vec<Job>,
    /// Files that a link to a folder leads to. They are not the source's own, so a move leaves them where they are.
    elsewhere: HashSet<String>,
    /// The keys that are spoken for, where two sources could have one name.
    taken: Option<HashSet<String>>,
}

impl Copying<'_> {
    async fn add_source(&mut self, place: &Place) -> Result<()> {
        match place.what.clone() {
            What::Object(key) => self.add_one(place, key).await,
            _ if place.is_local() => self.add_files(place).await,
            _ => self.add_listed(place).await,
        }
    }

    async fn add_one(&mut self, place: &Place, key: String) -> Result<()> {
        let mut known = None;
        if place.is_local() {
            let shown = place.shown(&key);
            let status = std::fs::metadata(Place::local_path(&key))
                .map_err(|error| self.session.context(shown.as_str()).io_error(error))?;
            known = Some(Known { size: status.len(), modified: walk::modified(&status), e_tag: None });
        }
        let scheme = place.location.scheme();
        // A URL can be signed for reading alone, and then nothing else can be asked of it.
        if self.session.global().dry_run && scheme != Scheme::Http {
            let object = self.reading.object(&place.location, key.as_str(), &place.shown(&key))?;
            presence::require_present(&self.reading, &object).await?;
        }
        let path = if scheme == Scheme::Http { key.split('?').next().unwrap_or(&key) } else { &key };
        let name = plain_name(scheme, last_segment(path));
        self.add(place, key, &name, known).await
    }

    async fn add_listed(&mut self, place: &Place) -> Result<()> {
        let source = Source::new(&self.reading, place, &self.arguments.transfer.filters)?;
        let mut pages = source.pages(&self.reading, Depth::Everything);
        let mut found = false;
        while let Some(page) = pages.next().await {
            for object in page?.objects {
                found = true;
                let name = plain_name(place.location.scheme(), source.relative(&object.key));
                let known = Known { size: object.size, modified: object.last_modified, e_tag: object.e_tag };
                self.add(place, object.key, &name, Some(known)).await?;
            }
        }
        if found { Ok(()) } else { Err(source.nothing()) }
    }

    async fn add_files(&mut self, place: &Place) -> Result<()> {
        let (base, pattern) = match &place.what {
            What::Pattern(pattern, base) => (base.as_str(), Some(pattern)),
            What::Folder(base) | What::Object(base) => (base.as_str(), None),
        };
        if self.target.place.is_local() && pattern.is_none() && real(self.target.prefix()).starts_with(&real(base)) {
            let reason = format!("{}: the target is in this folder, which would never end", place.typed);
            return Err(Failed::usage(reason));
        }
        if !Place::local_path(base).is_dir() {
            return Err(Failed::not_found(format!("{}: there is no such folder", place.typed)));
        }
        let filter = Filter::new(&self.arguments.transfer.filters);
        let links = if self.arguments.transfer.no_follow_symlinks { Links::Skip } else { Links::Follow };
        let mut found = false;
        let mut pieces = walk::walk(place, links);
        while let Some(piece) = pieces.recv().await {
            for step in piece {
                let file = match step {
                    Ok(file) => file,
                    Err(failed) => {
                        found = true;
                        self.session.failed(&failed);
                        continue;
                    }
                };
                let name = file.key.strip_prefix(base).unwrap_or(&file.key).to_owned();
                if pattern.is_some_and(|pattern| !pattern.matches(&file.key)) || !filter.wants(&name) {
                    continue;
                }
                found = true;
                if self.moves && file.is_elsewhere {
                    self.elsewhere.insert(file.key.clone());
                }
                let known = Known { size: file.size, modified: file.modified, e_tag: None };
                self.add(place, file.key, &name, Some(known)).await?;
            }
        }
        if found { Ok(()) } else { Err(Failed::not_found(format!("{}: no file matches", place.typed))) }
    }

    async fn add(&mut self, place: &Place, key: String, name: &str, known: Option<Known>) -> Result<()> {
        if key.ends_with('/') && self.target.place.is_local() && known.as_ref().is_some_and(|known| known.size == 0) {
            // A mark that some tools leave for a folder. Files make their folders.
            return Ok(());
        }
        let (relative, name) = (name, if self.arguments.flatten { last_segment(name) } else { name });
        let shown = place.shown(&key);
        let step = format!("{} {shown} {}", self.session.operation, self.target.place.typed);
        let source = self.reading.object(&place.location, key, &shown)?;
        let inside = self.target.prefix();
        if source.store.same_bucket(&self.target.store) && is_inside(&source.key, relative, inside) {
            // What was copied a moment ago is not copied again.
            return Ok(());
        }
        let target =
            match self.target.object(name).and_then(|target| require_different(&source, &target).map(|()| target)) {
                Ok(target) => target,
                Err(failed) => {
                    self.session.failed_on(&step, &failed);
                    return Ok(());
                }
            };
        if let Some(taken) = &mut self.taken
            && !taken.insert(target.key.clone())
        {
            let reason = format!("{} is the target of another source already", target.uri);
            self.session.failed_on(&step, &Failed::usage(reason));
            return Ok(());
        }
        self.pending.push(Job { source, target, known });
        let enough = if self.moves { MOVED_CHUNK } else { CHUNK };
        if self.pending.len() >= enough { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        let jobs = std::mem::take(&mut self.pending);
        let jobs = self.conditions.select(self.session, jobs).await;
        let done = transfer(self.session, jobs, self.how).await;
        if self.moves && !self.session.global().dry_run { self.delete_sources(done).await } else { Ok(()) }
    }

    /// The last step of a move. What cannot be deleted was copied all the same.
    async fn delete_sources(&self, mut done: Vec<Job>) -> Result<()> {
        let all = done.len();
        done.retain(|job| job.source.store.scheme() != Scheme::File || !self.elsewhere.contains(&job.source.key));
        if done.len() < all {
            let count = all - done.len();
            self.session
                .output()
                .note(&format!("{count} copied and kept, because links lead to them in other folders"));
        }
        let (changed, done): (Vec<Job>, Vec<Job>) = done.into_iter().partition(was_changed);
        for job in changed {
            let reason = format!("{}: it was changed after it was found, so it is kept; move it again", job.source.uri);
            fail(self.session, &job, &Failed::new(ErrorKind::Precondition, reason));
        }
        let mut rest = unchanged(self.session, done).await.into_iter().peekable();
        while let Some(first) = rest.next() {
            let store = Arc::clone(&first.source.store);
            let mut together = vec![first];
            while let Some(next) = rest.next_if(|next| Arc::ptr_eq(&next.source.store, &store)) {
                together.push(next);
            }
            let keys = together.iter().map(|job| job.source.key.clone()).collect();
            let context = self.session.context(&*together[0].source.uri);
            if let Err(error) = delete_keys(&store, keys, &context, &Progress::silent()).await {
                let failures: HashSet<&str> = error.failures().iter().map(|failure| failure.key.as_str()).collect();
                let keys: HashSet<&str> = together.iter().map(|job| job.source.key.as_str()).collect();
                // What the server calls otherwise than it was asked could be any of them.
                let all = failures.is_empty() || !failures.is_subset(&keys);
                for job in together.iter().filter(|job| all || failures.contains(job.source.key.as_str())) {
                    let reason = format!("it was copied, but the source could not be deleted: {error}");
                    fail(self.session, job, &Failed::new(error.kind(), reason));
                }
            }
        }
        Ok(())
    }
}

/// Whether the file that was copied has become another one by now. Many are copied before the first is deleted.
fn was_changed(job: &Job) -> bool {
    let Some(known) = job.known.as_ref().filter(|_| job.source.store.scheme() == Scheme::File) else { return false };
    std::fs::metadata(Place::local_path(&job.source.key))
        .is_ok_and(|now| (now.len(), walk::modified(&now)) != (known.size, known.modified))
}

/// Whether the source `key`, called `name`, is in the target folder, which is in the source's.
fn is_inside(key: &str, name: &str, target: &str) -> bool {
    let base = key.strip_suffix(name).unwrap_or_default();
    target.ends_with('/') && target.len() > base.len() && target.starts_with(base) && key.starts_with(target)
}

async fn standard_stream(arguments: &CopyArguments, session: &Session, moves: bool) -> Result<()> {
    let [source] = &arguments.sources[..] else {
        return Err(Failed::usage("`-` is one source or the target, and the other one is one object"));
    };
    if moves {
        return Err(Failed::usage("a standard stream cannot be moved; use cp"));
    }
    if arguments.target == "-" {
        let place = Place::parse(source, arguments.transfer.raw)?;
        let key = place.object_key("`cat` writes several")?.to_owned();
        if session.global().dry_run {
            let shown = place.shown(&key);
            let json =
                DoneLine { operation: "cp", success: true, source: &shown, destination: Some("-"), object: None };
            session.output().done(|| format!("cp {shown} -"), &json);
            return Ok(());
        }
        cat::write_out(&session.of_source(&arguments.transfer.source_options), &place, key).await?;
        return Ok(());
    }
    let place = Place::parse(&arguments.target, arguments.transfer.raw)?;
    let key = place.object_key("standard input needs the name of an object")?.to_owned();
    let target = session.object(&place.location, key.clone(), &place.shown(&key))?;
    if arguments.if_size_differ || arguments.if_source_newer {
        let reason = "standard input has no size and no time to compare; --no-clobber keeps what is there";
        return Err(Failed::usage(reason));
    }
    let uri = Arc::clone(&target.uri);
    let json = DoneLine { operation: "cp", success: true, source: "-", destination: Some(&uri), object: None };
    if session.global().dry_run {
        session.output().done(|| format!("cp - {uri}"), &json);
        return Ok(());
    }
    if arguments.no_clobber && !is_absent(&target).await? {
        return Ok(());
    }
    let options = TransferOptions { cleanup: session.cleanup.clone(), ..TransferOptions::default() };
    upload_reader(std::io::stdin(), &target, &options, &Progress::silent()).await?;
    session.output().done(|| format!("cp - {uri}"), &json);
    session.succeeded(1);
    Ok(())
}

/// Whether there is no such object.
async fn is_absent(object: &Object) -> Result<bool> {
    match head(object).await {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_target_already_is_no_source() {
        assert!(is_inside("logs/backup/x", "backup/x", "logs/backup/"));
        assert!(is_inside("backup/x", "backup/x", "backup/"));
        assert!(!is_inside("logs/x", "x", "logs/backup/"));
        assert!(!is_inside("a/x", "x", ""));
        assert!(!is_inside("a/x", "x", "a/"));
        assert!(!is_inside("a/b/x", "x", "a/"));
    }
}
