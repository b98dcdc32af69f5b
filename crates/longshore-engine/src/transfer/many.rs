//! Transfers by pairs: one, or many at once.

use std::sync::Arc;

use super::copy::one;
use super::options::{Job, Outcome, Shared, TransferOptions};
use crate::budget::Limits;
use crate::error::{Context, Error};
use crate::object::Object;
use crate::progress::Progress;
use crate::window;

/// Makes `target` what `source` is, wherever the two are. Inside one service the server copies; from and to files and between
/// services the bytes pass through here, without a large object ever being in memory.
///
/// # Errors
///
/// As [`download`](crate::download) and [`upload`](crate::upload), and what the stores answer. `target` is then as it was.
pub async fn transfer(
    source: &Object,
    target: &Object,
    options: &TransferOptions,
    progress: &Progress,
) -> Result<Outcome, Error> {
    let context = between(source, target);
    let shared = Shared::new(Limits::default(), options);
    let job = Job { context: &context, options, shared: &shared, progress };
    progress.expect(1);
    job.finish(one(source, target, job).await).await
}

/// Makes each second object what its first is, as many at once as `limits` allow, beginning in order. `done` hears of each when it
/// has ended, with its index, however it has ended; it is called from the runtime's threads, and must not block.
///
/// A failure ends its own transfer and no other. Dropping the future ends all of them. `progress` counts those that went well.
///
/// # Errors
///
/// Only where a task of the runtime was lost.
pub async fn transfer_many(
    pairs: Vec<(Object, Object)>,
    limits: Limits,
    options: &TransferOptions,
    progress: &Progress,
    done: impl Fn(usize, Result<Outcome, Error>) + Send + Sync + 'static,
) -> Result<(), Error> {
    progress.expect(pairs.len() as u64);
    let (count, shared) = (pairs.len(), Shared::new(limits, options));
    let context = Context::new("copy", pairs.first().map(|(source, _)| source.uri.to_string()).unwrap_or_default());
    let cleanup = shared.cleanup.clone();
    // Lanes that are aborted end a little later, and could begin something until then.
    let call = Arc::new((pairs, shared, options.clone(), progress.clone(), done, cleanup.guard()));
    let ended = window::run(context, count, limits.in_flight, move |index| {
        let call = Arc::clone(&call);
        async move {
            let (pairs, shared, options, progress, done, _) = &*call;
            let (source, target) = &pairs[index];
            let context = between(source, target);
            let outcome = one(source, target, Job { context: &context, options, shared, progress }).await;
            if outcome.is_ok() {
                progress.add(1, 0);
            }
            done(index, outcome);
            Ok(())
        }
    })
    .await;
    cleanup.settle().await;
    ended?;
    progress.finish();
    Ok(())
}

fn between(source: &Object, target: &Object) -> Context {
    source.context("copy").to(&*target.uri)
}
