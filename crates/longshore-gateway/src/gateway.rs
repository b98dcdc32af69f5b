//! A running server: its threads, its socket, and how both end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::builder::GatewayBuilder;
use crate::connection::{Shared, accept};
use crate::faults::Faults;
use crate::socket::Listener;
use crate::stats::Stats;

/// How long stopping waits for work on blocking threads, such as a read from a slow disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// The name of every thread of a gateway; Linux shows the first 15 bytes.
const THREAD: &str = "longshore-gateway";

/// A running S3 server.
///
/// It owns its threads and needs no async runtime around it. Dropping it stops it: open connections are closed wherever
/// they are, the port is free when `drop` returns, and that takes no longer than about a second. In a child process made by
/// `fork` there is nothing to stop, so dropping the copy there does nothing.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    process: u32,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Gateway {
    /// Describes a server to start.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder::default()
    }

    /// Starts serving; called by the builder.
    pub(crate) fn serve(address: SocketAddr, threads: usize, shared: Shared) -> io::Result<Self> {
        // Bound here, so that an address in use is an error of this call.
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(THREAD)
            .enable_io()
            .enable_time()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            Listener(TcpListener::from_std(listener)?)
        };
        let shared = Arc::new(shared);
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, served) => {}
                    _ = stopped => {}
                }
            });
            // Drops every connection where it is.
            runtime.shutdown_timeout(PATIENCE);
        })?;
        Ok(Self { address, shared, process: std::process::id(), running: Some(Running { stop, thread }) })
    }

    /// The address it listens on, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL a client is given, such as `http://127.0.0.1:40123`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The scripted faults of this server.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What has reached this server so far.
    pub fn stats(&self) -> Stats {
        self.shared.counters.read()
    }

    /// Starts counting anew.
    pub fn reset_stats(&self) {
        self.shared.counters.reset();
    }

    /// Stops the server; dropping it does the same.
    pub fn stop(self) {}
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        if std::process::id() != self.process {
            // The threads stayed in the parent process; joining one here would wait for ever.
            std::mem::forget(running);
            return;
        }
        // The receiver is gone only when the thread is, and then there is nothing to stop.
        let _ = running.stop.send(());
        let _ = running.thread.join();
    }
}
