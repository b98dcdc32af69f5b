//! Whether two objects are alike, as far as it can be told without moving them.

use std::fs::File;
use std::io::{self, Read};

use longshore_config::Scheme;
use longshore_engine::{ErrorKind, Object};
use md5::{Digest, Md5};
use tokio::task::spawn_blocking;

use crate::commands::bare;
use crate::error::{Failed, Result};
use crate::place::Place;
use crate::plan::{Job, Known};

/// What `sync` goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Sizes, and whether the source is newer.
    SizeAndTime,
    Size,
    /// Sizes, then contents.
    Checksum,
}

impl Measure {
    /// Whether the target of `job`, of which `there` is known, is out of date.
    pub(crate) async fn differs(self, job: &Job, there: &Known) -> Result<bool> {
        let Some(here) = &job.known else { return Ok(true) };
        if here.size != there.size {
            return Ok(true);
        }
        match self {
            Self::Size => Ok(false),
            // HTTP tells times in whole seconds, and a downloaded file has the time that it was told.
            Self::SizeAndTime => Ok(here.modified.timestamp() > there.modified.timestamp()),
            Self::Checksum => content_differs(job, here, there).await,
        }
    }
}

async fn content_differs(job: &Job, here: &Known, there: &Known) -> Result<bool> {
    let is_local = |object: &Object| object.store.scheme() == Scheme::File;
    if !is_local(&job.source) && here.e_tag.is_some() && here.e_tag == there.e_tag {
        return Ok(false);
    }
    let mut digests = Vec::new();
    for (object, known) in [(&job.source, here), (&job.target, there)] {
        if is_local(object) {
            digests.push(file_digest(object).await?);
            continue;
        }
        let digest = known.e_tag.as_deref().map(bare).filter(|e_tag| is_md5(e_tag));
        let digest = digest.ok_or_else(|| {
            let reason = "its ETag is no MD5 (it was uploaded in parts, or encrypted, or this store has none)";
            let advice = "so its content cannot be compared; sync without --checksum goes by size and time";
            Failed::new(ErrorKind::NotSupported, format!("{}: {reason}, {advice}", object.uri))
        })?;
        digests.push(digest.to_ascii_lowercase());
    }
    Ok(digests[0] != digests[1])
}

fn is_md5(e_tag: &str) -> bool {
    e_tag.len() == 32 && e_tag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

async fn file_digest(object: &Object) -> Result<String> {
    let path = Place::local_path(&object.key);
    let reading = spawn_blocking(move || {
        let (mut file, mut digest) = (File::open(path)?, Md5::new());
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => digest.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    });
    let context = longshore_engine::Context::new("sync", &*object.uri);
    let digest = reading.await.map_err(|error| context.io_error(error.into()))?;
    digest.map_err(|error| context.io_error(error).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use longshore_config::{Environment, Location, Options, open};

    fn object(uri: &str) -> Object {
        let location = Location::parse(uri).unwrap();
        let store = open(&location, Options::default(), &Environment::default()).unwrap();
        Object { store, key: location.raw_key().into(), uri: uri.into() }
    }

    fn known(size: u64, millis: i64, e_tag: Option<&str>) -> Known {
        let modified = DateTime::from_timestamp_millis(millis).unwrap();
        Known { size, modified, e_tag: e_tag.map(str::to_owned) }
    }

    async fn differs(measure: Measure, source: &str, here: Known, there: Known) -> Result<bool> {
        let job = Job { source: object(source), target: object("memory://t/k"), known: Some(here) };
        measure.differs(&job, &there).await
    }

    #[tokio::test]
    async fn sizes_and_times_are_compared_to_the_second() {
        let measure = Measure::SizeAndTime;
        for (here, there, expected) in [
            (known(1, 5000, None), known(2, 9000, None), true),
            (known(1, 5000, None), known(1, 4000, None), true),
            (known(1, 5900, None), known(1, 5000, None), false),
            (known(1, 4000, None), known(1, 5000, None), false),
        ] {
            assert_eq!(differs(measure, "memory://s/k", here, there).await.unwrap(), expected);
        }
        let (here, there) = (known(1, 9000, None), known(1, 1000, None));
        assert!(!differs(Measure::Size, "memory://s/k", here, there).await.unwrap());
    }

    #[tokio::test]
    async fn contents_are_compared_where_there_are_digests_and_refused_where_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("f"), "hello").unwrap();
        let file = format!("file://{}/f", folder.path().display());
        let hello = Some("\"5D41402ABC4B2A76B9719D911017C592\"");
        let measure = Measure::Checksum;
        assert!(!differs(measure, &file, known(5, 9, None), known(5, 0, hello)).await.unwrap());
        let other = Some("\"00000000000000000000000000000000\"");
        assert!(differs(measure, &file, known(5, 0, None), known(5, 9, other)).await.unwrap());
        let parts = Some("\"00000000000000000000000000000000-2\"");
        let failed = differs(measure, &file, known(5, 0, None), known(5, 9, parts)).await.unwrap_err();
        assert_eq!(failed.kind, ErrorKind::NotSupported);
        assert!(!differs(measure, "memory://s/k", known(5, 9, parts), known(5, 0, parts)).await.unwrap());
        assert!(differs(measure, &file, known(4, 0, None), known(5, 9, parts)).await.unwrap());
    }
}
