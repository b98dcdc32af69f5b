//! Every scripted fault, seen from the wire; each beside what the same request gets without it.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use longshore_gateway::{FaultAction, FaultRule, Gateway};

use crate::open_gateway;
use crate::wire::{connect, get, put, receive, request, send};

/// A gateway with one object of 100,000 bytes, no two neighbours alike.
fn with_object() -> (Gateway, Vec<u8>) {
    let gateway = open_gateway();
    let body: Vec<u8> = (0..100_000_u32).map(|index| (index % 251) as u8).collect();
    assert_eq!(put(&gateway, "/bucket/key", &body).status, 200);
    assert_eq!(get(&gateway, "/bucket/key").body, body);
    (gateway, body)
}

/// A rule for one GET.
fn once(action: FaultAction) -> FaultRule {
    FaultRule { method: Some("GET".to_owned()), times: Some(1), ..FaultRule::new(action) }
}

#[test]
fn latency_delays_the_answer_and_changes_nothing() {
    let (gateway, body) = with_object();
    gateway.faults().add(once(FaultAction::Latency(Duration::from_millis(300))));
    let started = Instant::now();
    assert_eq!(get(&gateway, "/bucket/key").body, body);
    assert!(started.elapsed() >= Duration::from_millis(300));
    let started = Instant::now();
    assert_eq!(get(&gateway, "/bucket/key").body, body);
    assert!(started.elapsed() < Duration::from_millis(300));
}

#[test]
fn a_status_is_a_proper_s3_error_and_the_operation_is_not_carried_out() {
    let (gateway, body) = with_object();
    let id = gateway.faults().add(FaultRule {
        method: Some("PUT".to_owned()),
        times: Some(1),
        ..FaultRule::new(FaultAction::Status {
            code: 503,
            error: "SlowDown".to_owned(),
            headers: vec![("Retry-After".to_owned(), "7".to_owned())],
        })
    });
    let answer = put(&gateway, "/bucket/key", b"new");
    assert_eq!((answer.status, answer.code().as_str(), answer.header("retry-after")), (503, "SlowDown", Some("7")));
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains(&format!("<RequestId>{}</RequestId>", answer.header("x-amz-request-id").unwrap())), "{text}");
    assert_eq!(get(&gateway, "/bucket/key").body, body);
    assert_eq!(gateway.faults().hits(id), 1);
}

#[test]
fn a_reply_is_answered_word_for_word_with_a_request_id() {
    let (gateway, body) = with_object();
    let text = "<DeleteResult><Error><Key>key</Key><Code>AccessDenied</Code></Error></DeleteResult>";
    gateway.faults().add(FaultRule {
        query_contains: Some("delete".to_owned()),
        ..FaultRule::new(FaultAction::Reply { code: 200, headers: Vec::new(), body: text.to_owned() })
    });
    let batch = b"<Delete><Object><Key>key</Key></Object></Delete>";
    let answer = request(&gateway, "POST", "/bucket?delete", &[], batch).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, text.as_bytes()));
    assert!(answer.header("x-amz-request-id").is_some());
    assert_eq!(get(&gateway, "/bucket/key").body, body);
}

#[test]
fn a_connection_goes_on_after_a_refused_upload() {
    let gateway = open_gateway();
    let slow = FaultAction::Status { code: 503, error: "SlowDown".to_owned(), headers: Vec::new() };
    gateway.faults().add(FaultRule { times: Some(1), ..FaultRule::new(slow) });
    let mut stream = connect(&gateway);
    let body = vec![7; 3 << 20];
    for expected in [503, 200] {
        send(&mut stream, "PUT", "/bucket/key", &[], &body);
        assert_eq!(receive(&mut stream, false).unwrap().status, expected);
    }
}

#[test]
fn a_cut_body_promises_all_and_ends_after_exactly_so_many_bytes() {
    let (gateway, body) = with_object();
    for after in [0, 1, 50_000, 99_999] {
        gateway.faults().add(once(FaultAction::CutBody { after }));
        let answer = get(&gateway, "/bucket/key");
        let after = usize::try_from(after).unwrap();
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("100000")));
        assert_eq!((answer.body.as_slice(), answer.missing), (&body[..after], 100_000 - after));
    }
    assert_eq!(get(&gateway, "/bucket/key").body, body);
}

#[test]
fn a_cut_ends_the_connection_and_a_stall_keeps_it_open() {
    let (gateway, body) = with_object();
    for (action, expected) in
        [(FaultAction::CutBody { after: 10 }, None), (FaultAction::Stall { after: 10 }, Some(ErrorKind::WouldBlock))]
    {
        gateway.faults().add(once(action));
        let mut stream = connect(&gateway);
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        send(&mut stream, "GET", "/bucket/key", &[], b"");
        let answer = receive(&mut stream, false).unwrap();
        assert_eq!(answer.body, body[..10]);
        let next = std::io::Read::read(&mut stream, &mut [0]);
        assert_eq!(
            next.as_ref().err().map(|error| error.kind()).filter(|kind| *kind != ErrorKind::ConnectionReset),
            expected
        );
    }
}

#[test]
fn a_closed_connection_has_no_answer_and_no_effect() {
    let (gateway, body) = with_object();
    gateway.faults().add(FaultRule { times: Some(1), ..FaultRule::new(FaultAction::CloseConnection) });
    assert!(request(&gateway, "PUT", "/bucket/key", &[], b"new").is_err());
    assert_eq!(get(&gateway, "/bucket/key").body, body);
}

#[test]
fn a_lost_answer_has_its_effect() {
    let (gateway, _) = with_object();
    gateway.faults().add(FaultRule { times: Some(1), ..FaultRule::new(FaultAction::LoseAnswer) });
    assert!(request(&gateway, "PUT", "/bucket/key", &[], b"new").is_err());
    assert_eq!(get(&gateway, "/bucket/key").body, b"new");
}

#[test]
fn a_short_body_declares_its_short_length() {
    let (gateway, body) = with_object();
    gateway.faults().add(once(FaultAction::ShortBody { length: 10 }));
    let answer = get(&gateway, "/bucket/key");
    assert_eq!((answer.header("content-length"), answer.missing), (Some("10"), 0));
    assert_eq!(answer.body, body[..10]);
}

#[test]
fn a_corrupt_body_differs_in_one_byte() {
    let (gateway, body) = with_object();
    gateway.faults().add(once(FaultAction::Corrupt { at: 70_000 }));
    let answer = get(&gateway, "/bucket/key");
    let different: Vec<usize> = (0..body.len()).filter(|index| answer.body[*index] != body[*index]).collect();
    assert_eq!(different, [70_000]);
}

#[test]
fn rules_come_and_go_while_the_server_runs() {
    let (gateway, body) = with_object();
    gateway.faults().add(FaultRule {
        path_contains: Some("key".to_owned()),
        ..FaultRule::new(FaultAction::Status { code: 500, error: "InternalError".to_owned(), headers: Vec::new() })
    });
    assert_eq!(get(&gateway, "/bucket/key").status, 500);
    assert_eq!(get(&gateway, "/bucket/other").status, 404);
    assert_eq!(request(&gateway, "HEAD", "/bucket/key", &[], b"").unwrap().status, 500);
    gateway.faults().clear();
    assert_eq!(get(&gateway, "/bucket/key").body, body);
}

#[test]
fn faulted_requests_are_counted_by_method_and_not_by_operation() {
    let (gateway, _) = with_object();
    gateway.reset_stats();
    gateway.faults().add(once(FaultAction::Status {
        code: 500,
        error: "InternalError".to_owned(),
        headers: Vec::new(),
    }));
    get(&gateway, "/bucket/key");
    get(&gateway, "/bucket/key");
    let stats = gateway.stats();
    assert_eq!((stats.method("GET"), stats.operation("GetObject"), stats.requests, stats.connections), (2, 1, 2, 2));
    assert_eq!(stats.statuses.into_iter().collect::<Vec<_>>(), [(200, 1), (500, 1)]);
}
