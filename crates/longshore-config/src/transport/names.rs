//! Addresses of host names.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

/// The system's resolver found none.
#[derive(Debug, Error)]
#[error(transparent)]
pub(super) struct NoAddress(io::Error);

/// The system's resolver, but for names below `localhost`: those are this machine, and no server is asked about them
/// (RFC 6761). A bucket in the host name of a server on this machine is reached so.
#[derive(Debug)]
pub(super) struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = addresses(name.as_str(), 0).await.map_err(NoAddress)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

pub(super) async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = if host.to_ascii_lowercase().ends_with(".localhost") { "localhost" } else { host };
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => Ok(found.collect()),
        // A machine whose list of hosts has lost its own name.
        Err(_) if host == "localhost" => Ok(vec![(Ipv4Addr::LOCALHOST, port).into()]),
        Err(error) => Err(error),
    }
}
