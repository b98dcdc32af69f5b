//! The steps for a local path: whether it is there, may be read and written, and has space.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use longshore_config::Location;
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};

use super::{Examination, Problem};
use crate::error::{Context, ErrorKind};

pub(super) async fn examine(examination: &mut Examination<'_>, location: &Location) {
    let key = longshore_config::Pattern::new(location.raw_key()).prefix().to_owned();
    // What stands after the last slash of a pattern is no path yet.
    let key = if location.has_wildcard() { key.rsplit_once('/').map_or("", |(folder, _)| folder) } else { &key };
    let path = PathBuf::from(format!("/{key}"));
    let context = Context::new("doctor", format!("file://{}", path.display()));
    let started = Instant::now();
    let looked = tokio::task::spawn_blocking(move || look(&path)).await;
    let Ok(found) = looked else {
        let said = "the task that looked was lost".to_owned();
        examination.end("path", started, Err(Problem { kind: ErrorKind::Join, said, advice: String::new() }));
        return;
    };
    for (name, outcome) in found {
        let outcome = outcome.map_err(|(error, advice)| Problem::new(&context.io_error(error), advice));
        examination.end(name, started, outcome);
    }
}

type Outcome = Result<String, (io::Error, &'static str)>;

fn look(path: &Path) -> Vec<(&'static str, Outcome)> {
    let shown = path.display();
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) => {
            let advice = match error.kind() {
                io::ErrorKind::NotFound => "check the path; a write makes the folders that are missing",
                io::ErrorKind::PermissionDenied => "a folder above it does not let this user in",
                _ => "",
            };
            return vec![("path", Err((error, advice)))];
        }
    };
    let odd = !about.is_dir() && !about.is_file();
    let (what, read) = if about.is_dir() {
        let listed = std::fs::read_dir(path).map(|entries| format!("a folder of {} entries", entries.count()));
        ("list", listed)
    } else if odd {
        // Who opens a pipe may wait for somebody at its other end for ever.
        ("get", Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file")))
    } else {
        let size = about.len();
        let byte = File::open(path).and_then(|mut file| file.read(&mut [0]));
        ("get", byte.map(|_| format!("readable, {size} bytes")))
    };
    let folder = if about.is_dir() { path } else { path.parent().unwrap_or(path) };
    let writable = match access(folder, AccessFlags::W_OK) {
        Ok(()) => "may be written",
        Err(_) => "may not be written by this user",
    };
    let space = statvfs(folder).map_err(io::Error::from).and_then(|space| {
        let free = space.blocks_available().saturating_mul(space.fragment_size());
        match free {
            0 => Err(io::Error::from(io::ErrorKind::StorageFull)),
            free => Ok(format!("{} MiB free", free >> 20)),
        }
    });
    vec![
        ("path", Ok(format!("{shown} is there and {writable}"))),
        (
            what,
            read.map_err(|error| (error, if odd { "name a file or a folder" } else { "this user may not read it" })),
        ),
        ("space", space.map_err(|error| (error, "make space before anything is written"))),
    ]
}
