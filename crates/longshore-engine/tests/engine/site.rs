//! A web server that answers as a test tells it, byte for byte, and remembers what it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use longshore_config::{Environment, Location, Options, open};
use longshore_engine::{Context, Error, Memory, Object, Progress, get, list};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query, as they came.
    pub(crate) path: String,
    head: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Where the range that was asked for begins.
    pub(crate) fn start(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.split('-').next()?.parse().ok()
    }
}

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Site {
    /// Answers each request with the bytes that `answer` makes, and closes. The number is that of the request, from 0.
    pub(crate) fn start(answer: impl Fn(&Asked, usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Asked>>>::default();
        let (asked, answer) = (Arc::clone(&seen), Arc::new(answer));
        // The threads end with the tests' process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &asked, &*answer));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }

    /// What was asked, as `GET /path`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    pub(crate) fn uri(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn object(&self, path: &str) -> Object {
        object(&self.uri(path), &[])
    }

    pub(crate) async fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        get(self.object(path), &Memory, &Progress::silent()).await
    }

    /// The keys that begin with `prefix`.
    pub(crate) async fn names(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let object = self.object(prefix);
        let context = Context::new("list", self.uri(prefix));
        let entries = list(&object.store, &object.key, &context, &Progress::silent()).await?;
        Ok(entries.into_iter().map(|entry| entry.key).collect())
    }
}

/// An object of a store that gives up soon.
pub(crate) fn object(uri: &str, options: &[(&str, &str)]) -> Object {
    let location = Location::parse(uri).unwrap();
    let quick = [("max_retries", "3"), ("timeout", "2s")];
    let options: Options = quick.iter().chain(options).copied().collect();
    let store = open(&location, options, &Environment::default()).unwrap();
    Object { store, key: location.object_key("").unwrap(), uri: uri.into() }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked, usize) -> Vec<u8>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let asked = Asked { method, path, head: head.clone() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).unwrap();
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(asked.clone());
        seen.len() - 1
    };
    let mut bytes = answer(&asked, number);
    if asked.method == "HEAD" {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        bytes.truncate(end + 4);
    }
    let _ = stream.write_all(&bytes);
}

/// An answer with its length, and `headers` that each end in a line end.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    promise(status, headers, body.len(), body)
}

/// An answer that announces `length` bytes and sends `body`.
pub(crate) fn promise(status: &str, headers: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// An answer in chunks, without its length. `whole` says whether its end is sent.
pub(crate) fn chunked(headers: &str, body: &[u8], whole: bool) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n{headers}\r\n").into_bytes();
    for chunk in body.chunks(1000) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    if whole {
        bytes.extend_from_slice(b"0\r\n\r\n");
    }
    bytes
}

/// The rest of `body` from `start`, as the answer to a range.
pub(crate) fn rest(headers: &str, body: &[u8], start: usize) -> Vec<u8> {
    let range = format!("Content-Range: bytes {start}-{}/{}\r\n{headers}", body.len() - 1, body.len());
    answer("206", &range, &body[start..])
}
