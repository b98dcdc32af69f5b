use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use longshore_engine::{Cleanup, ErrorKind, Limits, Memory, Progress, get, put, put_many};
use longshore_formats::{DataOptions, Generator, ObjectType};
use longshore_gateway::{FaultAction, FaultRule};

use crate::place::{everywhere, memory, s3};

#[tokio::test]
async fn generated_objects_arrive_as_they_were_made() {
    for place in everywhere().await {
        let generator = Generator::new(ObjectType::Npz, 100_000, DataOptions::default()).unwrap();
        let objects = place.objects(&["0", "1", "2"]);
        put_many(objects, Arc::new(generator.clone()), Limits::in_flight(2), &Progress::silent(), &Cleanup::default())
            .await
            .unwrap();
        let expected: Vec<_> = (0..3).map(|index| generator.generate(index).to_vec()).collect();
        assert!(place.read(&["0", "1", "2"]).await.unwrap() == expected, "{}", place.base);
    }
}

#[tokio::test]
async fn a_large_object_is_sent_in_parts() {
    for place in everywhere().await {
        let body: Bytes = (0..70 << 18u32).flat_map(u32::to_le_bytes).collect();
        let progress = Progress::silent();
        put(&place.object("large"), body.clone(), &progress).await.unwrap();
        assert_eq!(progress.bytes(), body.len() as u64);
        let read = get(place.object("large"), &Memory, &Progress::silent()).await.unwrap();
        assert!(read == body, "{}", place.base);
        if let Some(server) = &place.gateway {
            assert_eq!(server.stats().operation("UploadPart"), 5);
            assert_eq!(server.stats().operation("CompleteMultipartUpload"), 1);
        }
    }
}

#[tokio::test]
async fn an_upload_that_fails_leaves_no_parts_behind() {
    let place = s3().await;
    let refused = FaultAction::Status { code: 403, error: "AccessDenied".into(), headers: Vec::new() };
    place.server().faults().add(FaultRule { query_contains: Some("partNumber=3".into()), ..FaultRule::new(refused) });
    let body = Bytes::from(vec![1; 70 << 20]);
    let error = put(&place.object("large"), body, &Progress::silent()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::PermissionDenied, Some(403)), "{error}");
    for _ in 0..100 {
        if place.server().stats().operation("AbortMultipartUpload") == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the upload was not aborted: {:?}", place.server().stats());
}

#[tokio::test]
async fn a_missing_bucket_is_not_found() {
    let place = s3().await;
    let mut object = place.object("a");
    object.store = place.store_of("s3://other/");
    let error = put(&object, Bytes::new(), &Progress::silent()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some("NoSuchBucket")));
}

#[tokio::test]
async fn the_last_event_has_the_totals() {
    let place = s3().await;
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let progress = Progress::to(move |event| heard.lock().unwrap().push(event));
    let bodies = Arc::new(vec![Bytes::from_static(b"12345"); 50]);
    let names: Vec<String> = (0..50).map(|i| i.to_string()).collect();
    put_many(place.objects(&names), bodies, Limits::default(), &progress, &Cleanup::default()).await.unwrap();
    let events = events.lock().unwrap();
    let last = events.last().unwrap();
    assert_eq!((last.objects, last.total, last.bytes, last.finished), (50, Some(50), 250, true));
    assert_eq!(events.iter().filter(|event| event.finished).count(), 1);
}

#[tokio::test]
async fn a_key_that_a_store_cannot_hold_is_refused_with_a_reason() {
    let place = memory();
    let error = put(&place.object("a//b"), Bytes::new(), &Progress::silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidPath, "{error}");
}
