//! Conditional writes whose first answer was lost.
//!
//! Such a write is sent again, and where the first one was carried out the second finds its own object in the way. Whose it is, its
//! content tells, if it is long enough not to be anybody's.

use bytes::{Buf, Bytes};
use md5::{Digest, Md5};
use object_store::GetOptions;

use super::answer::open;
use super::putting::Put;
use super::spot::Spot;
use super::stat;
use crate::error::{Error, ErrorKind};

/// Shorter content may be that of somebody who wrote at the same moment: an empty lock file, a number.
const TELLING: u64 = 16;
const PERHAPS_OURS: &str =
    "this very call may have written it: an earlier try got no answer; look at what is there before you go on";

/// Whether a refusal may be that of a repetition, after a try that was carried out.
pub(super) fn is_doubtful(refused: &Error) -> bool {
    let conflict = matches!(refused.kind(), ErrorKind::AlreadyExists | ErrorKind::Precondition);
    refused.attempts() > 1 && (conflict || refused.status() == Some(409))
}

/// Says of an error that what is in the way may be the call's own.
pub(super) fn doubted(refused: Error) -> Error {
    refused.with_advice(PERHAPS_OURS)
}

/// Looks at what is in the way of `body`.
///
/// # Errors
///
/// `refused`, where that is somebody else's, and with advice where it cannot be told.
pub(super) async fn look(spot: &Spot, body: &[Bytes], refused: Error) -> Result<Put, Error> {
    let size: u64 = body.iter().map(|chunk| chunk.len() as u64).sum();
    let Ok(found) = stat(spot).await else { return Err(doubted(refused)) };
    if found.size != size {
        return Err(refused);
    }
    if size < TELLING {
        return Err(doubted(refused));
    }
    if found.e_tag.as_deref().is_some_and(|tag| tag.trim_matches('"') == digest(body)) {
        return Ok(Put { e_tag: found.e_tag, version: found.version });
    }
    // The tag is something else than a checksum, or that of other content.
    match same_content(spot, body).await {
        Ok(Some(put)) => Ok(put),
        Ok(None) => Err(refused),
        Err(_) => Err(doubted(refused)),
    }
}

fn digest(body: &[Bytes]) -> String {
    let mut digest = Md5::new();
    for chunk in body {
        digest.update(chunk);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the store calls the object at `spot`, where its bytes are those of `body`.
async fn same_content(spot: &Spot, body: &[Bytes]) -> Result<Option<Put>, Error> {
    let mut found = open(spot, GetOptions::default()).await?;
    let put = Put { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
    let mut ours = body.iter().filter(|chunk| !chunk.is_empty()).cloned();
    let mut rest = Bytes::new();
    while let Some(mut theirs) = found.next().await? {
        while !theirs.is_empty() {
            if rest.is_empty() {
                let Some(next) = ours.next() else { return Ok(None) };
                rest = next;
            }
            let length = rest.len().min(theirs.len());
            if rest[..length] != theirs[..length] {
                return Ok(None);
            }
            rest.advance(length);
            theirs.advance(length);
        }
    }
    Ok((rest.is_empty() && ours.next().is_none()).then_some(put))
}
