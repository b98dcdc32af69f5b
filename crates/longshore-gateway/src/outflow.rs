//! Sends an object out: whatever a store gives to read, as a body.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use http_body::Frame;
use http_body_util::StreamBody;
use object_store::GetResultPayload;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, s3_error};

use crate::failure::from_store;

/// How much of a file is read at a time: large enough to make the hop to a blocking thread cheap.
const CHUNK: u64 = 256 << 10;

/// The bytes of an opened object. `range` is the part of it that was asked for.
pub(crate) fn stream(payload: GetResultPayload, range: Range<u64>) -> BoxStream<'static, Result<Bytes, S3Error>> {
    match payload {
        GetResultPayload::Stream(stream) => stream.map_err(from_store).boxed(),
        GetResultPayload::File(file, _) => futures::stream::try_unfold((file, range), |(mut file, range)| async move {
            if range.is_empty() {
                return Ok(None);
            }
            let end = range.end.min(range.start + CHUNK);
            let read = tokio::task::spawn_blocking(move || {
                let mut chunk = Vec::with_capacity(usize::try_from(end - range.start).unwrap_or(0));
                file.seek(SeekFrom::Start(range.start))?;
                let length = (&mut file).take(end - range.start).read_to_end(&mut chunk)?;
                if length == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                Ok::<_, std::io::Error>((Bytes::from(chunk), (file, range.start + length as u64..range.end)))
            });
            let read = read.await.map_err(|error| s3_error!(error, InternalError))?;
            read.map(Some).map_err(|error| s3_error!(error, InternalError))
        })
        .boxed(),
    }
}

/// The same as the body of an answer.
pub(crate) fn blob(payload: GetResultPayload, range: Range<u64>) -> StreamingBlob {
    let frames = stream(payload, range).map_ok(Frame::data);
    StreamingBlob::from(s3s::Body::http_body_unsync(StreamBody::new(frames)))
}
