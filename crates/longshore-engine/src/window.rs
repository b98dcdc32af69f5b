//! A sliding window: so many at once, the next begins when one ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::{JoinError, JoinSet};

use crate::error::{Context, Error, ErrorKind};

/// Runs `work` for every index below `count`, at most `in_flight` at once, beginning them in order.
///
/// The results come in index order. The first failure cancels whatever is under way. So does dropping the future.
///
/// The window is a set of lanes, each a task that takes the next index when it is done with one: as many tasks as
/// the window is wide, not as many as there are objects, and spread over the runtime's threads.
pub(crate) async fn run<T, F, W>(context: Context, count: usize, in_flight: usize, work: F) -> Result<Vec<T>, Error>
where
    T: Send + 'static,
    F: Fn(usize) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = Result<T, Error>> + Send,
{
    if count == 1 {
        return Ok(vec![work(0).await?]);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let mut lanes = JoinSet::new();
    for _ in 0..in_flight.clamp(1, count.max(1)) {
        let (next, work) = (Arc::clone(&next), work.clone());
        lanes.spawn(async move {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return Ok::<_, Error>(done);
                }
                done.push((index, work(index).await?));
            }
        });
    }
    let mut results: Vec<Option<T>> = Vec::new();
    results.resize_with(count, || None);
    while let Some(lane) = lanes.join_next().await {
        // Returning early drops the set, which aborts the other lanes.
        for (index, result) in lane.map_err(|error| lost(&context, error))?? {
            results[index] = Some(result);
        }
    }
    // Every index below `count` was taken by a lane that has ended without an error.
    Ok(results.into_iter().flatten().collect())
}

pub(crate) fn lost(context: &Context, error: JoinError) -> Error {
    context.error(ErrorKind::Join, format!("a task was lost: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn context() -> Context {
        Context::new("get", "s3://b/k")
    }

    #[tokio::test]
    async fn results_come_in_order_and_the_window_is_never_exceeded() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counters = (Arc::clone(&now), Arc::clone(&most));
        let results = run(context(), 100, 7, move |index| {
            let (now, most) = (Arc::clone(&counters.0), Arc::clone(&counters.1));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis((100 - index as u64) % 5)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(index)
            }
        })
        .await
        .unwrap();
        assert_eq!(results, (0..100).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), 7);
    }

    #[tokio::test]
    async fn the_first_failure_ends_the_call_without_waiting_for_the_rest() {
        let started = std::time::Instant::now();
        let outcome = run(context(), 10, 10, |index| async move {
            if index == 3 {
                return Err(Context::new("get", "s3://b/3").error(ErrorKind::NotFound, "gone"));
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(())
        })
        .await;
        assert_eq!(outcome.unwrap_err().uri(), "s3://b/3");
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn no_work_is_no_result() {
        assert!(run(context(), 0, 64, |_| async { Ok(()) }).await.unwrap().is_empty());
    }
}
