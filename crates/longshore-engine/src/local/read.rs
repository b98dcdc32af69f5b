//! Reads a file into memory from a sink.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::{Stop, blocking, path_of, require_regular, unreadable};
use crate::budget::Budget;
use crate::error::{Context, Error, ErrorKind};
use crate::progress::Progress;
use crate::range::ByteRange;
use crate::sink::{Buffer, Sink};

/// Read and handed on at once. Small enough to be still in the cache when it is copied.
const CHUNK: usize = 256 << 10;
/// Up to this size a file is read by the task that opens it; another hand-over would cost more than the reading.
const SMALL: u64 = 64 << 10;

/// A file, as far as it is known before there is memory for it.
enum Opened {
    /// All of it.
    Whole(Vec<u8>),
    /// A file that had this size when it was opened.
    Open(File, u64),
}

/// Reads the file that `key` names. One that grows meanwhile is read to the length it had, one that shrinks is an error.
pub(crate) async fn read<S: Sink>(
    key: &str,
    context: &Context,
    (index, sink, budget, progress): (usize, &S, &Budget, &Progress),
) -> Result<S::Output, Error> {
    let path = path_of(key, context)?;
    let inner = context.clone();
    let opened = blocking(context, move |stop| open(&path, &inner, stop)).await?;
    let size = match &opened {
        Opened::Whole(body) => body.len() as u64,
        Opened::Open(_, size) => *size,
    };
    let _share = budget.take(sink.footprint(size)).await;
    let length = usize::try_from(size).map_err(|_| context.error(ErrorKind::Generic, "too large for this machine"))?;
    let mut buffer = sink.reserve(index, length).await.map_err(|refusal| refusal.error(context, size))?;
    let buffer = match opened {
        Opened::Whole(body) => {
            buffer.append(&body);
            progress.add(0, size);
            buffer
        }
        Opened::Open(file, size) => {
            let (inner, progress) = (context.clone(), progress.clone());
            blocking(context, move |stop| fill(file, size, buffer, &inner, stop, &progress)).await?
        }
    };
    progress.add(1, 0);
    Ok(sink.finish(index, buffer))
}

/// Reads `range` of the file that `key` names.
pub(crate) async fn read_range<S: Sink>(
    key: &str,
    range: &ByteRange,
    context: &Context,
    (sink, progress): (&S, &Progress),
) -> Result<S::Output, Error> {
    let path = path_of(key, context)?;
    let (inner, range) = (context.clone(), range.clone());
    let (file, found) = blocking(context, move |_| {
        let fail = |error| unreadable(error, &inner);
        require_regular(&fs::metadata(&path).map_err(fail)?, &inner)?;
        let mut file = File::open(&path).map_err(fail)?;
        let found = range.exactly(file.metadata().map_err(fail)?.len(), &inner)?;
        file.seek(SeekFrom::Start(found.start)).map_err(fail)?;
        Ok((file, found))
    })
    .await?;
    let size = found.end - found.start;
    let length = usize::try_from(size).map_err(|_| context.error(ErrorKind::Generic, "too large for this machine"))?;
    let buffer = sink.reserve(0, length).await.map_err(|refusal| refusal.error(context, size))?;
    let (inner, progress) = (context.clone(), progress.clone());
    let buffer = blocking(context, move |stop| fill(file, size, buffer, &inner, stop, &progress)).await?;
    Ok(sink.finish(0, buffer))
}

fn open(path: &Path, context: &Context, stop: &Stop) -> Result<Opened, Error> {
    let fail = |error| unreadable(error, context);
    require_regular(&fs::metadata(path).map_err(fail)?, context)?;
    let file = File::open(path).map_err(fail)?;
    let status = file.metadata().map_err(fail)?;
    require_regular(&status, context)?;
    let size = status.len();
    if size > SMALL {
        return Ok(Opened::Open(file, size));
    }
    // Files of the kernel say that they are empty, or a page long, and are neither: only reading them to their end tells.
    let limit = if size == 0 { u64::MAX } else { size };
    let mut body = Vec::with_capacity(size as usize);
    while body.len() as u64 != limit {
        stop.check(context)?;
        let more = (limit - body.len() as u64).min(CHUNK as u64);
        if (&file).take(more).read_to_end(&mut body).map_err(fail)? == 0 {
            break;
        }
    }
    let shrunk = (body.len() as u64) < size && file.metadata().map_err(fail)?.len() < size;
    if shrunk { Err(short(body.len() as u64, size, context)) } else { Ok(Opened::Whole(body)) }
}

fn fill<B: Buffer>(
    mut file: File,
    size: u64,
    mut buffer: B,
    context: &Context,
    stop: &Stop,
    progress: &Progress,
) -> Result<B, Error> {
    let mut chunk = vec![0; CHUNK];
    let mut done = 0;
    while done < size {
        stop.check(context)?;
        let wanted = (size - done).min(CHUNK as u64) as usize;
        match file.read(&mut chunk[..wanted]) {
            Ok(0) => return Err(short(done, size, context)),
            Ok(count) => {
                buffer.append(&chunk[..count]);
                done += count as u64;
                progress.add(0, count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(context.io_error(error)),
        }
    }
    Ok(buffer)
}

fn short(found: u64, size: u64, context: &Context) -> Error {
    let reason = format!("the file shrank while it was read: it had {size} bytes, and {found} were there");
    context.error(ErrorKind::Generic, reason)
}
