//! The embedded S3 server, for `longshore.testing` and `python -m longshore serve`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_gateway::{FaultAction, FaultRule, Gateway as Server};
use longshore_runtime::fork;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A running server. It stops when this object goes away.
#[pyclass(frozen, module = "longshore._native")]
pub(crate) struct Gateway {
    server: Mutex<Option<Server>>,
    generation: u64,
}

impl Gateway {
    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, ask: impl FnOnce(&Server) -> T) -> PyResult<T> {
        if self.generation != fork::generation() {
            return Err(PyRuntimeError::new_err("the server runs in the process that started it, not in this child"));
        }
        self.server().as_ref().map(ask).ok_or_else(|| PyRuntimeError::new_err("the server has been stopped"))
    }
}

#[pymethods]
impl Gateway {
    #[new]
    #[pyo3(signature = (*, folder, credentials, anonymous, region, host, port))]
    fn new(
        py: Python<'_>,
        folder: Option<PathBuf>,
        credentials: (String, String),
        anonymous: bool,
        region: String,
        host: String,
        port: u16,
    ) -> PyResult<Self> {
        let address: SocketAddr = (host.as_str(), port)
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| PyValueError::new_err(format!("{host} has no address")))?;
        let builder = Server::builder().address(address).region(region);
        let builder = match folder {
            Some(folder) => builder.folder(folder),
            None => builder.memory(),
        };
        let builder = builder.credentials(credentials.0, credentials.1);
        let builder = if anonymous { builder.anonymous() } else { builder };
        let server = py.detach(|| builder.start())?;
        Ok(Self { server: Mutex::new(Some(server)), generation: fork::generation() })
    }

    /// The server's address as a URL.
    #[getter]
    fn endpoint(&self) -> PyResult<String> {
        self.with(Server::endpoint)
    }

    /// Stops the server; its port is free when this returns. Does nothing in a forked child, whose parent runs it.
    fn stop(&self, py: Python<'_>) {
        let server = self.server().take();
        py.detach(|| drop(server));
    }

    /// Adds a fault and returns its number. `kind` and `value` are described in `longshore.testing`.
    #[pyo3(signature = (kind, *, value, code, method, path, query, skip, times))]
    #[expect(clippy::too_many_arguments, reason = "a rule has that many parts")]
    fn add_fault(
        &self,
        kind: &str,
        value: f64,
        code: String,
        method: Option<String>,
        path: Option<String>,
        query: Option<String>,
        skip: u64,
        times: Option<u64>,
    ) -> PyResult<u64> {
        let bytes = value as u64;
        let action = match kind {
            "latency" => FaultAction::Latency(
                Duration::try_from_secs_f64(value).map_err(|error| PyValueError::new_err(error.to_string()))?,
            ),
            "status" => FaultAction::Status { code: value as u16, error: code, headers: Vec::new() },
            "cut_body" => FaultAction::CutBody { after: bytes },
            "stall" => FaultAction::Stall { after: bytes },
            "close" => FaultAction::CloseConnection,
            "lose_answer" => FaultAction::LoseAnswer,
            "short_body" => FaultAction::ShortBody { length: bytes },
            "corrupt" => FaultAction::Corrupt { at: bytes },
            "reply" => FaultAction::Reply { code: value as u16, headers: Vec::new(), body: code },
            other => return Err(PyValueError::new_err(format!("there is no fault {other:?}"))),
        };
        let rule =
            FaultRule { method, path_contains: path, query_contains: query, skip, times, ..FaultRule::new(action) };
        self.with(|server| server.faults().add(rule))
    }

    /// How often fault number `fault` has happened.
    fn fault_hits(&self, fault: u64) -> PyResult<u64> {
        self.with(|server| server.faults().hits(fault))
    }

    /// Takes all faults away.
    fn clear_faults(&self) -> PyResult<()> {
        self.with(|server| server.faults().clear())
    }

    /// What the server has seen: connections, and requests by S3 operation and by method.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.with(Server::stats)?;
        let seen = PyDict::new(py);
        seen.set_item("connections", stats.connections)?;
        seen.set_item("operations", stats.operations)?;
        seen.set_item("methods", stats.methods)?;
        Ok(seen)
    }

    /// Sets all counts to zero.
    fn reset_stats(&self) -> PyResult<()> {
        self.with(Server::reset_stats)
    }
}
