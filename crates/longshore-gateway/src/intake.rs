//! Takes a request body in: digests it as it passes, and holds no more of it than a few MiB.
//!
//! A small body is kept whole and put in one piece. A larger one streams into the store's own multipart upload. Either
//! way nothing is visible before [`Staged::publish`], so a body that breaks off or fails its checksum leaves no trace.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::{MultipartUpload, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutResult};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result, TrailingHeaders, s3_error};

use crate::digest::{self, Algorithm, Checksums, Digested, Digests};
use crate::failure::{from_body, from_store};
use crate::places::Spot;

/// A body up to this size is put in one piece; a larger one in pieces of this size.
const PIECE: usize = 8 << 20;

/// The largest body of one request.
const LARGEST: u64 = 5 << 30;

/// A body that the store has, or can have at once, but that nobody sees yet.
pub(crate) struct Staged {
    landing: Spot,
    body: Body,
}

enum Body {
    /// All of it, in memory.
    Whole(PutPayload),
    /// All of it, in a multipart upload of the store.
    Upload(Box<dyn MultipartUpload>),
}

impl Staged {
    /// Makes the body an object where it landed. `create` fails when one exists, where the store can tell.
    pub(crate) async fn publish(self, create: bool) -> S3Result<(Spot, PutResult)> {
        let Spot { place, path } = &self.landing;
        let mode = if create { PutMode::Create } else { PutMode::Overwrite };
        let result = match self.body {
            Body::Whole(payload) => place.store.put_opts(path, payload, PutOptions::from(mode)).await,
            Body::Upload(mut upload) => upload.complete().await,
        };
        result.map(|result| (self.landing, result)).map_err(from_store)
    }

    /// Lets the store forget the body.
    pub(crate) async fn discard(self) {
        if let Body::Upload(upload) = self.body {
            abort(Some(upload)).await;
        }
    }
}

/// What a request says about its body.
#[derive(Default)]
pub(crate) struct Declared {
    pub(crate) length: Option<i64>,
    pub(crate) content_md5: Option<String>,
    pub(crate) checksums: Checksums,
    /// Computed and kept even where no value was declared.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) trailers: Option<TrailingHeaders>,
}

impl Declared {
    /// Takes in a request's body and verifies it against what was declared.
    pub(crate) async fn receive(mut self, body: Option<StreamingBlob>, landing: Spot) -> S3Result<(Staged, Digested)> {
        if self.length.is_some_and(|length| u64::try_from(length).is_ok_and(|length| length > LARGEST)) {
            return Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size"));
        }
        digest::check_form(&self.checksums, self.content_md5.as_deref())?;
        let algorithms = self.checksums.values.iter().map(|(algorithm, _)| *algorithm).chain(self.algorithm);
        let stream = match body {
            Some(body) => body.map(|piece| piece.map_err(from_body)).boxed(),
            None => futures::stream::empty().boxed(),
        };
        let (staged, digested) = receive(stream, Digests::new(algorithms.collect::<Vec<_>>()), landing).await?;
        match self.check(&digested) {
            Ok(()) => Ok((staged, digested)),
            Err(error) => {
                staged.discard().await;
                Err(error)
            }
        }
    }

    fn check(&mut self, digested: &Digested) -> S3Result<()> {
        if self.length.is_some_and(|length| u64::try_from(length) != Ok(digested.size)) {
            return Err(s3_error!(IncompleteBody, "You did not provide the number of bytes you declared"));
        }
        if let Some(trailers) = self.trailers.as_ref().and_then(TrailingHeaders::take) {
            for algorithm in Algorithm::ALL {
                let value = trailers.get(algorithm.header()).and_then(|value| value.to_str().ok());
                self.checksums.declare(algorithm, value.map(|value| value.trim().to_owned()));
            }
            digest::check_form(&self.checksums, None)?;
        }
        digest::verify(&self.checksums, self.content_md5.as_deref(), digested)
    }
}

/// Takes in a stream of bytes; also used for copies and for parts that become one object.
pub(crate) async fn receive(
    mut stream: BoxStream<'_, Result<Bytes, S3Error>>,
    mut digests: Digests,
    landing: Spot,
) -> S3Result<(Staged, Digested)> {
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut held = 0;
    let mut upload: Option<Box<dyn MultipartUpload>> = None;
    loop {
        let failed = match stream.next().await {
            None => break,
            Some(Ok(bytes)) => {
                digests.update(&bytes);
                held += bytes.len();
                pieces.push(bytes);
                if held < PIECE {
                    continue;
                }
                held = 0;
                push(&mut upload, std::mem::take(&mut pieces), &landing).await
            }
            Some(Err(error)) => Err(error),
        };
        if let Err(error) = failed {
            abort(upload).await;
            return Err(error);
        }
    }
    if upload.is_some()
        && !pieces.is_empty()
        && let Err(error) = push(&mut upload, std::mem::take(&mut pieces), &landing).await
    {
        abort(upload).await;
        return Err(error);
    }
    let body = match upload {
        Some(upload) => Body::Upload(upload),
        None => Body::Whole(pieces.into_iter().collect()),
    };
    Ok((Staged { landing, body }, digests.finish()))
}

async fn push(upload: &mut Option<Box<dyn MultipartUpload>>, pieces: Vec<Bytes>, landing: &Spot) -> S3Result<()> {
    let upload = match upload {
        Some(upload) => upload,
        None => upload.insert(landing.place.store.put_multipart(&landing.path).await.map_err(from_store)?),
    };
    upload.put_part(pieces.into_iter().collect()).await.map_err(from_store)
}

async fn abort(upload: Option<Box<dyn MultipartUpload>>) {
    if let Some(mut upload) = upload {
        // The request has failed already; an upload that cannot be aborted changes nothing about that.
        let _ = upload.abort().await;
    }
}
