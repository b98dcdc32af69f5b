use std::fs;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use longshore_engine::{
    ErrorKind, Memory, Progress, TransferOptions, exists, get, upload, upload_reader, upload_stream,
};
use longshore_gateway::{FaultAction, FaultRule};
use tempfile::{TempDir, tempdir};

use crate::place::{Place, everywhere, noise, s3, s3_that_remembers};

const MIB: usize = 1 << 20;
/// The smallest that S3 allows.
const PART: usize = 5 * MIB;

fn options() -> TransferOptions {
    TransferOptions { part_bytes: PART as u64, ..TransferOptions::default() }
}

fn resuming() -> TransferOptions {
    TransferOptions { resume: true, ..options() }
}

fn file(size: usize) -> (TempDir, PathBuf, Vec<u8>) {
    let (folder, body) = (tempdir().unwrap(), noise(size));
    let path = folder.path().join("file");
    fs::write(&path, &body).unwrap();
    (folder, path, body)
}

fn on_part(action: FaultAction) -> FaultRule {
    FaultRule { method: Some("PUT".into()), query_contains: Some("partNumber".into()), ..FaultRule::new(action) }
}

fn refused() -> FaultAction {
    FaultAction::Status { code: 403, error: "AccessDenied".into(), headers: Vec::new() }
}

async fn read(place: &Place, name: &str) -> Vec<u8> {
    get(place.object(name), &Memory, &Progress::silent()).await.unwrap()
}

#[tokio::test]
async fn an_object_is_what_the_file_is_whatever_its_size() {
    for place in everywhere().await {
        for size in [0, 1, 3 * MIB, 4 * PART - 1, 4 * PART + 3] {
            let (_folder, path, body) = file(size);
            let progress = Progress::silent();
            let outcome = upload(&path, &place.object("deep/object"), &options(), &progress).await.unwrap();
            assert!(read(&place, "deep/object").await == body, "{size} bytes to {}", place.base);
            assert_eq!((outcome.size, outcome.moved), (Some(size as u64), size as u64), "{}", place.base);
            assert_eq!(progress.bytes(), size as u64, "{}", place.base);
        }
        if let Some(server) = &place.gateway {
            let stats = server.stats();
            assert_eq!((stats.operation("PutObject"), stats.operation("UploadPart")), (4, 5));
            assert_eq!(stats.operation("HeadObject"), 0);
        }
    }
}

#[tokio::test]
async fn odd_keys_are_uploaded_in_parts_too() {
    let place = s3().await;
    let (_folder, path, body) = file(4 * PART + 3);
    upload(&path, &place.object("odd//ob ject+%"), &options(), &Progress::silent()).await.unwrap();
    assert!(read(&place, "odd//ob ject+%").await == body);
}

#[tokio::test]
async fn what_is_no_file_is_not_uploaded() {
    let place = s3().await;
    let folder = tempdir().unwrap();
    for (path, kind) in
        [(folder.path().join("missing"), ErrorKind::NotFound), ("/dev/null".into(), ErrorKind::InvalidPath)]
    {
        let error = upload(&path, &place.object("a"), &options(), &Progress::silent()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().starts_with("copy file:///"), "{error}");
    }
    assert_eq!(place.server().stats().method("PUT"), 1, "the bucket's own, and nothing else");
}

#[tokio::test]
async fn a_file_of_the_kernel_is_read_to_its_end_though_it_says_that_it_is_empty() {
    let place = s3().await;
    upload("/proc/self/status".as_ref(), &place.object("a"), &options(), &Progress::silent()).await.unwrap();
    let text = String::from_utf8(read(&place, "a").await).unwrap();
    assert!(text.starts_with("Name:"), "{text}");
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_an_error_and_no_object() {
    let place = s3().await;
    let (_folder, path, _) = file(6 * PART);
    place.server().faults().add(on_part(FaultAction::Latency(Duration::from_millis(300))));
    let (object, options, progress) = (place.object("object"), options(), Progress::silent());
    let uploading = upload(&path, &object, &options, &progress);
    let changing = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        fs::File::options().write(true).open(&path).unwrap().write_all_at(b"other", 0).unwrap();
    };
    let (outcome, ()) = tokio::join!(uploading, changing);
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
    options.cleanup.wait().await;
    assert!(!exists(&object).await.unwrap());
    let stats = place.server().stats();
    assert_eq!((stats.operation("AbortMultipartUpload"), stats.operation("CompleteMultipartUpload")), (1, 0));
}

#[tokio::test]
async fn an_upload_that_fails_or_is_dropped_is_called_off() {
    for dropped in [false, true] {
        let place = s3().await;
        let (_folder, path, _) = file(6 * PART);
        let action = if dropped { FaultAction::Latency(Duration::from_secs(60)) } else { refused() };
        place.server().faults().add(FaultRule { skip: 2, ..on_part(action) });
        let (object, options, progress) = (place.object("object"), options(), Progress::silent());
        let uploading = upload(&path, &object, &options, &progress);
        match tokio::time::timeout(Duration::from_secs(1), uploading).await {
            Ok(outcome) => assert_eq!(outcome.unwrap_err().kind(), ErrorKind::PermissionDenied),
            Err(_) => assert!(dropped),
        }
        options.cleanup.wait().await;
        assert_eq!(place.server().stats().operation("AbortMultipartUpload"), 1, "dropped: {dropped}");
    }
}

#[tokio::test]
async fn an_upload_that_is_dropped_while_it_begins_is_called_off() {
    let place = s3().await;
    let (_folder, path, _) = file(6 * PART);
    let begin = FaultRule {
        method: Some("POST".into()),
        query_contains: Some("uploads".into()),
        ..FaultRule::new(FaultAction::Latency(Duration::from_millis(400)))
    };
    place.server().faults().add(begin);
    let (object, options, progress) = (place.object("object"), options(), Progress::silent());
    let uploading = upload(&path, &object, &options, &progress);
    tokio::time::timeout(Duration::from_millis(200), uploading).await.unwrap_err();
    options.cleanup.wait().await;
    let stats = place.server().stats();
    assert_eq!((stats.operation("CreateMultipartUpload"), stats.operation("AbortMultipartUpload")), (1, 1));
}

#[tokio::test]
async fn a_failed_upload_is_continued_with_the_parts_that_are_missing_or_differ() {
    for changed in [0, 1] {
        let place = s3().await;
        let (_folder, path, mut body) = file(6 * PART + 7);
        let object = place.object("object");
        let one_by_one = TransferOptions { parts_in_flight: 1, ..resuming() };
        place.server().faults().add(FaultRule { skip: 4, ..on_part(refused()) });
        let error = upload(&path, &object, &one_by_one, &Progress::silent()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(!exists(&object).await.unwrap());

        place.server().faults().clear();
        if changed == 1 {
            body[PART + 1] ^= 1;
            fs::write(&path, &body).unwrap();
        }
        place.server().reset_stats();
        let progress = Progress::silent();
        let outcome = upload(&path, &object, &one_by_one, &progress).await.unwrap();
        let stats = place.server().stats();
        assert_eq!(stats.operation("UploadPart"), 3 + changed);
        assert_eq!((stats.operation("CreateMultipartUpload"), stats.operation("AbortMultipartUpload")), (0, 0));
        assert_eq!(outcome.moved, (2 + changed) * PART as u64 + 7);
        assert_eq!(progress.bytes(), outcome.moved);
        assert!(read(&place, "object").await == body);
    }
}

#[tokio::test]
async fn an_upload_of_another_key_is_none_of_ours() {
    let place = s3().await;
    let (_folder, path, body) = file(5 * PART);
    let one_by_one = TransferOptions { parts_in_flight: 1, ..resuming() };
    for name in ["object2", "object/3"] {
        let rule = place.server().faults().add(FaultRule { skip: 2, ..on_part(refused()) });
        upload(&path, &place.object(name), &one_by_one, &Progress::silent()).await.unwrap_err();
        place.server().faults().remove(rule);
    }
    place.server().reset_stats();
    let outcome = upload(&path, &place.object("object"), &resuming(), &Progress::silent()).await.unwrap();
    assert_eq!((outcome.moved, place.server().stats().operation("CreateMultipartUpload")), (body.len() as u64, 1));
}

#[tokio::test]
async fn a_server_that_dies_and_comes_back_gets_the_rest() {
    let (mut place, memory) = s3_that_remembers().await;
    let (_folder, path, body) = file(7 * PART);
    place.server().faults().add(FaultRule { skip: 3, ..on_part(FaultAction::Latency(Duration::from_secs(60))) });
    let (object, options, progress) = (place.object("object"), options(), Progress::silent());
    let uploading = upload(&path, &object, &options, &progress);
    let restarting = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        place.restart(&memory, Duration::from_millis(100)).await;
    };
    let (outcome, ()) = tokio::join!(uploading, restarting);
    assert_eq!(outcome.unwrap().moved, body.len() as u64);
    assert!(read(&place, "object").await == body);
}

#[tokio::test]
async fn a_completion_whose_answer_is_lost_is_a_completion() {
    let place = s3().await;
    let (_folder, path, body) = file(4 * PART);
    let complete = FaultRule {
        method: Some("POST".into()),
        query_contains: Some("uploadId".into()),
        times: Some(1),
        ..FaultRule::new(FaultAction::LoseAnswer)
    };
    let lost = place.server().faults().add(complete);
    upload(&path, &place.object("object"), &options(), &Progress::silent()).await.unwrap();
    assert_eq!(place.server().faults().hits(lost), 1);
    assert!(read(&place, "object").await == body);
}

#[tokio::test]
async fn a_stream_of_any_length_becomes_an_object() {
    for place in everywhere().await {
        for size in [0, 10, PART, PART + 1, 3 * PART + 7] {
            let body = Bytes::from(noise(size));
            let chunks: Vec<_> =
                (0..size).step_by(700_001).map(|at| Ok(body.slice(at..size.min(at + 700_001)))).collect();
            let (object, chunks) = (place.object("a"), stream::iter(chunks));
            let outcome = upload_stream(chunks, &object, &options(), &Progress::silent()).await.unwrap();
            assert_eq!(outcome.size, Some(size as u64));
            assert!(read(&place, "a").await == body, "{size} bytes to {}", place.base);
            let reader = std::io::Cursor::new(body.clone());
            upload_reader(reader, &place.object("b"), &options(), &Progress::silent()).await.unwrap();
            assert!(read(&place, "b").await == body, "{size} bytes to {}", place.base);
        }
    }
}

#[tokio::test]
async fn a_stream_that_fails_leaves_nothing() {
    for place in everywhere().await {
        for size in [10, 3 * PART] {
            let broken = std::io::Error::other("the source broke");
            let chunks = stream::iter([Ok(Bytes::from(noise(size))), Err(broken)]);
            let options = options();
            let error = upload_stream(chunks, &place.object("a"), &options, &Progress::silent()).await.unwrap_err();
            assert!(error.to_string().contains("the source broke"), "{error}");
            options.cleanup.wait().await;
            assert!(place.names("").await.is_empty(), "{}", place.base);
        }
    }
}

#[tokio::test]
async fn a_reader_that_fails_is_an_error_and_no_short_object() {
    struct Broken(usize);
    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            if self.0 < 4 { Ok(buffer.len().min(1000)) } else { Err(std::io::Error::other("no more")) }
        }
    }
    let place = s3().await;
    let error = upload_reader(Broken(0), &place.object("a"), &options(), &Progress::silent()).await.unwrap_err();
    assert!(error.to_string().contains("no more"), "{error}");
    assert!(place.names("").await.is_empty());
}

#[tokio::test]
async fn a_stream_is_read_no_further_than_its_parts_in_flight() {
    let place = s3().await;
    place.server().faults().add(on_part(FaultAction::Latency(Duration::from_secs(60))));
    let given = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&given);
    let chunks = stream::repeat_with(move || {
        counting.fetch_add(MIB, Ordering::Relaxed);
        Ok(Bytes::from(vec![0; MIB]))
    });
    let options = TransferOptions { parts_in_flight: 3, ..options() };
    let (object, progress) = (place.object("a"), Progress::silent());
    let uploading = upload_stream(chunks.take(1000), &object, &options, &progress);
    tokio::time::timeout(Duration::from_secs(1), uploading).await.unwrap_err();
    let given = given.load(Ordering::Relaxed);
    assert!((3 * PART..=4 * PART).contains(&given), "{given} bytes were taken for 3 parts of {PART}");
}
