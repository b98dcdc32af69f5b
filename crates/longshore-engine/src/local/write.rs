//! Writes files, and copies them.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;

use super::{Stop, blocking, path_of, require_regular, stage, unreadable};
use crate::error::{Context, Error, ErrorKind};
use crate::progress::Progress;
use crate::transfer::Cleanup;

/// Written at once, before looking whether anybody still wants it.
const CHUNK: usize = 4 << 20;
/// Copied at once; where the file system can share the bytes this takes no time.
const COPY_CHUNK: u64 = 64 << 20;

/// Makes the file that `key` names one with `body` in it.
pub(crate) async fn write(
    key: &str,
    body: Bytes,
    cleanup: &Cleanup,
    context: &Context,
    progress: &Progress,
) -> Result<(), Error> {
    let path = path_of(key, context)?;
    let (inner, progress, guard) = (context.clone(), progress.clone(), cleanup.guard());
    blocking(context, move |stop| {
        let _guard = guard;
        let mut counted = 0;
        stage::replace(&path, &inner, |file| {
            let mut done = 0;
            for chunk in body.chunks(CHUNK) {
                stop.check(&inner)?;
                file.write_all(chunk).map_err(|error| inner.io_error(error))?;
                done += chunk.len() as u64;
                // A write that begins anew is counted once.
                if done > counted {
                    progress.add(0, chunk.len() as u64);
                    counted = done;
                }
            }
            stop.check(&inner)
        })?;
        progress.add(1, 0);
        Ok(())
    })
    .await
}

/// Copies the bytes of a file, and who may read them. Returns how many those are.
pub(crate) async fn copy_paths(from: &Path, to: &Path, cleanup: &Cleanup, context: &Context) -> Result<u64, Error> {
    // What goes wrong is about one of the two, and names it.
    let write = Context::new(context.operation, context.target.as_ref().unwrap_or(&context.uri));
    let (from, to, read) = (from.to_owned(), to.to_owned(), Context { target: None, ..context.clone() });
    let guard = cleanup.guard();
    blocking(context, move |stop| {
        let _guard = guard;
        copy_file((&from, &read), (&to, &write), stop)
    })
    .await
}

fn copy_file((from, read): (&Path, &Context), (to, write): (&Path, &Context), stop: &Stop) -> Result<u64, Error> {
    let fail = |error| unreadable(error, read);
    require_regular(&fs::metadata(from).map_err(fail)?, read)?;
    let mut source = File::open(from).map_err(fail)?;
    let status = source.metadata().map_err(fail)?;
    require_regular(&status, read)?;
    let size = status.len();
    if from == to {
        return Ok(size);
    }
    // A file of the kernel says that it is empty and is not.
    let limit = if size == 0 { u64::MAX } else { size };
    let mut copied = 0;
    stage::replace(to, write, |target| {
        source.rewind().map_err(fail)?;
        let mut done = 0;
        while done < limit {
            stop.check(write)?;
            let mut part = (&source).take((limit - done).min(COPY_CHUNK));
            match io::copy(&mut part, target).map_err(|error| write.io_error(error))? {
                0 => break,
                count => done += count,
            }
        }
        if done < size && source.metadata().map_err(fail)?.len() < size {
            return Err(read.error(ErrorKind::Generic, "the file shrank while it was copied"));
        }
        // Not every file system has permissions. Without the bits that would lend the owner's rights to whoever runs it.
        let _ = target.set_permissions(Permissions::from_mode(status.permissions().mode() & 0o777));
        copied = done;
        stop.check(write)
    })?;
    Ok(copied)
}
