//! Addresses of host names.

use std::hash::{BuildHasher, RandomState};
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
pub(super) struct Names {
    /// Whether the addresses of a host are tried in an order of chance.
    pub(super) shuffled: bool,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let shuffled = self.shuffled;
        Box::pin(async move {
            let mut addresses = addresses(name.as_str(), 0).await.map_err(NoAddress)?;
            if shuffled {
                // Each of these is keyed anew, by chance.
                let chance = RandomState::new();
                addresses.sort_by_cached_key(|address| chance.hash_one(address));
            }
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
