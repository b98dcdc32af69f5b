//! Spoils the body of an answer in the way a fault asks for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use s3s::StdError;
use tokio::time::Sleep;

use crate::faults::FaultAction;

/// How long the bytes before a cut get to leave, since dropping a connection drops what is still buffered.
const FLUSH: Duration = Duration::from_millis(20);

/// The body of an answer, whole or spoilt.
pub(crate) struct Spoilt {
    inner: s3s::Body,
    sent: u64,
    fault: Fault,
}

enum Fault {
    None,
    Cut { after: u64, flushed: Option<Pin<Box<Sleep>>> },
    Stall { after: u64 },
    Short { length: u64 },
    Corrupt { at: u64 },
}

impl Spoilt {
    /// A body that a fault of this kind, if any, happens to.
    pub(crate) fn new(inner: s3s::Body, action: Option<&FaultAction>) -> Self {
        let fault = match action {
            Some(FaultAction::CutBody { after }) => Fault::Cut { after: *after, flushed: None },
            Some(FaultAction::Stall { after }) => Fault::Stall { after: *after },
            Some(FaultAction::ShortBody { length }) => Fault::Short { length: *length },
            Some(FaultAction::Corrupt { at }) => Fault::Corrupt { at: *at },
            _ => Fault::None,
        };
        Self { inner, sent: 0, fault }
    }

    /// Where the body stops, for the faults that stop it.
    fn limit(&self) -> Option<u64> {
        match self.fault {
            Fault::Cut { after, .. } | Fault::Stall { after } => Some(after),
            Fault::Short { length } => Some(length),
            Fault::None | Fault::Corrupt { .. } => None,
        }
    }
}

impl Body for Spoilt {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        if self.limit().is_some_and(|limit| self.sent >= limit) {
            return match &mut self.fault {
                Fault::Cut { flushed, .. } => {
                    let flushed = flushed.get_or_insert_with(|| Box::pin(tokio::time::sleep(FLUSH)));
                    ready!(flushed.as_mut().poll(context));
                    Poll::Ready(Some(Err("the body is cut here by a scripted fault".into())))
                }
                Fault::Stall { .. } => Poll::Pending,
                _ => Poll::Ready(None),
            };
        }
        let frame = match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            other => return Poll::Ready(other),
        };
        let Ok(mut data) = frame.into_data() else { return self.poll_frame(context) };
        let start = self.sent;
        if let Some(limit) = self.limit() {
            data.truncate(usize::try_from(limit - start).unwrap_or(usize::MAX));
        }
        if let Fault::Corrupt { at } = self.fault
            && (start..start + data.len() as u64).contains(&at)
        {
            let mut spoilt = data.to_vec();
            if let Some(byte) = usize::try_from(at - start).ok().and_then(|at| spoilt.get_mut(at)) {
                *byte ^= 0xFF;
            }
            data = spoilt.into();
        }
        self.sent += data.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.fault, Fault::None) && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.inner.size_hint();
        match (&self.fault, hint.exact()) {
            // A short body is short by its own account too, or the HTTP library would find us out.
            (Fault::Short { length }, Some(whole)) => {
                SizeHint::with_exact(whole.min(*length).saturating_sub(self.sent))
            }
            _ => hint,
        }
    }
}
