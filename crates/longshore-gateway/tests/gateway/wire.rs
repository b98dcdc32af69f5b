//! HTTP by hand: one request, one answer, exactly as the bytes say.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use longshore_gateway::Gateway;

/// An answer, and how its connection ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Bytes that were promised and did not come.
    pub(crate) missing: usize,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    }

    /// The S3 error code of the body.
    pub(crate) fn code(&self) -> String {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        text.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next()).unwrap_or_default().to_owned()
    }
}

/// A connection that gives up on a silent server after two seconds.
pub(crate) fn connect(gateway: &Gateway) -> TcpStream {
    let stream = TcpStream::connect(gateway.address()).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(2))).expect("the socket takes a timeout");
    stream
}

/// Sends a request on a connection.
pub(crate) fn send(stream: &mut TcpStream, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes).expect("the server reads");
}

/// Reads one answer. An error is a connection that ended, or stayed silent, before the headers were whole.
pub(crate) fn receive(stream: &mut TcpStream, is_head: bool) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let mut answer = Answer { status, head, body: Vec::new(), missing: 0 };
    let bodiless = is_head || status == 304 || status == 204;
    let length: usize =
        answer.header("content-length").filter(|_| !bodiless).map_or(0, |text| text.parse().unwrap_or(0));
    let mut chunk = vec![0; 1 << 16];
    while answer.body.len() < length {
        let wanted = chunk.len().min(length - answer.body.len());
        match stream.read(&mut chunk[..wanted]) {
            Ok(count) if count > 0 => answer.body.extend_from_slice(&chunk[..count]),
            _ => break,
        }
    }
    answer.missing = length - answer.body.len();
    Ok(answer)
}

/// A request on a connection of its own.
pub(crate) fn request(
    gateway: &Gateway,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = connect(gateway);
    send(&mut stream, method, target, headers, body);
    receive(&mut stream, method == "HEAD")
}

/// A GET that is answered.
pub(crate) fn get(gateway: &Gateway, target: &str) -> Answer {
    request(gateway, "GET", target, &[], b"").expect("it answers")
}

/// A PUT that is answered.
pub(crate) fn put(gateway: &Gateway, target: &str, body: &[u8]) -> Answer {
    request(gateway, "PUT", target, &[], body).expect("it answers")
}
