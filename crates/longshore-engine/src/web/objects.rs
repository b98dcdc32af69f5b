//! Reads of one object: its bytes into a sink, or what the server says of it.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::header::RANGE;
use longshore_config::WebAccess;

use super::body::{Body, Said, part, said};
use super::request::Request;
use crate::budget::{Budget, Share};
use crate::error::{Context, Error, ErrorKind};
use crate::manage::Metadata;
use crate::progress::Progress;
use crate::sink::{Buffer, Sink};

/// Reads one object into `sink`.
pub(crate) async fn get<S: Sink>(
    access: &Arc<WebAccess>,
    key: &str,
    context: &Context,
    (index, sink, budget, progress): (usize, &S, &Budget, &Progress),
) -> Result<S::Output, Error> {
    let share = budget.take(sink.footprint(budget.usual())).await;
    let mut body = Body::open(access, key, None, None, context).await?;
    let (_share, collected, size) = match body.end {
        Some(size) => {
            budget.note(size);
            (budget.adjust(share, sink.footprint(size)).await, Vec::new(), size)
        }
        None if sink.grows() => (share, Vec::new(), 0),
        None => {
            let (share, collected) = collect(&mut body, share, sink, budget).await?;
            let size = collected.iter().map(|chunk| chunk.len() as u64).sum();
            budget.note(size);
            (share, collected, size)
        }
    };
    let length = usize::try_from(size).map_err(|_| context.error(ErrorKind::Generic, "too large for this machine"))?;
    let mut buffer = sink.reserve(index, length).await.map_err(|refusal| refusal.error(context, size))?;
    for chunk in collected {
        buffer.append(&chunk);
        progress.add(0, chunk.len() as u64);
    }
    while let Some(chunk) = body.next().await? {
        buffer.append(&chunk);
        progress.add(0, chunk.len() as u64);
    }
    progress.add(1, 0);
    Ok(sink.finish(index, buffer))
}

/// Takes a body whose length only its end tells. The share of the budget grows with it, by doubling.
async fn collect<S: Sink>(
    body: &mut Body,
    mut share: Share,
    sink: &S,
    budget: &Budget,
) -> Result<(Share, Vec<Bytes>), Error> {
    let (mut chunks, mut size, mut granted) = (Vec::new(), 0, budget.usual());
    while let Some(chunk) = body.next().await? {
        size += chunk.len() as u64;
        chunks.push(chunk);
        if size > granted {
            granted = size.saturating_mul(2);
            share = budget.adjust(share, sink.footprint(granted)).await;
        }
    }
    Ok((share, chunks))
}

/// Describes one object.
///
/// # Errors
///
/// [`ErrorKind::NotSupported`] where the server does not say how long it is, and what else it answers.
pub(crate) async fn head(access: &WebAccess, key: &str, context: &Context) -> Result<Metadata, Error> {
    let said = match asked(access, key, context).await? {
        Some(said) if said.size.is_some() => said,
        _ => first_byte(access, key, context).await?,
    };
    let size = said.size.ok_or_else(|| {
        context.error(ErrorKind::NotSupported, "the server does not say how long the object is; reading it will tell")
    })?;
    Ok(Metadata { key: key.to_owned(), size, last_modified: said.last_modified, e_tag: said.e_tag, version: None })
}

/// Succeeds where there is such an object.
pub(crate) async fn exists(access: &WebAccess, key: &str, context: &Context) -> Result<(), Error> {
    match asked(access, key, context).await? {
        Some(_) => Ok(()),
        None => first_byte(access, key, context).await.map(drop),
    }
}

/// What the server answers to HEAD; `None` where it does not take that.
async fn asked(access: &WebAccess, key: &str, context: &Context) -> Result<Option<Said>, Error> {
    match Request::new(access, Method::HEAD, key, context)?.send().await {
        Ok(answer) => Ok(Some(said(answer.headers()))),
        Err(error) if matches!(error.status(), Some(405 | 501)) => Ok(None),
        // A signed URL is signed for GET, and nothing else.
        Err(error) if matches!(error.status(), Some(400 | 401 | 403)) && key.contains('?') => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the server says when it is asked for as little as possible.
async fn first_byte(access: &WebAccess, key: &str, context: &Context) -> Result<Said, Error> {
    let get = || Request::new(access, Method::GET, key, context);
    let answer = match get()?.header(RANGE, "bytes=0-0")?.send().await {
        // There is no first byte.
        Err(error) if error.status() == Some(416) => get()?.send().await?,
        answer => answer?,
    };
    let mut said = said(answer.headers());
    if let Some((_, size)) = part(&answer, context)? {
        said.size = size;
    }
    Ok(said)
}
