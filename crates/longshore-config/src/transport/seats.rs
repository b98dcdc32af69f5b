//! How many connections there are to one host at once, where a process has said so.
//!
//! HTTP/1 sends one request at a time over a connection, so a request holds a seat from before it is sent until its answer
//! has been read. Some seats are kept from reads: whoever reads may have to write before it reads on, as a copy does.
//!
//! A connection is idle again only some moments after its answer has been read. Whoever has the seat by then may open another
//! one, so that there are a few more connections than seats at times, but not more idle ones.
//!
//! Whoever holds a seat may also wait for memory that is held by who waits for a seat. So where no seat is given back and
//! nothing arrives for a while, one more request is sent than there are seats.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use hyper::body::{Body, Frame, SizeHint};
use longshore_runtime::configuration::Configuration;
use object_store::client::HttpError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long nothing moves until one more is let through.
const STANDSTILL: Duration = Duration::from_secs(1);

/// The seats of every host.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

#[derive(Debug)]
struct Host {
    all: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    began: Instant,
    /// When something moved last, in milliseconds after `began`.
    moved: AtomicU64,
}

/// One request's seat.
#[derive(Debug)]
pub(super) struct Seat {
    host: Arc<Host>,
    _permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Seats {
    /// As many as this process allows; `None` where it has not said.
    pub(super) fn new() -> Option<Self> {
        Configuration::settled().connections.map(Self::of)
    }

    fn of(most: usize) -> Self {
        Self { most: most.min(Semaphore::MAX_PERMITS), hosts: Mutex::default() }
    }

    /// Waits for a seat at the host of `url`.
    pub(super) async fn take(&self, method: &Method, url: &reqwest::Url) -> Seat {
        let host = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            let name = url.authority();
            match hosts.get(name) {
                Some(host) => Arc::clone(host),
                None => Arc::clone(hosts.entry(name.to_owned()).or_insert(Arc::new(Host::new(self.most)))),
            }
        };
        let read = if *method == Method::GET { host.permit(&host.reads).await } else { None };
        // Who stood still once has waited enough.
        let all = match (&read, method) {
            (None, &Method::GET) => None,
            _ => host.permit(&host.all).await,
        };
        host.note();
        Seat { host, _permits: [read, all] }
    }
}

impl Host {
    fn new(most: usize) -> Self {
        let for_reads = if most > 1 { most - (most / 8).max(1) } else { 1 };
        Self {
            all: Arc::new(Semaphore::new(most)),
            reads: Arc::new(Semaphore::new(for_reads)),
            began: Instant::now(),
            moved: AtomicU64::new(0),
        }
    }

    fn note(&self) {
        self.moved.store(self.began.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// `None` after a standstill.
    async fn permit(&self, seats: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        let mut waiting = std::pin::pin!(Arc::clone(seats).acquire_owned());
        loop {
            match timeout(STANDSTILL, &mut waiting).await {
                // The semaphore is never closed.
                Ok(permit) => return permit.ok(),
                Err(_) => {
                    let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
                    if self.began.elapsed().saturating_sub(moved) >= STANDSTILL {
                        self.note();
                        return None;
                    }
                }
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.host.note();
    }
}

/// An answer's body that gives its seat back when it ends, however it does.
pub(super) struct Seated<B> {
    body: B,
    seat: Option<Seat>,
}

impl<B> Seated<B> {
    pub(super) fn new(body: B, seat: Option<Seat>) -> Self {
        Self { body, seat }
    }
}

impl<B: Body<Data = Bytes, Error = HttpError> + Unpin> Body for Seated<B> {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(_))) if !self.body.is_end_stream() => {
                if let Some(seat) = &self.seat {
                    seat.host.note();
                }
            }
            Poll::Ready(_) => self.seat = None,
            Poll::Pending => {}
        }
        polled
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
    use super::*;

    fn url() -> reqwest::Url {
        "http://127.0.0.1:9/b".parse().unwrap()
    }

    async fn soon(seats: &Seats, method: &Method) -> Option<Seat> {
        timeout(Duration::from_millis(50), seats.take(method, &url())).await.ok()
    }

    #[tokio::test]
    async fn reads_leave_a_seat_for_writes_and_each_host_has_its_own() {
        let seats = Seats::of(3);
        let (one, two) = (soon(&seats, &Method::GET).await, soon(&seats, &Method::GET).await);
        assert!(one.is_some() && two.is_some());
        assert!(soon(&seats, &Method::GET).await.is_none());
        let write = soon(&seats, &Method::PUT).await;
        assert!(write.is_some() && soon(&seats, &Method::PUT).await.is_none());
        let elsewhere = "http://127.0.0.1:10/b".parse().unwrap();
        assert!(timeout(Duration::from_millis(50), seats.take(&Method::GET, &elsewhere)).await.is_ok());
        drop((one, write));
        assert!(soon(&seats, &Method::GET).await.is_some());
    }

    #[tokio::test]
    async fn a_standstill_lets_one_more_through() {
        let seats = Seats::of(1);
        let held = seats.take(&Method::GET, &url()).await;
        let began = Instant::now();
        let more = seats.take(&Method::GET, &url()).await;
        assert!(began.elapsed() >= STANDSTILL, "{:?}", began.elapsed());
        drop((held, more));
    }
}
