//! Request bodies that come back from the service, read or not.
//!
//! An error is often clear before the body has been read. HTTP/1.1 then allows two things: read the rest so that the
//! connection can go on, or close it. Closing breaks clients that are still sending, so the rest is read, within reason.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// The most that is read of a body nobody wants.
const LIMIT: u64 = 64 << 20;

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a body comes back to.
#[derive(Debug, Default)]
pub(crate) struct Lender {
    returned: Mutex<Option<Incoming>>,
    touched: AtomicBool,
}

/// A body on loan.
pub(crate) struct Lent {
    body: Option<Incoming>,
    lender: Arc<Lender>,
}

impl Lender {
    /// Lends a body out.
    pub(crate) fn lend(self: &Arc<Self>, body: Incoming) -> Lent {
        Lent { body: Some(body), lender: Arc::clone(self) }
    }

    /// Reads what is left of the body; whether the connection can go on.
    pub(crate) async fn settle(&self, awaits_permission: bool) -> bool {
        let returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut body) = returned.filter(|body| !body.is_end_stream()) else { return true };
        if awaits_permission && !self.touched.load(Ordering::Relaxed) {
            // The client sends nothing before it is told to, and now it will not be.
            return false;
        }
        let rest = async {
            let mut read = 0;
            while let Some(Ok(frame)) = body.frame().await {
                read += frame.data_ref().map_or(0, |data| data.len() as u64);
                if read > LIMIT {
                    return false;
                }
            }
            body.is_end_stream()
        };
        tokio::time::timeout(PATIENCE, rest).await.unwrap_or(false)
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.lender.touched.store(true, Ordering::Relaxed);
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.lender.returned.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
    }
}
