//! From a file, or from whatever else gives bytes, to a store.

use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use longshore_config::Scheme;
use md5::{Digest, Md5};
use object_store::Attributes;
use tokio::sync::mpsc;

use super::download::from_file_to_file;
use super::gather::Gather;
use super::options::{Job, Outcome, Shared, TransferOptions};
use super::parts::{Content, Piece, Upload, part_bytes, parts_from, put_whole};
use crate::budget::Limits;
use crate::error::{Context, Error, ErrorKind};
use crate::local::{self, SourceFile};
use crate::object::{Object, require_writable};
use crate::progress::Progress;
use crate::s3::Part;

/// Read at once from a source that gives no chunks of its own.
const CHUNK: usize = 1 << 20;

/// Writes the file at `path` into `object`, which appears when it is whole.
///
/// A large file is sent in parts, as many of them in memory as are sent at once.
///
/// # Errors
///
/// [`ErrorKind::Precondition`] where the file is changed meanwhile, what the file system says, and what the store answers.
/// Then nothing is left behind; with [`resume`](TransferOptions::resume) the parts stay on an S3 server, which may charge for
/// them, and a later call sends only those that are missing or differ from the file.
pub async fn upload(
    path: &Path,
    object: &Object,
    options: &TransferOptions,
    progress: &Progress,
) -> Result<Outcome, Error> {
    let path = std::path::absolute(path).map_err(|error| object.context("copy").io_error(error))?;
    let context = Context::new("copy", format!("file://{}", path.display())).to(&*object.uri);
    require_writable(&object.store, &context)?;
    let shared = Shared::new(Limits::default(), options);
    let job = Job { context: &context, options, shared: &shared, progress };
    progress.expect(1);
    let outcome = if object.store.scheme() == Scheme::File {
        from_file_to_file(&path, &local::path_of(&object.key, &context)?, job).await
    } else {
        from_file(&path, object, job).await
    };
    job.finish(outcome).await
}

/// Writes what `chunks` gives into `object`, which appears when `chunks` has ended. Its length need not be known: it is held
/// part by part, up to S3's 5 TiB.
///
/// # Errors
///
/// The first error of `chunks`, and what the store answers. Then nothing is left behind.
pub async fn upload_stream(
    chunks: impl Stream<Item = io::Result<Bytes>> + Send + Unpin,
    object: &Object,
    options: &TransferOptions,
    progress: &Progress,
) -> Result<Outcome, Error> {
    let context = object.context("put");
    require_writable(&object.store, &context)?;
    let fail = |error| context.io_error(error).with_kind(ErrorKind::Generic);
    let shared = Shared::new(Limits::default(), options);
    let job = Job { context: &context, options, shared: &shared, progress };
    progress.expect(1);
    let chunks = chunks.map(|chunk| chunk.map_err(fail)).boxed();
    job.finish(from_stream(Gather::new(chunks), None, object, &Attributes::new(), job).await).await
}

/// As [`upload_stream`], from a reader that blocks, such as standard input. It is read on a thread of its own. A read that never
/// returns keeps that thread, and nothing else.
///
/// # Errors
///
/// As [`upload_stream`].
pub async fn upload_reader(
    reader: impl Read + Send + 'static,
    object: &Object,
    options: &TransferOptions,
    progress: &Progress,
) -> Result<Outcome, Error> {
    upload_stream(chunks_of(reader).boxed(), object, options, progress).await
}

/// What `reader` gives, a few chunks ahead.
fn chunks_of(mut reader: impl Read + Send + 'static) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let (sender, mut chunks) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || {
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            let read = (&mut reader).take(CHUNK as u64).read_to_end(&mut chunk);
            let is_last = read.as_ref().map_or(true, |count| *count < CHUNK);
            // Nobody may want it any more.
            if sender.blocking_send(read.map(|_| Bytes::from(chunk))).is_err() || is_last {
                return;
            }
        }
    });
    // A thread that panicked has closed the channel too, and that is not the end of what was to be read.
    let end = stream::once(reading).filter_map(async |ended| ended.err().map(|error| Err(io::Error::other(error))));
    stream::poll_fn(move |context| chunks.poll_recv(context)).chain(end)
}

/// As [`upload`], for one of many.
pub(super) async fn from_file(path: &Path, object: &Object, job: Job<'_>) -> Result<Outcome, Error> {
    let source = SourceFile::open(path, job.context).await?;
    let size = source.size();
    if size == 0 {
        // A file of the kernel says that it is empty, and is not.
        let chunks = stream::unfold(source, |source| async move {
            let inner = source.clone();
            let read = tokio::task::spawn_blocking(move || inner.read_some(CHUNK)).await;
            match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(chunk) if chunk.is_empty() => None,
                chunk => Some((chunk, source)),
            }
        });
        let chunks = chunks.map(|chunk| chunk.map_err(|error| job.context.io_error(error))).boxed();
        return from_stream(Gather::new(chunks), None, object, &Attributes::new(), job).await;
    }
    if size < parts_from(job.options) {
        let _share = job.shared.budget.take(size).await;
        let (body, ()) = source.read(0..size, |_| (), job.context).await?;
        put_whole(object, body, &Attributes::new(), job).await?;
        return Ok(Outcome { size: Some(size), moved: size, e_tag: None });
    }
    let found = match job.options.resume {
        true => Upload::find(object, job).await,
        false => Ok(None),
    };
    let found = match found {
        // What cannot be looked for cannot be continued, but it can be begun anew.
        Err(error) if is_refusal(error.kind()) => None,
        found => found?,
    };
    let (upload, there) = match found {
        Some(found) => found,
        None => (Upload::begin(object, &Attributes::new(), job).await?, Vec::new()),
    };
    let ranges = stream::iter(cut(size, part_bytes(size, job.options)));
    let (source, there) = (&source, &there);
    let pieces = ranges.then(|(number, range)| read_piece(source, number, range, there, job)).boxed();
    let (parts, moved) = upload.send(pieces, job).await?;
    upload.complete(&parts, size).await?;
    Ok(Outcome { size: Some(size), moved, e_tag: None })
}

fn is_refusal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotSupported | ErrorKind::PermissionDenied | ErrorKind::NotFound)
}

/// The parts of an object: number and range.
pub(super) fn cut(size: u64, part: u64) -> impl Iterator<Item = (u32, Range<u64>)> + Send {
    // There are 10,000 at most.
    (0..size.div_ceil(part)).map(move |index| (index as u32 + 1, index * part..size.min((index + 1) * part)))
}

async fn read_piece(
    source: &SourceFile,
    number: u32,
    range: Range<u64>,
    there: &[Part],
    job: Job<'_>,
) -> Result<Piece, Error> {
    let bytes = range.end - range.start;
    let share = Some(job.shared.budget.take(bytes).await);
    let known = there.iter().find(|part| part.number == number && part.size == bytes && is_md5(&part.e_tag)).cloned();
    let look = move |bytes: &[u8]| known.filter(|part| hex(&Md5::digest(bytes)) == bare(&part.e_tag));
    let (body, known) = source.read(range, look, job.context).await?;
    Ok(match known {
        Some(part) => Piece { number, bytes, content: Content::There(part.e_tag), share: None },
        None => Piece { number, bytes, content: Content::Bytes(body), share },
    })
}

/// Where a server names a part by something else than the MD5 of its bytes, there is no telling whether they are these.
fn is_md5(e_tag: &str) -> bool {
    let tag = bare(e_tag);
    tag.len() == 32 && tag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn bare(e_tag: &str) -> String {
    e_tag.trim_matches('"').to_ascii_lowercase()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes what `chunks` gives: `size` bytes, where that is known, and not one more or less.
pub(super) async fn from_stream(
    mut chunks: Gather<BoxStream<'_, Result<Bytes, Error>>>,
    size: Option<u64>,
    object: &Object,
    attributes: &Attributes,
    job: Job<'_>,
) -> Result<Outcome, Error> {
    if object.store.scheme() == Scheme::File {
        return super::download::from_stream(chunks, object, job).await;
    }
    let whole = match size {
        Some(size) if size < parts_from(job.options) => size,
        Some(size) => part_bytes(size, job.options),
        None => growing(1, job.options),
    };
    let share = job.shared.budget.take(whole).await;
    let first = chunks.next(whole, job.context).await?;
    let ended = match size {
        Some(size) => size == whole,
        None => chunks.is_over().await?,
    };
    if ended {
        let length = first.len() as u64;
        require_size(length, size, job.context)?;
        if size.is_some() && !chunks.is_over().await? {
            return Err(job.context.error(ErrorKind::Generic, "more came than was announced"));
        }
        put_whole(object, first, attributes, job).await?;
        return Ok(Outcome { size: Some(length), moved: length, e_tag: None });
    }
    // What cannot be read again cannot be continued.
    let fleeting = TransferOptions { resume: false, ..job.options.clone() };
    let job = Job { options: &fleeting, ..job };
    let upload = Upload::begin(object, attributes, job).await?;
    let first = Piece { number: 1, bytes: first.len() as u64, content: Content::Bytes(first), share: Some(share) };
    let rest = stream::try_unfold((chunks, 2), |(mut chunks, number)| async move {
        if chunks.is_over().await? {
            return Ok(None);
        }
        let most = size.map_or_else(|| growing(number, job.options), |size| part_bytes(size, job.options));
        if u64::from(number) > crate::s3::MOST_PARTS {
            return Err(job.context.error(ErrorKind::Generic, "there is more than an object can hold"));
        }
        let share = Some(job.shared.budget.take(most).await);
        let body = chunks.next(most, job.context).await?;
        let piece = Piece { number, bytes: body.len() as u64, content: Content::Bytes(body), share };
        Ok(Some((piece, (chunks, number + 1))))
    });
    let pieces = stream::iter([Ok(first)]).chain(rest).boxed();
    let (parts, moved) = upload.send(pieces, job).await?;
    require_size(moved, size, job.context)?;
    upload.complete(&parts, moved).await?;
    Ok(Outcome { size: Some(moved), moved, e_tag: None })
}

/// The size of part `number` when nobody knows how many there will be. It doubles every 1250 parts, so that 10,000 of them hold
/// S3's largest object, 5 TiB, if they begin with 16 MiB.
fn growing(number: u32, options: &TransferOptions) -> u64 {
    part_bytes(0, options) << ((number.saturating_sub(1)) / 1250).min(7)
}

fn require_size(found: u64, announced: Option<u64>, context: &Context) -> Result<(), Error> {
    match announced {
        Some(announced) if announced != found => {
            Err(context.error(ErrorKind::Generic, format!("{found} of {announced} bytes came")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_an_object_without_gap_or_overlap() {
        let parts: Vec<_> = cut(10, 4).collect();
        assert_eq!(parts, [(1, 0..4), (2, 4..8), (3, 8..10)]);
        assert_eq!(cut(8, 4).count(), 2);
    }

    #[test]
    fn ten_thousand_parts_hold_the_largest_object() {
        let options = TransferOptions::default();
        let all: u64 = (1..=10_000).map(|number| growing(number, &options)).sum();
        // Less than a thousandth is missing, and S3's limit says 5 TB where it means TiB.
        assert!(all >= 5_000_000_000_000, "{all}");
        assert!((5_u64 << 40).div_ceil(part_bytes(5 << 40, &options)) <= 10_000);
    }

    #[test]
    fn a_name_is_compared_only_where_it_can_be_an_md5() {
        assert!(is_md5("\"d41d8cd98f00b204e9800998ecf8427e\"") && is_md5("D41D8CD98F00B204E9800998ECF8427E"));
        assert!(!is_md5("\"d41d8cd98f00b204e9800998ecf8427e-2\"") && !is_md5(""));
    }
}
