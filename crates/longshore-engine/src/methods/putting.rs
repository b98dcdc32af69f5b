//! Writes an object that is in memory, in one request.

use bytes::Bytes;
use http::HeaderName;
use longshore_config::Scheme;
use object_store::{Attribute, Attributes, PutMode, PutOptions, PutPayload, PutResult};

use super::lost::{is_doubtful, look};
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
/// [`ErrorKind::AlreadyExists`] and [`ErrorKind::Precondition`] where a condition does not hold. A write whose answer was lost is
/// sent again; where it was carried out, and its content of 16 bytes and more tells so, that is a success. [`ErrorKind::NotSupported`] for
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
    let has_condition = options.mode != PutMode::Overwrite;
    let sent = if has_condition { body.clone() } else { Vec::new() };
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
    let refused = match written {
        Ok(written) => return Ok(written.into()),
        Err(error) if is_new && (error.kind() == ErrorKind::Precondition || error.status() == Some(409)) => {
            error.with_kind(ErrorKind::AlreadyExists).with_advice("it is there already")
        }
        Err(error) => error,
    };
    if has_condition && is_doubtful(&refused) { look(spot, &sent, refused).await } else { Err(refused) }
}

/// Names of a writer's own go into names of headers; Azure's have to be names of C# as well.
fn require_names(attributes: &Attributes, scheme: Option<Scheme>, context: &Context) -> Result<(), Error> {
    for (attribute, _) in attributes {
        let Attribute::Metadata(name) = attribute else { continue };
        let why = if HeaderName::from_bytes(name.as_bytes()).is_err() {
            "no name of a header; there it has ASCII letters, digits and any of !#$%&'*+-.^_`|~"
        } else if scheme == Some(Scheme::Azure) && !is_identifier(name) {
            "no name that Azure takes; there it has ASCII letters, digits and underscores, and begins with no digit"
        } else {
            continue;
        };
        return Err(context.error(ErrorKind::InvalidArgument, format!("the attribute {name:?} has {why}")));
    }
    Ok(())
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
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
/// [`ErrorKind::NotSupported`] for what this kind of store does not have, and [`ErrorKind::InvalidArgument`] for attributes whose
/// names it cannot hold.
pub(super) fn require_options(spot: &Spot, options: &PutOptions, context: &Context) -> Result<(), Error> {
    require_names(&options.attributes, spot.place.scheme(), context)?;
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
