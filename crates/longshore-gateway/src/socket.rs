//! Sockets that end when their owner does, whoever else holds them.
//!
//! A process made by `fork` inherits every socket of its parent. Closing one here then closes nothing: the port goes on
//! accepting, and a client goes on waiting for a connection that was dropped. Shutting a socket down ends it for all who
//! hold it, so that is what dropping does here.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Listener(pub(crate) TcpListener);

impl Drop for Listener {
    fn drop(&mut self) {
        // A socket that is gone already is what was wanted.
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Both);
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection(pub(crate) TcpStream);

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Both);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// A listener, and a second holder of the same socket as a forked process would be.
    async fn listener() -> (Listener, std::net::TcpListener, std::net::SocketAddr) {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let (other, address) = (socket.try_clone().unwrap(), socket.local_addr().unwrap());
        (Listener(TcpListener::from_std(socket).unwrap()), other, address)
    }

    #[tokio::test]
    async fn a_dropped_listener_refuses_although_another_process_holds_it() {
        let (listener, _other, address) = listener().await;
        std::net::TcpStream::connect(address).expect("the control: it accepts");
        drop(listener);
        assert!(std::net::TcpStream::connect(address).is_err());
    }

    #[tokio::test]
    async fn a_dropped_connection_ends_although_another_process_holds_it() {
        let (listener, _other, address) = listener().await;
        let mut client = std::net::TcpStream::connect(address).unwrap();
        client.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        let accepted = listener.0.accept().await.unwrap().0.into_std().unwrap();
        let _other = accepted.try_clone().unwrap();
        drop(Connection(TcpStream::from_std(accepted).unwrap()));
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    }
}
