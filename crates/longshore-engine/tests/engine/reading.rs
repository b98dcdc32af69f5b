use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_engine::{Discard, ErrorKind, Limits, Memory, Progress, get, get_many, put_many};
use longshore_gateway::{FaultAction, FaultRule};

use crate::place::{everywhere, s3};

fn on_get(action: FaultAction) -> FaultRule {
    FaultRule { method: Some("GET".into()), ..FaultRule::new(action) }
}

#[tokio::test]
async fn objects_come_in_the_order_asked_for_repeats_included() {
    for place in everywhere().await {
        place.fill(&["a", "b", "c"]).await;
        let bodies = place.read(&["c", "a", "c", "b"]).await.unwrap();
        assert_eq!(bodies, [b"c", b"a", b"c", b"b"], "{}", place.base);
        assert!(place.read::<&str>(&[]).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_missing_object_names_its_uri() {
    for place in everywhere().await {
        place.fill(&["a"]).await;
        let error = place.read(&["a", "missing", "a"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert_eq!(error.uri(), format!("{}missing", place.base));
    }
}

#[tokio::test]
async fn an_object_is_read_with_one_request() {
    let place = s3().await;
    place.fill(&["a", "b"]).await;
    place.server().reset_stats();
    place.read(&["a", "b", "a"]).await.unwrap();
    let stats = place.server().stats();
    assert_eq!((stats.operation("GetObject"), stats.operation("HeadObject"), stats.requests), (3, 0, 3));
}

#[tokio::test]
async fn a_cut_body_resumes_at_the_first_missing_byte() {
    let place = s3().await;
    let body: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    // The second key cannot be spelt in `object_store`'s paths and goes through our own requests.
    for name in ["big", "odd//big"] {
        let source = Arc::new(vec![body.clone().into()]);
        put_many(place.objects(&[name]), source, Limits::default(), &Progress::silent()).await.unwrap();
        let fault = place
            .server()
            .faults()
            .add(FaultRule { times: Some(2), ..on_get(FaultAction::CutBody { after: 1_000_001 }) });
        let progress = Progress::silent();
        assert!(get(place.object(name), &Memory, &progress).await.unwrap() == body, "{name} differs");
        assert_eq!(place.server().faults().hits(fault), 2);
        assert_eq!(progress.bytes(), body.len() as u64);
        place.server().faults().clear();
    }
}

#[tokio::test]
async fn a_stalled_body_ends_in_a_timeout() {
    let place = s3().await;
    place.fill(&["a"]).await;
    place.server().faults().add(on_get(FaultAction::Stall { after: 0 }));
    let started = Instant::now();
    let error = get(place.object("a"), &Memory, &Progress::silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(started.elapsed() < Duration::from_secs(10), "took {:?}", started.elapsed());
}

#[tokio::test]
async fn a_server_error_is_repeated_and_then_reported_with_what_the_server_said() {
    let place = s3().await;
    place.fill(&["a", "odd//a"]).await;
    for name in ["a", "odd//a"] {
        let slow = FaultAction::Status { code: 503, error: "SlowDown".into(), headers: Vec::new() };
        let passing = place.server().faults().add(FaultRule { times: Some(2), ..on_get(slow.clone()) });
        assert_eq!(get(place.object(name), &Memory, &Progress::silent()).await.unwrap(), name.as_bytes());
        assert_eq!(place.server().faults().hits(passing), 2);

        place.server().faults().add(on_get(slow));
        let error = get(place.object(name), &Memory, &Progress::silent()).await.unwrap_err();
        assert_eq!((error.status(), error.code(), error.attempts()), (Some(503), Some("SlowDown"), 4), "{error}");
        assert!(error.request_id().is_some(), "{error}");
        place.server().faults().clear();
    }
}

#[tokio::test]
async fn a_closed_port_is_a_connection_error_that_says_so() {
    let mut place = s3().await;
    let object = place.object("a");
    drop(place.gateway.take());
    let error = get(object, &Memory, &Progress::silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(error.to_string().contains("could not connect to http://127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn one_connection_pool_serves_all_buckets_of_a_server() {
    let place = s3().await;
    place.fill(&["a"]).await;
    let other = place.store_of("s3://second/");
    let context = longshore_engine::Context::new("create_bucket", "s3://second");
    longshore_engine::create_bucket(&other, "", &context).await.unwrap();
    for _ in 0..20 {
        place.read(&["a"]).await.unwrap();
        longshore_engine::list(&other, "", &context, &Progress::silent()).await.unwrap();
    }
    let connections = place.server().stats().connections;
    assert!(connections <= 2, "{connections} connections for one request at a time");
}

#[tokio::test]
async fn discarded_bodies_are_counted() {
    for place in everywhere().await {
        place.fill(&["one", "three"]).await;
        let objects = place.objects(&["one", "three", "one"]);
        let sizes = get_many(objects, Limits::default(), Arc::new(Discard), &Progress::silent()).await.unwrap();
        assert_eq!(sizes, [3, 5, 3]);
    }
}

#[tokio::test]
async fn bodies_wait_for_the_byte_budget() {
    let place = s3().await;
    let names: Vec<String> = (0..8).map(|i| format!("{i}")).collect();
    let bodies = Arc::new(vec![bytes::Bytes::from(vec![7; 1 << 20]); 8]);
    put_many(place.objects(&names), bodies, Limits::default(), &Progress::silent()).await.unwrap();
    let limits = Limits { in_flight: 8, memory: 1 << 20 };
    let read = get_many(place.objects(&names), limits, Arc::new(Memory), &Progress::silent()).await.unwrap();
    assert_eq!(read.iter().map(Vec::len).sum::<usize>(), 8 << 20);
}
