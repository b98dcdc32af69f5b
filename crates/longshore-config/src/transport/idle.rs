//! The idle timeout: a transfer may take as long as it moves.
//!
//! What counts as movement: the connection takes a piece of the request's body, the answer's head arrives, or a piece of
//! its body does. `reqwest`'s own `read_timeout` runs from the request's first byte to the answer's head, so it would bound
//! an upload as a whole. After the last piece of an upload the clock also covers what still stands in send buffers.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use object_store::client::{HttpError, HttpErrorKind, HttpRequestBody};
use tokio::time::{Instant, Sleep, sleep_until};

use super::failure::{http_error, silence};

/// Bodies go to the connection in pieces of this size, so that the movement of a large one can be seen.
const PIECE: usize = 128 << 10;

/// When a request last moved. Shared between who waits for the answer and the body, which belongs to the connection.
#[derive(Debug)]
pub(super) struct Progress {
    started: Instant,
    /// Microseconds after `started`.
    moved: AtomicU64,
    /// Nobody waits for the answer any more, so the rest of the body must not be sent.
    abandoned: AtomicBool,
}

impl Progress {
    pub(super) fn start() -> Arc<Self> {
        Arc::new(Self { started: Instant::now(), moved: AtomicU64::new(0), abandoned: AtomicBool::new(false) })
    }

    fn note(&self) {
        self.moved.store(self.started.elapsed().as_micros() as u64, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.started + Duration::from_micros(self.moved.load(Ordering::Relaxed))
    }

    /// Waits for `future` while there is progress at least every `idle`. One timer, set again only when it goes off.
    pub(super) async fn watch<F: Future>(&self, idle: Duration, future: F) -> Result<F::Output, HttpError> {
        let mut future = pin!(future);
        let mut alarm = pin!(sleep_until(self.last() + idle));
        loop {
            tokio::select! {
                biased;
                output = &mut future => return Ok(output),
                () = &mut alarm => {
                    let deadline = self.last() + idle;
                    if deadline <= Instant::now() {
                        return Err(silence(idle));
                    }
                    alarm.as_mut().reset(deadline);
                }
            }
        }
    }
}

/// Stops the sending of a body when the wait for its answer ends without one.
///
/// The connection has a task of its own, which would go on: a write that was reported as failed could still succeed later, with
/// whatever the caller's memory holds by then.
pub(super) struct Unanswered(Option<Arc<Progress>>);

impl Unanswered {
    pub(super) fn new(progress: &Arc<Progress>) -> Self {
        Self(Some(Arc::clone(progress)))
    }

    /// There is an answer; the server decides what becomes of the rest of the body.
    pub(super) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.abandoned.store(true, Ordering::Relaxed);
        }
    }
}

/// A request body that notes each piece the connection takes.
pub(super) struct Metered {
    body: HttpRequestBody,
    /// What was taken from `body` and not yet sent.
    piece: Bytes,
    left: u64,
    progress: Arc<Progress>,
}

impl Metered {
    /// Turns a body into `reqwest`'s. Its length stays known, so it is announced and not chunked.
    pub(super) fn wrap(body: HttpRequestBody, progress: &Arc<Progress>) -> reqwest::Body {
        match body.as_bytes() {
            // Fits into a send buffer: nothing to watch. As plain bytes it can also follow a redirect.
            Some(bytes) if bytes.len() <= PIECE => bytes.clone().into(),
            _ => {
                let left = body.content_length() as u64;
                reqwest::Body::wrap(Self { body, piece: Bytes::new(), left, progress: Arc::clone(progress) })
            }
        }
    }
}

impl Body for Metered {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if self.progress.abandoned.load(Ordering::Relaxed) {
            (self.body, self.piece) = (HttpRequestBody::empty(), Bytes::new());
            return Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Interrupted, Abandoned))));
        }
        while self.piece.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => self.piece = frame.into_data().unwrap_or_default(),
                end => return Poll::Ready(end),
            }
        }
        self.progress.note();
        let length = self.piece.len().min(PIECE);
        let piece = self.piece.split_to(length);
        self.left -= length as u64;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the request was abandoned")]
struct Abandoned;

/// An answer's body that fails when no piece comes for too long. Time in which nobody asks for one does not count.
pub(super) struct Impatient {
    body: reqwest::Body,
    idle: Duration,
    /// Since when a piece has been asked for in vain.
    waiting: Option<Instant>,
    /// Made at the first wait, set again only when it goes off.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    pub(super) fn new(body: reqwest::Body, idle: Duration) -> Self {
        Self { body, idle, waiting: None, alarm: None }
    }
}

impl Body for Impatient {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(http_error)));
        }
        let deadline = *this.waiting.get_or_insert_with(Instant::now) + this.idle;
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        while alarm.as_mut().poll(context).is_ready() {
            if deadline <= Instant::now() {
                return Poll::Ready(Some(Err(silence(this.idle))));
            }
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use object_store::PutPayload;

    use super::*;

    #[test]
    fn a_body_goes_out_in_pieces_and_announces_what_is_left() {
        let chunks = [vec![1; PIECE + 1], vec![], vec![2; 3]].map(Bytes::from);
        let payload = PutPayload::from_iter(chunks);
        let left = payload.content_length() as u64;
        let progress = Progress::start();
        let mut body = Metered { body: payload.into(), piece: Bytes::new(), left, progress };
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut lengths = Vec::new();
        while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut context) {
            lengths.push(frame.unwrap().into_data().unwrap().len());
            assert_eq!(body.size_hint().exact(), Some(left - lengths.iter().sum::<usize>() as u64));
        }
        assert_eq!((lengths, body.is_end_stream()), (vec![PIECE, 1, 3], true));
    }
}
