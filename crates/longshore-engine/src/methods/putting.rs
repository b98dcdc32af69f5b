//! Writes an object that is in memory, in one request.

use bytes::Bytes;
use longshore_config::Scheme;
use object_store::{PutMode, PutOptions, PutPayload, PutResult};

use super::spot::{Place, Spot, Way};
use crate::error::{Context, Error, ErrorKind, trace};
use crate::local::FileWriter;
use crate::s3;

/// What a store calls what was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// Its name for this content.
    pub e_tag: Option<String>,
    /// The version, where the bucket keeps versions.
    pub version: Option<String>,
}

impl From<PutResult> for Put {
    fn from(result: PutResult) -> Self {
        Self { e_tag: result.e_tag, version: result.version }
    }
}

/// Writes `body`, which is in one piece or in several, as `options` say.
///
/// # Errors
///
/// [`ErrorKind::AlreadyExists`] and [`ErrorKind::Precondition`] where a condition does not hold, [`ErrorKind::NotSupported`] for
/// attributes, tags or conditions that this kind of store does not have, and what else the store answers.
pub async fn put_with(spot: &Spot, body: Vec<Bytes>, options: PutOptions) -> Result<Put, Error> {
    let context = spot.context("put");
    require_options(spot, &options, &context)?;
    put_as(spot, body, options, &context).await
}

pub(super) async fn put_as(
    spot: &Spot,
    body: Vec<Bytes>,
    options: PutOptions,
    context: &Context,
) -> Result<Put, Error> {
    let is_new = options.mode == PutMode::Create;
    let written = match spot.way_to_write(context)? {
        Way::File => {
            let mut file = FileWriter::begin(&spot.key, context).await?;
            file.write(body, context).await?;
            let e_tag = Some(file.finish(is_new, context).await?);
            return Ok(Put { e_tag, version: None });
        }
        Way::S3(access) => s3::put_with(access, &spot.key, joined(body), &options, context).await,
        Way::Path(objects, path, _) => {
            let trace = trace();
            let written = trace.scope(objects.put_opts(&path, PutPayload::from_iter(body), options)).await;
            written.map_err(|error| context.store_error(error, &trace))
        }
        Way::Web => return Err(context.error(ErrorKind::NotSupported, "web servers are read-only")),
    };
    written.map(Into::into).map_err(|error| match error.kind() {
        ErrorKind::Precondition if is_new => {
            error.with_kind(ErrorKind::AlreadyExists).with_advice("it is there already")
        }
        _ => error,
    })
}

/// In one piece; without a copy where it is in one.
pub(super) fn joined(mut chunks: Vec<Bytes>) -> Bytes {
    match chunks.len() {
        0 => Bytes::new(),
        1 => chunks.remove(0),
        _ => chunks.concat().into(),
    }
}

/// Nothing that was asked for is left out without a word.
///
/// # Errors
///
/// [`ErrorKind::NotSupported`] for what this kind of store does not have.
pub(super) fn require_options(spot: &Spot, options: &PutOptions, context: &Context) -> Result<(), Error> {
    let refuse = |what: &str| Err(context.error(ErrorKind::NotSupported, what));
    let Place::Own(store) = &spot.place else { return Ok(()) };
    let scheme = store.scheme();
    if !options.tags.is_empty() && !matches!(scheme, Scheme::S3 | Scheme::Azure) {
        return refuse("this kind of store has no tags; S3 and Azure have");
    }
    if scheme != Scheme::File {
        return Ok(());
    }
    if !options.attributes.is_empty() {
        return refuse("files have no attributes; leave them out for this kind of store");
    }
    if matches!(options.mode, PutMode::Update(_)) {
        return refuse("the file system has no way to replace a file only if it is of a certain version");
    }
    Ok(())
}
