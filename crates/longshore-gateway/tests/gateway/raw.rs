//! Answers as they are on the wire: codes, headers, connections.

use std::collections::HashSet;
use std::io::Write;

use longshore_gateway::Gateway;

use crate::open_gateway;
use crate::wire::{connect, get, put, receive, request, send};

#[test]
fn an_unsigned_request_is_refused_unless_everybody_is_let_in() {
    let gateway = Gateway::builder().credentials("k", "s").start().unwrap();
    let answer = get(&gateway, "/");
    assert_eq!((answer.status, answer.code().as_str()), (403, "AccessDenied"));
    assert_eq!(get(&open_gateway(), "/").status, 200);
}

#[test]
fn a_bad_signature_is_refused_even_where_none_is_needed() {
    let gateway = Gateway::builder().credentials("k", "s").anonymous().start().unwrap();
    let url = "/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host";
    let signature = "0".repeat(64);
    let expired = get(
        &gateway,
        &format!("{url}&X-Amz-Credential=k%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature={signature}"),
    );
    assert_eq!((expired.status, expired.code().as_str()), (403, "AccessDenied"));
    assert!(String::from_utf8_lossy(&expired.body).contains("Request has expired"));
}

#[test]
fn every_answer_has_a_request_id_of_its_own() {
    let gateway = open_gateway();
    let targets = ["/bucket", "/bucket/none", "/none/none", "/", "/bucket?list-type=2", "/Invalid_Bucket/x"];
    let ids: HashSet<String> = targets
        .iter()
        .map(|target| get(&gateway, target).header("x-amz-request-id").expect("an id").to_owned())
        .collect();
    assert_eq!(ids.len(), targets.len());
}

#[test]
fn one_connection_carries_many_requests_through_errors_of_all_kinds() {
    let gateway = open_gateway();
    gateway.reset_stats();
    let mut stream = connect(&gateway);
    let large = vec![1; 2 << 20];
    for (method, target, body, expected) in [
        ("PUT", "/bucket/key", large.as_slice(), 200),
        ("PUT", "/missing/key", large.as_slice(), 404),
        ("GET", "/bucket/none", b"".as_slice(), 404),
        ("HEAD", "/bucket/none", b"".as_slice(), 404),
        ("HEAD", "/bucket/key", b"".as_slice(), 200),
        ("DELETE", "/bucket/key", b"".as_slice(), 204),
        ("POST", "/bucket?delete", b"no xml".as_slice(), 400),
        ("GET", "/bucket?list-type=2", b"".as_slice(), 200),
    ] {
        send(&mut stream, method, target, &[], body);
        assert_eq!(receive(&mut stream, method == "HEAD").unwrap().status, expected, "{method} {target}");
    }
    assert_eq!(gateway.stats().connections, 1);
}

#[test]
fn a_client_that_waits_for_permission_is_told_to_go_on_or_is_refused() {
    let gateway = open_gateway();
    let headers = [("Expect", "100-continue"), ("Content-Length", "4")];
    let mut stream = connect(&gateway);
    send(&mut stream, "PUT", "/bucket/key", &headers, b"");
    assert_eq!(receive(&mut stream, false).unwrap().status, 100);
    stream.write_all(b"body").unwrap();
    assert_eq!(receive(&mut stream, false).unwrap().status, 200);
    send(&mut stream, "PUT", "/missing/key", &headers, b"");
    let refused = receive(&mut stream, false).unwrap();
    assert_eq!((refused.status, refused.header("connection")), (404, Some("close")));
}

#[test]
fn ranges_take_every_form_and_an_unreadable_one_is_ignored() {
    let gateway = open_gateway();
    put(&gateway, "/bucket/key", b"0123456789");
    for (range, status, body, content_range) in [
        ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
        ("bytes=7-", 206, "789", Some("bytes 7-9/10")),
        ("bytes=-3", 206, "789", Some("bytes 7-9/10")),
        ("bytes=-30", 206, "0123456789", Some("bytes 0-9/10")),
        ("bytes=8-100", 206, "89", Some("bytes 8-9/10")),
        ("bytes=4-2", 200, "0123456789", None),
        ("bytes=0-1,4-5", 200, "0123456789", None),
        ("chapters=1-2", 200, "0123456789", None),
    ] {
        let answer = request(&gateway, "GET", "/bucket/key", &[("Range", range)], b"").unwrap();
        assert_eq!((answer.status, answer.header("content-range")), (status, content_range), "{range}");
        assert_eq!(answer.body, body.as_bytes(), "{range}");
    }
    for range in ["bytes=10-", "bytes=100-200", "bytes=-0"] {
        let answer = request(&gateway, "GET", "/bucket/key", &[("Range", range)], b"").unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (416, "InvalidRange"), "{range}");
        assert_eq!(answer.header("content-range"), Some("bytes */10"), "{range}");
    }
}

#[test]
fn checksums_come_with_whole_answers_only() {
    let gateway = open_gateway();
    let crc = ("x-amz-checksum-crc32", "NhCmhg==");
    assert_eq!(request(&gateway, "PUT", "/bucket/key", &[crc], b"hello").unwrap().status, 200);
    assert_eq!(request(&gateway, "PUT", "/bucket/other", &[crc], b"hullo").unwrap().code(), "BadDigest");
    assert_eq!(get(&gateway, "/bucket/other").status, 404);
    let mode = ("x-amz-checksum-mode", "ENABLED");
    let whole = request(&gateway, "GET", "/bucket/key", &[mode], b"").unwrap();
    assert_eq!(whole.header(crc.0), Some(crc.1));
    let part = request(&gateway, "GET", "/bucket/key", &[mode, ("Range", "bytes=0-1")], b"").unwrap();
    assert_eq!((part.status, part.header(crc.0)), (206, None));
    assert_eq!(get(&gateway, "/bucket/key").header(crc.0), None);
}

#[test]
fn an_object_that_did_not_change_is_answered_without_a_body_but_with_its_etag() {
    let gateway = open_gateway();
    let etag = put(&gateway, "/bucket/key", b"body").header("etag").unwrap().to_owned();
    let answer = request(&gateway, "GET", "/bucket/key", &[("If-None-Match", &etag)], b"").unwrap();
    assert_eq!((answer.status, answer.header("etag")), (304, Some(etag.as_str())));
    let answer = request(&gateway, "GET", "/bucket/key", &[("If-Match", "\"other\"")], b"").unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (412, "PreconditionFailed"));
}

#[test]
fn a_copy_may_be_for_a_new_key_only() {
    let gateway = open_gateway();
    put(&gateway, "/bucket/key", b"body");
    let headers = [("x-amz-copy-source", "/bucket/key"), ("If-None-Match", "*")];
    assert_eq!(request(&gateway, "PUT", "/bucket/copy", &headers, b"").unwrap().status, 200);
    assert_eq!(request(&gateway, "PUT", "/bucket/copy", &headers, b"").unwrap().code(), "PreconditionFailed");
    assert_eq!(get(&gateway, "/bucket/copy").body, b"body");
}

#[test]
fn an_upload_that_breaks_off_writes_nothing() {
    let gateway = open_gateway();
    for length in ["1000", "20000000"] {
        let mut stream = connect(&gateway);
        send(&mut stream, "PUT", "/bucket/key", &[("Content-Length", length)], b"only this");
        drop(stream);
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(get(&gateway, "/bucket/key").status, 404);
}

#[test]
fn the_location_of_a_bucket_is_its_region() {
    let gateway = Gateway::builder().anonymous().region("eu-west-3").start().unwrap();
    put(&gateway, "/bucket", b"");
    let text = String::from_utf8(get(&gateway, "/bucket?location").body).unwrap();
    assert!(
        text.contains(">eu-west-3</LocationConstraint>") && text.matches("<LocationConstraint").count() == 1,
        "{text}"
    );
}

#[test]
fn a_large_listing_comes_in_pages_that_join_to_the_whole() {
    let gateway = open_gateway();
    let mut stream = connect(&gateway);
    for index in 0..2500 {
        send(&mut stream, "PUT", &format!("/bucket/k{index:04}"), &[], b"");
        assert_eq!(receive(&mut stream, false).unwrap().status, 200);
    }
    let (mut keys, mut token) = (Vec::new(), String::new());
    loop {
        let text = String::from_utf8(get(&gateway, &format!("/bucket?list-type=2{token}")).body).unwrap();
        keys.extend(text.split("<Key>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()));
        match text.split("<NextContinuationToken>").nth(1) {
            Some(rest) => token = format!("&continuation-token={}", rest.split('<').next().unwrap()),
            None => break,
        }
        // What is deleted between pages does not upset the pages after it.
        request(&gateway, "DELETE", "/bucket/k2400", &[], b"").unwrap();
    }
    let expected: Vec<String> = (0..2500).filter(|index| *index != 2400).map(|index| format!("k{index:04}")).collect();
    assert_eq!(keys, expected);
}
