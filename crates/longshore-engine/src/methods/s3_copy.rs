//! Copies on S3 that must not replace anything. A copy there has no condition; completing an upload has one.

use std::sync::Arc;

use bytes::Bytes;
use longshore_config::S3Access;
use object_store::{Attributes, PutMode, PutOptions};

use super::lost::{doubted, is_doubtful};
use super::spot::{Place, Spot};
use super::stat;
use crate::body::pin;
use crate::error::{Context, Error, ErrorKind};
use crate::s3;
use crate::window::lost;

/// What S3 copies in one request.
const LARGEST_COPY: u64 = 5 << 30;

/// Copies `source` to `target`, where nothing is yet. Servers that do not know the condition are asked first.
///
/// # Errors
///
/// [`ErrorKind::AlreadyExists`], and what else the server answers. Then, and where this is cancelled, no upload is left behind.
pub(super) async fn copy_in_s3(
    source: &Spot,
    target: &Spot,
    access: &S3Access,
    context: &Context,
) -> Result<(), Error> {
    match stat(target).await {
        Ok(_) => return Err(context.error(ErrorKind::AlreadyExists, "it is there already")),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let Place::Own(store) = &source.place else { return Ok(()) };
    let (meta, attributes) = s3::describe(access, &source.key, context).await?;
    if meta.size == 0 {
        let options = PutOptions { mode: PutMode::Create, attributes, ..PutOptions::default() };
        let written = s3::put_with(access, &target.key, Bytes::new(), &options, context).await;
        return written.map(drop).map_err(|error| match there(error) {
            // Nobody can tell one empty object from another.
            error if is_doubtful(&error) => doubted(error),
            error => error,
        });
    }
    let upload = Upload::begin(access, &target.key, attributes, context).await?;
    let mut parts = Vec::new();
    let mut at = 0;
    while at < meta.size {
        let range = at..meta.size.min(at + LARGEST_COPY);
        at = range.end;
        // There are a thousand at most.
        let number = parts.len() as u32 + 1;
        let piece = (store.bucket(), source.key.as_str(), range, pin(&meta));
        match s3::copy_part(access, &target.key, (&upload.id, number), piece, context).await {
            Ok(tag) => parts.push((number, tag)),
            Err(error) => return Err(upload.give_up(error).await),
        }
    }
    match s3::complete_new(access, &target.key, &upload.id, &parts, context).await.map_err(there) {
        Ok(()) => upload.done(),
        Err(error) if is_doubtful(&error) || (error.code() == Some("NoSuchUpload") && error.attempts() > 1) => {
            upload.look(target, meta.size, error).await
        }
        Err(error) => Err(upload.give_up(error).await),
    }
}

fn there(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Precondition => error.with_kind(ErrorKind::AlreadyExists).with_advice("it is there already"),
        _ => error,
    }
}

/// An upload that is called off when it is dropped.
struct Upload {
    access: S3Access,
    key: String,
    context: Context,
    id: Arc<str>,
    is_over: bool,
}

impl Upload {
    async fn begin(access: &S3Access, key: &str, attributes: Attributes, context: &Context) -> Result<Self, Error> {
        let (access, key, here) = (access.clone(), key.to_owned(), context.clone());
        // A task of its own goes on to its end, and drops an upload that nobody takes.
        let beginning = tokio::spawn(async move {
            let id = s3::begin_upload(&access, &key, &attributes, &here).await?;
            Ok(Self { access, key, context: here, id: id.into(), is_over: false })
        });
        beginning.await.unwrap_or_else(|error| Err(lost(context, error)))
    }

    fn done(mut self) -> Result<(), Error> {
        self.is_over = true;
        Ok(())
    }

    /// Calls it off, and waits for that.
    async fn give_up(mut self, why: Error) -> Error {
        // Why it failed matters more than whether what is left could be taken away.
        let _ = s3::abort_upload(&self.access, &self.key, &self.id, &self.context).await;
        self.is_over = true;
        why
    }

    /// What became of an upload whose completion was asked for twice, and refused in the end. One that is still there was never
    /// completed; one that is gone was.
    async fn look(self, target: &Spot, size: u64, refused: Error) -> Result<(), Error> {
        match s3::list_parts(&self.access, &self.key, &self.id, &self.context).await {
            Err(error) if error.code() == Some("NoSuchUpload") => match stat(target).await {
                Ok(found) if found.size == size => self.done(),
                _ => Err(doubted(refused)),
            },
            Ok(_) => Err(self.give_up(refused).await),
            Err(_) => Err(self.give_up(doubted(refused)).await),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.is_over {
            return;
        }
        let (access, key) = (self.access.clone(), std::mem::take(&mut self.key));
        let (context, id) = (self.context.clone(), Arc::clone(&self.id));
        // Nobody waits for this, and nothing can be done about a server that does not answer.
        runtime.spawn(async move { s3::abort_upload(&access, &key, &id, &context).await });
    }
}
