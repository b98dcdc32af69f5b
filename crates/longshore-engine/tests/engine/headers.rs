//! What every request about an object brings along: who pays, and how the object is encrypted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use longshore_config::{Environment, Location, Options, open};
use longshore_engine::{Context, Memory, Object, Progress};

/// A server that takes everything and notes the heads of requests.
struct Recorder {
    endpoint: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || answer(stream, &noted));
            }
        });
        Self { endpoint, heads }
    }

    /// An object on this server. Its keys say nothing of what the store is.
    fn object(&self, key: &str, options: &[(&str, &str)]) -> Object {
        let mut all: Options = [("access_key_id", "k"), ("secret_access_key", "s"), ("max_retries", "0")]
            .into_iter()
            .chain(options.iter().copied())
            .collect();
        all.set("endpoint", &self.endpoint);
        let store = open(&Location::parse("s3://bucket/").unwrap(), all, &Environment::default()).unwrap();
        Object { store, key: key.into(), uri: format!("s3://bucket/{key}").into() }
    }

    fn heads(&self) -> Vec<String> {
        std::mem::take(&mut self.heads.lock().unwrap())
    }
}

fn answer(stream: TcpStream, heads: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line.to_ascii_lowercase().replace('\r', ""));
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).unwrap();
        let first = head.lines().next().unwrap_or_default().to_owned();
        let body = if first.starts_with("post") && first.contains("?uploads") {
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
        } else if first.starts_with("post") && first.contains("uploadid=") {
            "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"
        } else if head.contains("x-amz-copy-source:") {
            "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>"
        } else if first.contains("list-type=2") {
            "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
        } else if first.starts_with("post") && first.contains("?delete") {
            "<DeleteResult></DeleteResult>"
        } else if first.starts_with("get") {
            "body"
        } else {
            ""
        };
        heads.lock().unwrap().push(head);
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: \"e\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n{}",
            body.len(),
            body
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Keys that `object_store` can spell, and one that only our own requests can.
const KEYS: [&str; 2] = ["a/b", "a//b"];

/// Everything that can be done with an object and is not a delete.
async fn use_it(recorder: &Recorder, options: &[(&str, &str)]) -> Vec<String> {
    let silent = Progress::silent();
    for key in KEYS {
        let object = recorder.object(key, options);
        longshore_engine::put(&object, "body".into(), &silent).await.unwrap();
        longshore_engine::get(object.clone(), &Memory, &silent).await.unwrap();
        longshore_engine::head(&object).await.unwrap();
        longshore_engine::copy(&object, &recorder.object("copy", options)).await.unwrap();
    }
    let large = recorder.object("large", options);
    longshore_engine::put(&large, vec![0; 65 << 20].into(), &silent).await.unwrap();
    recorder.heads()
}

fn begins(head: &str) -> bool {
    (head.starts_with("put") && !head.contains("partnumber=")) || head.contains("?uploads")
}

#[tokio::test]
async fn every_write_says_how_it_is_encrypted_and_nothing_else_does() {
    let recorder = Recorder::start();
    let options = [("sse_kms_key_id", "arn:aws:kms:key"), ("sse_bucket_key_enabled", "true")];
    let heads = use_it(&recorder, &options).await;
    assert!(heads.iter().filter(|head| begins(head)).count() >= 5, "{heads:?}");
    for head in &heads {
        let lines = [
            "x-amz-server-side-encryption: aws:kms\n",
            "x-amz-server-side-encryption-aws-kms-key-id: arn:aws:kms:key\n",
            "x-amz-server-side-encryption-bucket-key-enabled: true\n",
        ];
        for line in lines {
            assert_eq!(head.contains(line), begins(head), "{line}{head}");
        }
        assert!(!begins(head) || head.contains("x-amz-server-side-encryption;"), "not signed: {head}");
    }
}

#[tokio::test]
async fn every_request_about_an_object_brings_the_customers_key_along() {
    let recorder = Recorder::start();
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let heads = use_it(&recorder, &[("sse_customer_key_base64", key)]).await;
    let (key, digest) = (key.to_ascii_lowercase(), "KYvwGXoFFJ42a2u2GDWhwQ==".to_ascii_lowercase());
    let mut copies = 0;
    for head in &heads {
        // Completing an upload is about its parts, which are encrypted already.
        let completes = head.starts_with("post") && head.contains("uploadid=");
        let lines = [
            "customer-algorithm: aes256\n".to_owned(),
            format!("customer-key: {key}\n"),
            format!("customer-key-md5: {digest}\n"),
        ];
        for line in &lines {
            let has = head.contains(&format!("x-amz-server-side-encryption-{line}"));
            assert!(has || completes, "{line}{head}");
            if head.contains("x-amz-copy-source:") {
                copies += 1;
                assert!(head.contains(&format!("x-amz-copy-source-server-side-encryption-{line}")), "{line}{head}");
            }
        }
    }
    assert_eq!(copies, 2 * 3, "{heads:?}");
}

#[tokio::test]
async fn every_request_says_that_the_requester_pays() {
    let recorder = Recorder::start();
    let options = [("request_payer", "requester")];
    let mut heads = use_it(&recorder, &options).await;
    let (object, context) = (recorder.object("a//b", &options), Context::new("list", "s3://bucket/"));
    let silent = Progress::silent();
    longshore_engine::list(&object.store, "", &context, &silent).await.unwrap();
    longshore_engine::delete_object(&object).await.unwrap();
    longshore_engine::delete_keys(&object.store, vec!["a".into(), "b".into()], &context, &silent).await.unwrap();
    heads.extend(recorder.heads());
    assert!(heads.len() >= 16, "{}", heads.len());
    for head in &heads {
        assert!(head.contains("x-amz-request-payer: requester\n"), "{head}");
    }
}

#[tokio::test]
async fn a_checksum_travels_with_the_body() {
    let recorder = Recorder::start();
    let silent = Progress::silent();
    // Python: base64.b64encode(hashlib.sha256(b"body").digest()).
    for (algorithm, header) in [
        ("sha256", "x-amz-checksum-sha256: Iw2DWNyOiJC0xY3utikS7i8gNXrpKlzIYbmOaP4xrLU=\n"),
        ("crc64nvme", "x-amz-checksum-crc64nvme: "),
    ] {
        for key in KEYS {
            let object = recorder.object(key, &[("checksum_algorithm", algorithm)]);
            longshore_engine::put(&object, "body".into(), &silent).await.unwrap();
            let heads = recorder.heads();
            assert!(heads[0].contains(&header.to_ascii_lowercase()), "{heads:?}");
        }
    }
}

#[tokio::test]
async fn a_bucket_in_the_host_name_is_there_for_every_request() {
    let recorder = Recorder::start();
    let endpoint = recorder.endpoint.replace("127.0.0.1", "localhost");
    let silent = Progress::silent();
    for key in KEYS {
        let mut object = recorder.object(key, &[]);
        let options = [
            ("access_key_id", "k"),
            ("secret_access_key", "s"),
            ("endpoint", &*endpoint),
            ("addressing_style", "virtual"),
        ];
        let location = Location::parse("s3://bucket/").unwrap();
        object.store = open(&location, options.into_iter().collect(), &Environment::default()).unwrap();
        longshore_engine::put(&object, "body".into(), &silent).await.unwrap();
        let heads = recorder.heads();
        assert!(
            heads[0].starts_with(&format!("put /{key} ")) && heads[0].contains("host: bucket.localhost"),
            "{heads:?}"
        );
    }
}
