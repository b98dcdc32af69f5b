//! The part of a store that a run works in: objects of its own, in a folder of its own, or what is there already.
//!
//! A run writes below `longshore-bench-ID/` and nowhere else, and deletes by name what it may have written, never by listing. What
//! others put into its folder stays.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use longshore_config::{Scheme, Store};
use longshore_engine::{
    Cleanup, Context, Depth, ErrorKind, Limits, Object, Progress, Source, delete_keys, list_pages, put_many,
};

use super::content::Content;
use super::plan::Plan;
use super::sizes::Sizes;
use crate::arguments::Filters;
use crate::error::{Failed, Result};
use crate::place::{Place, What};
use crate::progress::ProgressLine;
use crate::select;
use crate::session::Session;

/// Objects of one group share a folder. A group is what one listing lists.
pub(crate) const GROUP: u64 = 1000;
/// Keys that are made and deleted at once.
const BATCH: usize = 10_000;
/// So often, and after so long, it is looked whether something has arrived late.
const LATE_ROUNDS: u32 = 5;
const LATE: Duration = Duration::from_millis(200);
/// How the names of our folders begin.
const FOLDER: &str = "longshore-bench-";

/// Which objects a run may have written: so many at first, then so many by each lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written<'a> {
    pub(crate) prepared: u64,
    pub(crate) by_lane: &'a [u64],
    /// Whether something was cut off, and may be carried out yet.
    pub(crate) in_doubt: bool,
}

impl Written<'_> {
    /// The number of the object that lane `lane` of `lanes` writes as its `nth`, after `prepared` others.
    pub(crate) fn number(prepared: u64, lanes: u64, lane: u64, nth: u64) -> u64 {
        prepared + nth * lanes + lane
    }

    fn count(&self) -> u64 {
        self.prepared + self.by_lane.iter().sum::<u64>()
    }

    /// Their numbers.
    fn numbers(&self) -> impl Iterator<Item = u64> {
        let (prepared, lanes) = (self.prepared, self.by_lane.len() as u64);
        let by_lanes =
            self.by_lane.iter().enumerate().flat_map(move |(lane, count)| {
                (0..*count).map(move |nth| Self::number(prepared, lanes, lane as u64, nth))
            });
        (0..prepared).chain(by_lanes)
    }

    fn has(&self, number: u64) -> bool {
        let (lanes, later) = (self.by_lane.len() as u64, number.checked_sub(self.prepared));
        later.is_none_or(|later| lanes > 0 && later / lanes < self.by_lane[(later % lanes) as usize])
    }
}

/// Objects to work on.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) store: Arc<Store>,
    place: Place,
    /// The folder of this run; with existing objects, the prefix they were found under.
    pub(crate) base: String,
    sizes: Sizes,
    seed: u64,
    pub(crate) objects: Objects,
}

/// Which objects there are to read.
#[derive(Debug)]
pub(crate) enum Objects {
    /// As many as were prepared, numbered from 0.
    Own(u64),
    /// Found in the store.
    Existing(Vec<Found>),
}

/// An object that was there.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) size: u64,
    /// Its number in the run that wrote it, as its name tells.
    pub(crate) number: Option<u64>,
}

impl Ground {
    /// The ground of a run called `id`. Nothing is sent.
    pub(crate) fn new(plan: &Plan, id: &str, session: &Session) -> Result<Self> {
        let place = &plan.place;
        let folder = match &place.what {
            What::Object(key) if plan.existing => key.clone(),
            What::Object(key) => format!("{key}/"),
            What::Folder(key) => key.clone(),
            What::Pattern(pattern, _) => pattern.prefix().to_owned(),
        };
        let (base, objects) = if plan.existing {
            (folder, Objects::Existing(Vec::new()))
        } else {
            (format!("{folder}{FOLDER}{id}/"), Objects::Own(plan.prepared()))
        };
        let store = session.store(&place.location)?;
        Ok(Self { store, place: place.clone(), base, sizes: plan.sizes.clone(), seed: plan.seed, objects })
    }

    /// How people know the folder.
    pub(crate) fn shown(&self) -> String {
        self.place.shown(&self.base)
    }

    /// The key of object number `number` of this run.
    pub(crate) fn key(&self, number: u64) -> String {
        format!("{}{:06}/{number:010}", self.base, number / GROUP)
    }

    /// What the keys of a group begin with.
    pub(crate) fn group(&self, group: u64) -> String {
        format!("{}{group:06}/", self.base)
    }

    pub(crate) fn size(&self, number: u64) -> u64 {
        self.sizes.of(self.seed, number)
    }

    pub(crate) fn object(&self, key: String) -> Object {
        Object { store: Arc::clone(&self.store), uri: self.place.shown(&key).into(), key }
    }

    /// How many objects there are to read at the beginning.
    pub(crate) fn count(&self) -> u64 {
        match &self.objects {
            Objects::Own(count) => *count,
            Objects::Existing(found) => found.len() as u64,
        }
    }

    /// Finds what is there, up to `most` objects.
    pub(crate) async fn find(&mut self, most: Option<u64>, session: &Session) -> Result<()> {
        let most = most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let source = select::Source::new(session, &self.place, &Filters::default())?;
        let mut pages = source.pages(session, Depth::Everything);
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for object in page?.objects {
                let number = number_in(&object.key);
                found.push(Found { key: object.key, size: object.size, number });
            }
            if found.len() >= most {
                found.truncate(most);
                break;
            }
        }
        if found.is_empty() {
            return Err(source.nothing());
        }
        self.objects = Objects::Existing(found);
        Ok(())
    }

    /// Writes the objects that are there at the beginning.
    pub(crate) async fn prepare(&self, content: &Content, limits: Limits, progress: &Progress) -> Result<()> {
        let count = self.count();
        let objects = (0..count).map(|number| self.object(self.key(number))).collect();
        let bodies = Bodies { content: content.clone(), sizes: (0..count).map(|number| self.size(number)).collect() };
        Ok(put_many(objects, Arc::new(bodies), limits, progress, &Cleanup::default()).await?)
    }

    /// Deletes what was `written`, then what is empty of our folders. Returns how many objects are left in them: what others
    /// have put there.
    ///
    /// # Errors
    ///
    /// The message names the folder, and what to do.
    pub(crate) async fn clean(&self, written: Written<'_>, session: &Session) -> Result<u64> {
        self.delete(written, session).await.map_err(|failed| {
            let advice = format!(
                "what this run wrote may still be below {0}; delete it with `longshore rm '{0}*'`",
                self.shown()
            );
            Failed::new(failed.kind, format!("{}; {advice}", failed.message))
        })
    }

    async fn delete(&self, written: Written<'_>, session: &Session) -> Result<u64> {
        let context = session.context(self.shown());
        let line = ProgressLine::begin(session, written.count(), 0);
        let progress = line.counters(written.count());
        if written.in_doubt {
            tokio::time::sleep(LATE).await;
        }
        let mut groups = BTreeSet::new();
        let mut numbers = written.numbers();
        loop {
            let batch: Vec<u64> = numbers.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            groups.extend(batch.iter().map(|number| number / GROUP));
            let keys = batch.into_iter().map(|number| self.key(number)).collect();
            delete_keys(&self.store, keys, &context, &progress).await?;
        }
        let mut left = self.left(&context).await?;
        for _ in 0..LATE_ROUNDS {
            // What was cut off can still have been carried out, a moment later.
            let late: Vec<String> = left.extract_if(.., |key| self.is_of(key, written)).collect();
            if late.is_empty() {
                break;
            }
            delete_keys(&self.store, late, &context, &Progress::silent()).await?;
            tokio::time::sleep(LATE).await;
            left = self.left(&context).await?;
        }
        if self.store.scheme() == Scheme::File {
            let folders = groups.into_iter().map(|group| self.group(group)).chain([self.base.clone()]);
            for folder in folders {
                // One that holds something else stays.
                let _ = std::fs::remove_dir(Place::local_path(&folder));
            }
        }
        Ok(left.len() as u64)
    }

    /// Whether `key` is of an object that was `written` by this run.
    fn is_of(&self, key: &str, written: Written<'_>) -> bool {
        number_in(key).is_some_and(|number| written.has(number) && self.key(number) == key)
    }

    /// The keys of what is in our folder.
    async fn left(&self, context: &Context) -> Result<Vec<String>> {
        let mut left = Vec::new();
        let mut pages = list_pages(&self.store, &self.base, Depth::Everything, context);
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => left.extend(page.objects.into_iter().map(|object| object.key)),
                // A folder that is gone has nothing in it.
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(left)
    }
}

/// The number that a key of such a run ends with.
fn number_in(key: &str) -> Option<u64> {
    key.rsplit('/').next().filter(|name| name.len() == 10)?.parse().ok()
}

/// Bodies that are there already, as slices.
struct Bodies {
    content: Content,
    sizes: Vec<u64>,
}

impl Source for Bodies {
    fn size(&self, _index: usize) -> u64 {
        // A slice of what is in memory anyway: it takes nothing of the call's share.
        0
    }

    fn body(&self, index: usize) -> Bytes {
        self.content.body(index as u64, self.sizes[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_known_by_its_number() {
        let written = Written { prepared: 3, by_lane: &[2, 0, 1], in_doubt: false };
        let numbers: Vec<u64> = written.numbers().collect();
        assert_eq!(numbers, [0, 1, 2, 3, 6, 5]);
        assert_eq!(written.count(), 6);
        let known: Vec<u64> = (0..20).filter(|number| written.has(*number)).collect();
        assert_eq!(known, [0, 1, 2, 3, 5, 6]);
        let interrupted = Written { prepared: 2, by_lane: &[], in_doubt: true };
        assert!(interrupted.has(1) && !interrupted.has(2));
    }

    #[test]
    fn only_names_of_our_own_form_have_a_number() {
        assert_eq!(number_in("p/longshore-bench-1/000000/0000000012"), Some(12));
        for key in ["12", "p/12", "p/00000000xx", "p/0000000012/", "p/0000000012.txt"] {
            assert_eq!(number_in(key), None, "{key}");
        }
    }
}
