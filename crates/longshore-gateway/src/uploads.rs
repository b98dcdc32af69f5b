//! Multipart uploads, staged in the hidden area of their bucket until they are completed.
//!
//! An upload is a folder of three kinds of object: its manifest, the facts of each part, and the bytes of each part under a
//! name of their own, so that a part written twice at once is one or the other and never a mixture:
//!
//! `uploads/ID/manifest`, `uploads/ID/parts/00001`, `uploads/ID/data/00001-NONCE`.

use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result, s3_error};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::buckets::Place;
use crate::conditions::WriteConditions;
use crate::digest::{self, Algorithm, Checksums, Digested, Digests, hex, unbase64};
use crate::failure::from_store;
use crate::intake::{self, Declared, Staged};
use crate::outflow;
use crate::places::Spot;
use crate::record::{Headers, Record, now};
use crate::shelf::Shelf;
use crate::unique::Unique;

/// The least size of a part that is not the last.
const SMALLEST_PART: u64 = 5 << 20;

/// What was said when the upload began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) key: String,
    pub(crate) initiated: u64,
    pub(crate) headers: Headers,
    /// The checksum that every part gets.
    pub(crate) algorithm: Option<Algorithm>,
    /// `COMPOSITE` or `FULL_OBJECT`.
    pub(crate) kind: Option<String>,
}

/// One part as it was stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) number: i32,
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) modified: u64,
    pub(crate) checksums: Checksums,
    data: String,
}

/// A part as the client names it on completion.
pub(crate) struct NamedPart {
    pub(crate) number: i32,
    pub(crate) etag: Option<String>,
    pub(crate) checksums: Checksums,
}

/// What the client says of the whole on completion.
#[derive(Default)]
pub(crate) struct Completion {
    pub(crate) parts: Vec<NamedPart>,
    pub(crate) size: Option<i64>,
    pub(crate) checksums: Checksums,
    pub(crate) conditions: WriteConditions,
}

/// The uploads in progress.
#[derive(Debug)]
pub(crate) struct Uploads {
    shelf: Arc<Shelf>,
    unique: Unique,
}

impl Uploads {
    /// Uploads that become objects of this shelf.
    pub(crate) fn new(shelf: Arc<Shelf>) -> Self {
        Self { shelf, unique: Unique::default() }
    }

    /// Begins an upload and gives its id.
    pub(crate) async fn begin(&self, bucket: &str, manifest: &Manifest) -> S3Result<String> {
        let id = self.unique.next();
        let hidden = self.shelf.places.buckets.hidden(bucket)?;
        save(&hidden, &format!("uploads/{id}/manifest"), manifest).await?;
        Ok(id)
    }

    /// What the upload began with; it must be of this key.
    pub(crate) async fn manifest(&self, bucket: &str, key: &str, id: &str) -> S3Result<Manifest> {
        let missing = || s3_error!(NoSuchUpload, "The specified multipart upload does not exist.");
        // An id is ours or it is nothing; it must not become a path otherwise.
        if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(missing());
        }
        let hidden = self.shelf.places.buckets.hidden(bucket)?;
        let manifest = load::<Manifest>(&hidden, &format!("uploads/{id}/manifest")).await?;
        manifest.filter(|manifest| manifest.key == key).ok_or_else(missing)
    }

    /// Stores a part from a request body.
    pub(crate) async fn put(
        &self,
        bucket: &str,
        id: &str,
        number: i32,
        declared: Declared,
        body: Option<StreamingBlob>,
    ) -> S3Result<Part> {
        let (landing, data) = self.part_landing(bucket, id, number)?;
        let (staged, digested) = declared.receive(body, landing).await?;
        self.keep_part(id, number, data, staged, digested).await
    }

    /// Stores a part from a stream of bytes.
    pub(crate) async fn put_stream(
        &self,
        bucket: &str,
        id: &str,
        number: i32,
        algorithm: Option<Algorithm>,
        stream: BoxStream<'_, Result<bytes::Bytes, S3Error>>,
    ) -> S3Result<Part> {
        let (landing, data) = self.part_landing(bucket, id, number)?;
        let (staged, digested) = intake::receive(stream, Digests::new(algorithm), landing).await?;
        self.keep_part(id, number, data, staged, digested).await
    }

    /// The parts of an upload, by number.
    pub(crate) async fn parts(&self, bucket: &str, id: &str) -> S3Result<Vec<Part>> {
        let hidden = self.shelf.places.buckets.hidden(bucket)?;
        let root = hidden.path(&format!("uploads/{id}/parts"))?;
        let listed: Vec<_> = hidden.store.list(Some(&root)).try_collect().await.map_err(from_store)?;
        let mut parts = Vec::with_capacity(listed.len());
        for meta in listed {
            if let Some(path) = hidden.relative(&meta.location)
                && let Some(part) = load::<Part>(&hidden, path).await?
            {
                parts.push(part);
            }
        }
        parts.sort_unstable_by_key(|part| part.number);
        Ok(parts)
    }

    /// The uploads in progress of a bucket, by key and then by age.
    pub(crate) async fn list(&self, bucket: &str) -> S3Result<Vec<(String, Manifest)>> {
        let hidden = self.shelf.places.buckets.hidden(bucket)?;
        let root = hidden.path("uploads")?;
        let listed = hidden.store.list_with_delimiter(Some(&root)).await.map_err(from_store)?;
        let mut uploads = Vec::new();
        for id in listed.common_prefixes.iter().filter_map(|prefix| prefix.filename()) {
            if let Some(manifest) = load::<Manifest>(&hidden, &format!("uploads/{id}/manifest")).await? {
                uploads.push((id.to_owned(), manifest));
            }
        }
        uploads.sort_unstable_by(|(a, one), (b, two)| (&one.key, one.initiated, a).cmp(&(&two.key, two.initiated, b)));
        Ok(uploads)
    }

    /// Joins the named parts into the object, and forgets the upload.
    pub(crate) async fn complete(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
        completion: Completion,
    ) -> S3Result<Arc<Record>> {
        let manifest = self.manifest(bucket, key, id).await?;
        let stored = self.parts(bucket, id).await?;
        let chosen = choose(&stored, &completion.parts)?;
        let size: u64 = chosen.iter().map(|part| part.size).sum();
        if completion.size.is_some_and(|declared| u64::try_from(declared) != Ok(size)) {
            return Err(s3_error!(InvalidRequest, "The size declared differs from the size of the parts"));
        }
        let whole = manifest.kind.as_deref() == Some("FULL_OBJECT");
        let hidden = self.shelf.places.buckets.hidden(bucket)?;
        let landing = self.shelf.places.landing(bucket, key).await?;
        let digests = Digests::without_md5(manifest.algorithm.filter(|_| whole));
        let (staged, digested) = intake::receive(join(&hidden, id, &chosen), digests, landing).await?;
        let checksums = if whole { digested.checksums } else { composite(&chosen, manifest.algorithm) };
        if let Err(error) = agree(&completion.checksums, &checksums) {
            staged.discard().await;
            return Err(error);
        }
        let record = Record {
            etag: joined_etag(&chosen),
            size,
            modified: now(),
            headers: manifest.headers,
            checksums,
            parts: chosen.iter().map(|part| part.size).collect(),
            ..Record::default()
        };
        let record = self.shelf.commit(bucket, key, staged, record, completion.conditions).await?;
        self.forget(&hidden, id).await?;
        Ok(record)
    }

    /// Forgets an upload and its parts.
    pub(crate) async fn abort(&self, bucket: &str, key: &str, id: &str) -> S3Result<()> {
        self.manifest(bucket, key, id).await?;
        self.forget(&self.shelf.places.buckets.hidden(bucket)?, id).await
    }

    async fn forget(&self, hidden: &Place, id: &str) -> S3Result<()> {
        // The manifest first: without it nothing of the upload is seen.
        let manifest = hidden.path(&format!("uploads/{id}/manifest"))?;
        remove(hidden, &manifest).await?;
        let root = hidden.path(&format!("uploads/{id}"))?;
        let rest: Vec<_> = hidden.store.list(Some(&root)).try_collect().await.map_err(from_store)?;
        for meta in rest {
            remove(hidden, &meta.location).await?;
        }
        Ok(())
    }

    /// Where the bytes of a part go, and their name there.
    fn part_landing(&self, bucket: &str, id: &str, number: i32) -> S3Result<(Spot, String)> {
        let place = self.shelf.places.buckets.hidden(bucket)?;
        let data = format!("{number:05}-{}", self.unique.next());
        let path = place.path(&format!("uploads/{id}/data/{data}"))?;
        Ok((Spot { place, path }, data))
    }

    async fn keep_part(
        &self,
        id: &str,
        number: i32,
        data: String,
        staged: Staged,
        digested: Digested,
    ) -> S3Result<Part> {
        let (Spot { place: hidden, .. }, _) = staged.publish(false).await?;
        let facts = format!("uploads/{id}/parts/{number:05}");
        let previous = load::<Part>(&hidden, &facts).await?;
        let part = Part {
            number,
            etag: hex(&digested.md5),
            size: digested.size,
            modified: now(),
            checksums: digested.checksums,
            data,
        };
        save(&hidden, &facts, &part).await?;
        if let Some(previous) = previous {
            remove(&hidden, &hidden.path(&format!("uploads/{id}/data/{}", previous.data))?).await?;
        }
        Ok(part)
    }
}

/// The stored parts that the client names, in its order.
fn choose(stored: &[Part], named: &[NamedPart]) -> S3Result<Vec<Part>> {
    if named.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    if !named.is_sorted_by(|a, b| a.number < b.number) {
        return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
    }
    let mut chosen = Vec::with_capacity(named.len());
    for name in named {
        let part = stored.iter().find(|part| part.number == name.number);
        let part = part.filter(|part| name.etag.as_ref().is_none_or(|etag| *etag == part.etag));
        let part = part.filter(|part| agree(&name.checksums, &part.checksums).is_ok());
        chosen.push(part.cloned().ok_or_else(|| {
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found or does not match: {}",
                name.number
            )
        })?);
    }
    match chosen.iter().rev().skip(1).find(|part| part.size < SMALLEST_PART) {
        Some(part) => Err(s3_error!(EntityTooSmall, "Part {} is smaller than the minimum allowed size", part.number)),
        None => Ok(chosen),
    }
}

/// The bytes of the parts, one after the other.
fn join<'a>(hidden: &'a Place, id: &'a str, parts: &'a [Part]) -> BoxStream<'a, Result<bytes::Bytes, S3Error>> {
    let bodies = futures::stream::iter(parts).then(move |part| async move {
        let path = hidden.path(&format!("uploads/{id}/data/{}", part.data))?;
        let result = hidden.store.get(&path).await.map_err(from_store)?;
        Ok::<_, S3Error>(outflow::stream(result.payload, result.range))
    });
    bodies.try_flatten().boxed()
}

/// The MD5 of the parts' MD5s, and their number.
fn joined_etag(parts: &[Part]) -> String {
    let all: Vec<u8> = parts.iter().flat_map(|part| hex_simd::decode_to_vec(&part.etag).unwrap_or_default()).collect();
    format!("{}-{}", hex(&digest::md5(&all)), parts.len())
}

/// The checksum of the parts' checksums, and their number.
fn composite(parts: &[Part], algorithm: Option<Algorithm>) -> Checksums {
    let Some(algorithm) = algorithm else { return Checksums::default() };
    let all: Vec<u8> =
        parts.iter().filter_map(|part| part.checksums.value(algorithm)).flat_map(|value| unbase64(&value)).collect();
    let value = format!("{}-{}", algorithm.of(&all), parts.len());
    Checksums { kind: Some("COMPOSITE".to_owned()), values: vec![(algorithm, value)] }
}

/// Whether what was declared is what was found, for the algorithms that were computed.
fn agree(declared: &Checksums, found: &Checksums) -> S3Result<()> {
    let bare = |value: &str| value.split('-').next().unwrap_or_default().to_owned();
    for (algorithm, value) in &declared.values {
        if found.value(*algorithm).is_some_and(|found| bare(&found) != bare(value)) {
            return Err(s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                algorithm.name()
            ));
        }
    }
    Ok(())
}

async fn save<T: Serialize>(place: &Place, path: &str, value: &T) -> S3Result<()> {
    let text = serde_json::to_vec(value).map_err(|error| s3_error!(error, InternalError))?;
    place.store.put(&place.path(path)?, PutPayload::from(text)).await.map(drop).map_err(from_store)
}

async fn load<T: DeserializeOwned>(place: &Place, path: &str) -> S3Result<Option<T>> {
    match place.store.get(&place.path(path)?).await {
        Ok(result) => {
            let bytes = result.bytes().await.map_err(from_store)?;
            serde_json::from_slice(&bytes).map(Some).map_err(|error| s3_error!(error, InternalError))
        }
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(from_store(error)),
    }
}

async fn remove(place: &Place, path: &Path) -> S3Result<()> {
    match place.store.delete(path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(from_store(error)),
    }
}
