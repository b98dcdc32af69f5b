//! A server that does as it is told, and stores that point to it.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use longshore_config::{Environment, Location, Options, Store, open};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Runs a test on the runtime that all stores share.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    longshore_runtime::runtime::handle().unwrap().block_on(test)
}

/// A listener that hands each connection to the test's own code.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Runs `serve` for each connection. The receive buffer is small, so that a reader's speed is the sender's.
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        serve: impl Fn(Connection) -> F + Send + 'static,
    ) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 << 10).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(Connection { stream, rest: Vec::new() }));
            }
        });
        Self { address, connections }
    }

    /// Answers every request in the same way, and closes.
    pub(crate) fn answering(status: u16, body: &'static str) -> Self {
        Self::start(move |mut connection| async move {
            connection.head().await;
            connection.answer(status, body).await;
        })
    }

    /// Says nothing, ever.
    pub(crate) fn silent() -> Self {
        Self::start(|mut connection| async move {
            connection.head().await;
            std::future::pending().await
        })
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A store on this server that does not retry.
    pub(crate) fn store(&self, options: &[(&str, &str)]) -> Arc<Store> {
        let keys = [("access_key_id", "k"), ("secret_access_key", "s"), ("max_retries", "0")];
        let mut all: Options = keys.into_iter().chain(options.iter().copied()).collect();
        all.set("endpoint", self.url());
        open(&Location::parse("s3://b/").unwrap(), all, &Environment::default()).unwrap()
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
    /// What came after the head.
    rest: Vec<u8>,
}

impl Connection {
    /// The head of the next request, in lower case; empty where there is none.
    pub(crate) async fn head(&mut self) -> String {
        self.head_as_sent().await.to_ascii_lowercase()
    }

    /// The head of the next request; empty where there is none.
    pub(crate) async fn head_as_sent(&mut self) -> String {
        loop {
            if let Some(end) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                let body = self.rest.split_off(end + 4);
                let head = std::mem::replace(&mut self.rest, body);
                return String::from_utf8(head).unwrap();
            }
            if self.stream.read_buf(&mut self.rest).await.unwrap_or(0) == 0 {
                return String::new();
            }
        }
    }

    /// The next request with its body, as it was sent.
    pub(crate) async fn request(&mut self) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.rest).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if body.len() >= length.unwrap_or(0usize) {
                    return text.replace('\r', "");
                }
            }
            if self.stream.read_buf(&mut self.rest).await.unwrap_or(0) == 0 {
                return text;
            }
        }
    }

    /// Forgets the request that [`request`](Self::request) gave, so that the next one can come.
    pub(crate) fn done_with_request(&mut self) {
        self.rest.clear();
    }

    /// Some more of the body; the number of bytes.
    pub(crate) async fn more(&mut self) -> usize {
        if !self.rest.is_empty() {
            return std::mem::take(&mut self.rest).len();
        }
        let mut buffer = vec![0; 64 << 10];
        self.stream.read(&mut buffer).await.unwrap_or(0)
    }

    /// What has arrived of the body, or arrives next.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        if self.rest.is_empty() {
            let _ = self.stream.read_buf(&mut self.rest).await;
        }
        std::mem::take(&mut self.rest)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn answer(&mut self, status: u16, body: &str) {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nETag: \"e\"\r\nConnection: close\r\n\r\n");
        self.send(format!("{head}{body}").as_bytes()).await;
    }

    /// The head of an answer with an object of `length` bytes.
    pub(crate) async fn promise(&mut self, length: usize) {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"e\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n"
        );
        self.send(head.as_bytes()).await;
    }
}

/// The first cause of this type.
pub(crate) fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}
