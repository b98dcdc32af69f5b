//! Answers that never end, or say that they will be longer than any.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use longshore_engine::{Error, ErrorKind, Progress, delete_object, list};

use crate::scripted::Place;

/// A server that begins every answer like this, and goes on for as long as anybody listens.
fn server(status: &'static str, length: Option<u64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || go_on(&stream, status, length));
        }
    });
    format!("http://{address}")
}

fn go_on(mut stream: &TcpStream, status: &str, length: Option<u64>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        line.clear();
    }
    let length = length.map(|length| format!("Content-Length: {length}\r\n")).unwrap_or_default();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nConnection: close\r\n{length}\r\n");
    let begun = stream.write_all(format!("{head}<Error><Code>Odd</Code><Message>words</Message><Rest>").as_bytes());
    let more = vec![b'x'; 1 << 20];
    while begun.is_ok() && stream.write_all(&more).is_ok() {}
}

fn places(endpoint: &str) -> [Place; 3] {
    [
        Place::new(
            "s3://b",
            &[("endpoint", endpoint), ("access_key_id", "k"), ("secret_access_key", "s"), ("region", "us-east-1")],
        ),
        Place::new("gs://b", &[("endpoint", endpoint), ("bearer_token", "t")]),
        Place::new("az://c", &[("endpoint", &format!("{endpoint}/acc")), ("account_key", "a2V5")]),
    ]
}

async fn soon<T>(attempt: impl Future<Output = Result<T, Error>>) -> Error {
    let ended = tokio::time::timeout(Duration::from_secs(30), attempt).await.expect("it is read without end");
    ended.err().expect("it is no answer")
}

async fn listed(place: &Place) -> Error {
    soon(list(&place.store, "", &place.context("list"), &Progress::silent())).await
}

#[tokio::test]
async fn a_page_without_end_is_an_error_and_does_not_fill_the_memory() {
    for place in places(&server("200 OK", None)) {
        let error = listed(&place).await;
        assert!(error.to_string().contains("more than 67108864 bytes"), "{error}");
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Generic, 1), "{error}");
    }
}

#[tokio::test]
async fn the_beginning_of_an_error_is_enough() {
    for place in places(&server("403 Forbidden", None)) {
        for error in [listed(&place).await, soon(delete_object(&place.object("k"))).await] {
            assert_eq!((error.kind(), error.status()), (ErrorKind::PermissionDenied, Some(403)), "{error}");
        }
    }
}

#[tokio::test]
async fn a_folder_of_a_web_server_that_says_it_takes_a_gigabyte_is_not_read() {
    let place = Place::new(&server("207 Multi-Status", Some(1 << 30)), &[]);
    let error = listed(&place).await;
    assert!(error.to_string().contains("more than 536870912 bytes"), "{error}");
}
