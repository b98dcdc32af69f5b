//! A server that answers as a function says, for clouds that cannot be had here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use longshore_config::{Environment, Location, Store, open};
use longshore_engine::{Context, Object, Progress};

/// One request, as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// In lower case.
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.target.contains(part)
    }
}

/// Status, further headers with their line ends, and body.
pub(crate) type Answer = (u16, String, String);

pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Answer {
    (status, headers.to_owned(), body.to_owned())
}

pub(crate) struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    /// `say` is given each request and how many came before it.
    pub(crate) fn start(say: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (log, say) = (Arc::clone(&asked), Arc::new(say));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, say) = (Arc::clone(&log), Arc::clone(&say));
                std::thread::spawn(move || serve(stream, &log, &*say));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        self.asked().iter().filter(|asked| asked.is(method, part)).count()
    }

    pub(crate) fn azure(&self, container: &str) -> Place {
        let endpoint = format!("http://{}/acc", self.address);
        Place::new(&format!("az://{container}"), &[("endpoint", &endpoint), ("account_key", "a2V5")])
    }

    pub(crate) fn s3(&self, bucket: &str) -> Place {
        self.s3_with(bucket, &[])
    }

    pub(crate) fn s3_with(&self, bucket: &str, more: &[(&str, &str)]) -> Place {
        let endpoint = format!("http://{}", self.address);
        let options =
            [("endpoint", &*endpoint), ("access_key_id", "key"), ("secret_access_key", "s"), ("region", "us-east-1")];
        Place::new(&format!("s3://{bucket}"), &[&options, more].concat())
    }

    pub(crate) fn web(&self) -> Place {
        Place::new(&format!("http://{}", self.address), &[])
    }

    pub(crate) fn gcs(&self, bucket: &str, more: &[(&str, &str)]) -> Place {
        let endpoint = format!("http://{}", self.address);
        let options = [&[("endpoint", &*endpoint), ("bearer_token", "t")], more].concat();
        Place::new(&format!("gs://{bucket}"), &options)
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Asked>>, say: &(impl Fn(&Asked, usize) -> Answer + ?Sized)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let mut headers = String::new();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        headers.push_str(&line.to_ascii_lowercase());
        line.clear();
    }
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let asked = Asked { method, target, headers, body: String::from_utf8_lossy(&body).into_owned() };
    let before = {
        let mut log = log.lock().unwrap();
        log.push(asked.clone());
        log.len() - 1
    };
    let (status, headers, body) = say(&asked, before);
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    let body = if asked.method == "HEAD" { String::new() } else { body };
    let _ = (&stream).write_all(format!("{head}{body}").as_bytes());
}

/// A bucket on such a server.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) store: Arc<Store>,
    root: String,
}

impl Place {
    pub(crate) fn new(root: &str, options: &[(&str, &str)]) -> Self {
        let options = options.iter().copied().chain([("max_retries", "2")]).collect();
        let store = open(&Location::parse(root).unwrap(), options, &Environment::default()).unwrap();
        Self { store, root: root.to_owned() }
    }

    pub(crate) fn object(&self, key: &str) -> Object {
        Object { store: Arc::clone(&self.store), key: key.into(), uri: format!("{}/{key}", self.root).into() }
    }

    pub(crate) fn context(&self, operation: &'static str) -> Context {
        Context::new(operation, format!("{}/", self.root))
    }

    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, longshore_engine::Error> {
        let entries = longshore_engine::list(&self.store, prefix, &self.context("list"), &Progress::silent()).await?;
        Ok(entries.into_iter().map(|entry| entry.key).collect())
    }

    pub(crate) async fn delete(&self, keys: &[&str]) -> Result<(), longshore_engine::Error> {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        longshore_engine::delete_keys(&self.store, keys, &self.context("delete"), &Progress::silent()).await
    }
}
