//! Writes of what is there as a whole: in memory, or in a local file.

use std::path::Path;

use bytes::Bytes;

use super::putting::Put;
use super::spot::Spot;
use super::writer::{Writer, WriterOptions};
use crate::error::{Context, Error};
use crate::local::SourceFile;

/// Read at once from a file of which only reading tells its length.
const CHUNK: usize = 1 << 20;

/// Writes `body`; where it is large in parts, which are cut from it without a copy.
///
/// # Errors
///
/// As [`Writer::finish`].
pub async fn put_slices(spot: Spot, mut body: Bytes, options: WriterOptions) -> Result<Put, Error> {
    let mut writer = Writer::new(spot, WriterOptions { size: Some(body.len() as u64), ..options })?;
    loop {
        // No more than the body has.
        let piece = body.split_to(writer.room().min(body.len() as u64) as usize);
        writer.push(piece);
        if body.is_empty() {
            return writer.finish().await;
        }
        writer.send().await?;
    }
}

/// Writes the file at `path`; a large one in parts, each of which is read when its turn comes.
///
/// # Errors
///
/// [`ErrorKind::Precondition`](crate::ErrorKind::Precondition) where the file is changed meanwhile, what the file system says, and
/// as [`Writer::finish`]. Then nothing is left behind.
pub async fn put_file(spot: Spot, path: &Path, options: WriterOptions) -> Result<Put, Error> {
    let reading = Context::new("put", format!("file://{}", path.display())).to(&*spot.uri);
    let path = std::path::absolute(path).map_err(|error| reading.io_error(error))?;
    let source = SourceFile::open(&path, &reading).await?;
    let size = source.size();
    let known = (size > 0).then_some(size);
    let mut writer = Writer::new(spot, WriterOptions { size: known, ..options })?;
    let mut at = 0;
    loop {
        if writer.room() == 0 {
            writer.send().await?;
        }
        let piece = if size > 0 {
            let end = size.min(at + writer.room().min(size - at));
            source.read(at..end, |_| (), &reading).await?.0
        } else {
            // A file of the kernel says that it is empty, and is not.
            let (inner, most) = (source.clone(), writer.room().min(CHUNK as u64) as usize);
            let read = tokio::task::spawn_blocking(move || inner.read_some(most)).await;
            let read = read.unwrap_or_else(|error| Err(std::io::Error::other(error)));
            read.map_err(|error| reading.io_error(error))?
        };
        at += piece.len() as u64;
        let over = piece.is_empty() || (size > 0 && at == size);
        writer.push(piece);
        if over {
            return writer.finish().await;
        }
    }
}
