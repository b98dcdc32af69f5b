//! Servers that answer after a while: one of HTTP, for a store of `object_store`'s own, and one of two numbers, for a store that does the
//! least that a store of a service does: it asks over connections that it keeps, and speaks no HTTP.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How much of a body one read brings at most.
const CHUNK: usize = 64 << 10;

/// Answers requests of two numbers: so many bytes, after so many microseconds. Ends with whoever started it.
pub async fn serve(listener: TcpListener) {
    let zeros = Arc::new(vec![0; 1 << 20]);
    while let Ok((mut connection, _)) = listener.accept().await {
        let zeros = Arc::clone(&zeros);
        tokio::spawn(async move {
            let _ = connection.set_nodelay(true);
            while let Ok(mut rest) = connection.read_u64_le().await {
                let Ok(delay) = connection.read_u64_le().await else { return };
                if delay > 0 {
                    tokio::time::sleep(Duration::from_micros(delay)).await;
                }
                while rest > 0 {
                    let part = rest.min(zeros.len() as u64);
                    if connection.write_all(&zeros[..part as usize]).await.is_err() {
                        return;
                    }
                    rest -= part;
                }
            }
        });
    }
}

/// Answers GET and HEAD of HTTP/1.1, whatever the path, with 64 bytes after a millisecond. Ends with whoever started it.
pub async fn serve_http(listener: TcpListener) {
    const HEAD: &str =
        "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nLast-Modified: Fri, 20 Nov 2026 12:00:00 GMT\r\nETag: \"1\"\r\n\r\n";
    let answer = Arc::new([HEAD.as_bytes(), &[7; 64]].concat());
    while let Ok((mut connection, _)) = listener.accept().await {
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            let _ = connection.set_nodelay(true);
            let mut request = BytesMut::new();
            loop {
                // One request at a time, without a body.
                while !request.ends_with(b"\r\n\r\n") {
                    if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                request.clear();
                tokio::time::sleep(Duration::from_millis(1)).await;
                if connection.write_all(&answer).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// A store whose every object has the same size, and comes after the same time.
#[derive(Clone)]
pub struct Remote {
    pub server: SocketAddr,
    pub size: u64,
    pub delay: Duration,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Remote {
    pub fn new(server: SocketAddr, size: u64, delay: Duration) -> Self {
        Self { server, size, delay, connections: Arc::default() }
    }

    async fn ask(&self) -> std::io::Result<TcpStream> {
        let kept = self.connections.lock().unwrap().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => {
                let connection = TcpStream::connect(self.server).await?;
                connection.set_nodelay(true)?;
                connection
            }
        };
        let mut request = [0; 16];
        request[..8].copy_from_slice(&self.size.to_le_bytes());
        request[8..].copy_from_slice(&(self.delay.as_micros() as u64).to_le_bytes());
        connection.write_all(&request).await?;
        Ok(connection)
    }

    /// The body, as it comes. A connection that has brought all of it is kept.
    fn body(self, connection: TcpStream) -> BoxStream<'static, Result<Bytes>> {
        let (rest, memory) = (self.size, BytesMut::new());
        stream::unfold((self, Some(connection), rest, memory), |(remote, connection, rest, mut memory)| async move {
            let mut connection = connection?;
            if rest == 0 {
                remote.connections.lock().unwrap().push(connection);
                return None;
            }
            memory.reserve(CHUNK.min(rest as usize));
            match (&mut connection).take(rest).read_buf(&mut memory).await {
                Ok(read) if read > 0 => {
                    let chunk = memory.split().freeze();
                    Some((Ok(chunk), (remote, Some(connection), rest - read as u64, memory)))
                }
                other => {
                    let error = other.err().unwrap_or_else(|| std::io::ErrorKind::UnexpectedEof.into());
                    Some((Err(failed(error)), (remote, None, 0, memory)))
                }
            }
        })
        .boxed()
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::Generic { store: "Remote", source: error.into() }
}

impl fmt::Display for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Remote")
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Remote")
    }
}

fn not_measured<T>() -> Result<T> {
    Err(Error::NotImplemented { operation: "what is not measured".into(), implementer: "Remote".into() })
}

#[async_trait]
impl ObjectStore for Remote {
    async fn get_opts(&self, location: &Path, _: GetOptions) -> Result<GetResult> {
        let connection = self.ask().await.map_err(failed)?;
        let meta = ObjectMeta {
            location: location.clone(),
            last_modified: Default::default(),
            size: self.size,
            e_tag: None,
            version: None,
        };
        let payload = GetResultPayload::Stream(self.clone().body(connection));
        let (range, attributes) = (0..self.size, Attributes::new());
        Ok(GetResult { payload, meta, range, attributes, extensions: Default::default() })
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        not_measured()
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        not_measured()
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::iter([not_measured()]).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        InMemory::new().list(prefix)
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        not_measured()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        not_measured()
    }
}
