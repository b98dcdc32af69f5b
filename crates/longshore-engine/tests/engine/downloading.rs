use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use longshore_engine::{Cleanup, ErrorKind, Progress, Snapshot, TransferOptions, download, head};
use longshore_gateway::{FaultAction, FaultRule};
use tempfile::tempdir;

use crate::place::{everywhere, noise, s3, s3_that_remembers};
use crate::scripted::{Scripted, answer};

const MIB: usize = 1 << 20;

/// Parts small enough for objects of a test to be large.
fn options() -> TransferOptions {
    TransferOptions { part_bytes: MIB as u64, ..TransferOptions::default() }
}

fn resuming() -> TransferOptions {
    TransferOptions { resume: true, ..options() }
}

fn on_get(action: FaultAction) -> FaultRule {
    FaultRule { method: Some("GET".into()), ..FaultRule::new(action) }
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_is_what_the_object_is_whatever_its_size() {
    for place in everywhere().await {
        let folder = tempdir().unwrap();
        for size in [0, 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1, 7 * MIB + 3] {
            let body = place.fill_large("object", size).await;
            let (target, progress) = (folder.path().join("deep/er/file"), Progress::silent());
            let outcome = download(&place.object("object"), &target, &options(), &progress).await.unwrap();
            assert!(fs::read(&target).unwrap() == body, "{size} bytes of {}", place.base);
            assert_eq!((outcome.size, outcome.moved), (Some(size as u64), size as u64), "{}", place.base);
            assert_eq!(progress.bytes(), size as u64, "{}", place.base);
            assert_eq!(names(&folder.path().join("deep/er")), ["file"], "{size} bytes of {}", place.base);
        }
    }
}

#[tokio::test]
async fn a_file_has_the_time_of_its_object() {
    let (place, folder) = (s3().await, tempdir().unwrap());
    for size in [5, 3 * MIB] {
        place.fill_large("object", size).await;
        let meta = head(&place.object("object")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let target = folder.path().join("file");
        download(&place.object("object"), &target, &options(), &Progress::silent()).await.unwrap();
        let modified = fs::metadata(&target).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
        assert_eq!(modified.as_secs() as i64, meta.last_modified.timestamp());
    }
}

#[tokio::test]
async fn a_small_object_takes_one_request_and_a_large_one_as_many_as_it_has_parts() {
    let (place, folder) = (s3().await, tempdir().unwrap());
    for (size, requests) in [(5, 1), (2 * MIB, 1), (7 * MIB, 6)] {
        place.fill_large("object", size).await;
        place.server().reset_stats();
        let target = folder.path().join("file");
        download(&place.object("object"), &target, &options(), &Progress::silent()).await.unwrap();
        let stats = place.server().stats();
        assert_eq!((stats.operation("GetObject"), stats.requests), (requests, requests), "{size} bytes");
    }
}

#[tokio::test]
async fn bodies_that_break_off_are_continued() {
    let (place, folder) = (s3().await, tempdir().unwrap());
    for name in ["object", "odd//object"] {
        let body = place.fill_large(name, 7 * MIB).await;
        let cut = on_get(FaultAction::CutBody { after: 300_001 });
        let cut = place.server().faults().add(FaultRule { times: Some(6), ..cut });
        let (target, progress) = (folder.path().join("file"), Progress::silent());
        download(&place.object(name), &target, &options(), &progress).await.unwrap();
        assert!(fs::read(&target).unwrap() == body, "{name} differs");
        assert_eq!((place.server().faults().hits(cut), progress.bytes()), (6, 7 * MIB as u64));
        place.server().faults().clear();
    }
}

#[tokio::test]
async fn a_server_that_dies_and_comes_back_is_survived_and_nothing_is_sent_twice() {
    let ((mut place, memory), folder) = (s3_that_remembers().await, tempdir().unwrap());
    let body = place.fill_large("object", 7 * MIB).await;
    // Every body stops here, until the server is gone.
    place.server().faults().add(on_get(FaultAction::Stall { after: 900_000 }));
    let (object, target, progress) = (place.object("object"), folder.path().join("file"), Progress::silent());
    let (options, counting) = (options(), progress.clone());
    let downloading = download(&object, &target, &options, &counting);
    let restarting = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        place.restart(&memory, Duration::from_millis(100)).await;
    };
    let (outcome, ()) = tokio::join!(downloading, restarting);
    outcome.unwrap();
    assert!(fs::read(&target).unwrap() == body);
    assert_eq!(progress.bytes(), body.len() as u64, "what had arrived was kept");
    assert_eq!(names(folder.path()), ["file"]);
}

#[tokio::test]
async fn a_server_that_never_comes_back_is_an_error_and_leaves_nothing() {
    let (mut place, folder) = (s3().await, tempdir().unwrap());
    place.fill_large("object", 7 * MIB).await;
    place.server().faults().add(on_get(FaultAction::Stall { after: 900_000 }));
    let (object, target) = (place.object("object"), folder.path().join("file"));
    let (options, progress) = (options(), Progress::silent());
    let downloading = download(&object, &target, &options, &progress);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let gateway = place.gateway.take();
        tokio::task::spawn_blocking(move || drop(gateway)).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(downloading, stopping);
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(error.to_string().starts_with("copy s3://bucket/object to file:///"), "{error}");
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

#[tokio::test]
async fn a_download_that_is_dropped_leaves_nothing_and_the_target_as_it_was() {
    let (place, folder) = (s3().await, tempdir().unwrap());
    place.fill_large("object", 7 * MIB).await;
    let target = folder.path().join("file");
    fs::write(&target, "as it was").unwrap();
    place.server().faults().add(on_get(FaultAction::Stall { after: 900_000 }));
    let (object, options, progress) = (place.object("object"), options(), Progress::silent());
    let downloading = download(&object, &target, &options, &progress);
    tokio::time::timeout(Duration::from_millis(300), downloading).await.unwrap_err();
    options.cleanup.wait().await;
    assert_eq!((names(folder.path()), fs::read(&target).unwrap()), (vec!["file".into()], b"as it was".to_vec()));
}

#[tokio::test]
async fn an_object_replaced_between_two_parts_is_an_error_and_no_mixture() {
    let (place, folder) = (s3().await, tempdir().unwrap());
    place.fill_large("object", 7 * MIB).await;
    let late = on_get(FaultAction::Latency(Duration::from_millis(400)));
    place.server().faults().add(FaultRule { skip: 1, ..late });
    let (object, target, options) = (place.object("object"), folder.path().join("file"), options());
    let progress = Progress::silent();
    let downloading = download(&object, &target, &options, &progress);
    let replacing = async {
        while place.server().stats().method("GET") < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        place.fill_large("object", 10).await;
    };
    let (outcome, _) = tokio::join!(downloading, replacing);
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Precondition);
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn a_failed_download_is_continued_when_it_is_to_be() {
    let (place, folder) = (s3().await, tempdir().unwrap());
    let (body, target) = (place.fill_large("object", 12 * MIB).await, folder.path().join("file"));
    let refused = FaultAction::Status { code: 403, error: "AccessDenied".into(), headers: Vec::new() };
    place.server().faults().add(FaultRule { skip: 4, ..on_get(refused) });
    let first = Progress::silent();
    let error = download(&place.object("object"), &target, &resuming(), &first).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let left = names(folder.path());
    assert!(left.len() == 1 && left[0].starts_with(".file.") && left[0].ends_with(".longshore-part"), "{left:?}");

    place.server().faults().clear();
    let outcome = download(&place.object("object"), &target, &resuming(), &Progress::silent()).await.unwrap();
    assert!(fs::read(&target).unwrap() == body);
    assert_eq!((names(folder.path()), outcome.size), (vec!["file".to_owned()], Some(body.len() as u64)));
    assert!(outcome.moved + first.bytes() <= body.len() as u64 && outcome.moved < body.len() as u64, "{outcome:?}");
}

#[tokio::test]
async fn a_dropped_download_is_continued_and_an_object_that_changed_begins_anew() {
    for replaced in [false, true] {
        let (place, folder) = (s3().await, tempdir().unwrap());
        let (mut body, target) = (place.fill_large("object", 9 * MIB).await, folder.path().join("file"));
        place.server().faults().add(on_get(FaultAction::Stall { after: 1_500_000 }));
        let (object, options, progress) = (place.object("object"), resuming(), Progress::silent());
        let downloading = download(&object, &target, &options, &progress);
        tokio::time::timeout(Duration::from_millis(300), downloading).await.unwrap_err();
        assert_eq!(names(folder.path()).len(), 1);
        place.server().faults().clear();
        if replaced {
            body = place.fill_large("object", 9 * MIB).await;
        }
        let outcome = download(&object, &target, &options, &Progress::silent()).await.unwrap();
        assert!(fs::read(&target).unwrap() == body);
        assert_eq!(names(folder.path()), ["file"]);
        assert_eq!(outcome.moved < body.len() as u64, !replaced, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_server_that_forgot_ranges_is_begun_anew() {
    let body = "0123456789abcdef".repeat(5 * MIB / 16);
    let (whole, knows_ranges) = (body.clone(), Arc::new(AtomicBool::new(true)));
    let knows = Arc::clone(&knows_ranges);
    let server = Scripted::start(move |asked, _| {
        let about = "ETag: \"x\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
        let range = asked.headers.lines().find_map(|line| line.strip_prefix("range: bytes=")?.split_once('-'));
        match range.map(|(start, end)| (start.parse::<usize>().unwrap(), end.trim().parse::<usize>().unwrap())) {
            Some((start, _)) if knows.load(Relaxed) && start > 0 => answer(403, "", ""),
            Some((start, end)) if knows.load(Relaxed) => {
                let end = end.min(whole.len() - 1);
                let about = format!("{about}Content-Range: bytes {start}-{end}/{}\r\n", whole.len());
                answer(206, &about, &whole[start..=end])
            }
            _ => answer(200, about, &whole),
        }
    });
    let (folder, object) = (tempdir().unwrap(), server.azure("bucket").object("object"));
    let target = folder.path().join("file");
    let error = download(&object, &target, &resuming(), &Progress::silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(names(folder.path()).len(), 1);
    knows_ranges.store(false, Relaxed);
    download(&object, &target, &resuming(), &Progress::silent()).await.unwrap();
    assert!(fs::read(&target).unwrap() == body.as_bytes());
    assert_eq!(names(folder.path()), ["file"]);
}

#[tokio::test]
async fn an_empty_object_is_downloaded_whatever_a_server_says_of_its_ranges() {
    for (status, range) in [
        (206, "Content-Range: bytes 0--1/0\r\n"),
        (206, "Content-Range: bytes 0-0/0\r\n"),
        (206, ""),
        (416, "Content-Range: bytes */0\r\n"),
        (416, ""),
    ] {
        let about = "ETag: \"x\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
        let server = Scripted::start(move |asked, _| match asked.headers.contains("range: bytes=0-") {
            true => answer(status, &format!("{about}{range}"), ""),
            false if asked.target.ends_with("/storage/v1/b/b/o/object") => {
                answer(200, "", r#"{"generation": "1", "updated": "2026-01-01T00:00:00Z", "size": "0"}"#)
            }
            false => answer(200, about, ""),
        });
        for place in [server.s3("b"), server.gcs("b", &[]), server.azure("b"), server.web()] {
            let (object, folder) = (place.object("object"), tempdir().unwrap());
            let target = folder.path().join("file");
            let outcome = download(&object, &target, &options(), &Progress::silent()).await;
            let outcome = outcome.unwrap_or_else(|error| panic!("{status} {range:?}: {error}"));
            assert_eq!((outcome.size, fs::read(&target).unwrap()), (Some(0), Vec::new()), "{} {range:?}", object.uri);
        }
        assert_eq!(server.asked().len(), 10, "{status} {range:?}");
    }
}

#[tokio::test]
async fn a_partial_file_that_was_tampered_with_is_not_trusted() {
    let (place, folder) = (s3().await, tempdir().unwrap());
    let (body, target) = (place.fill_large("object", 5 * MIB).await, folder.path().join("file"));
    place.server().faults().add(on_get(FaultAction::Stall { after: 1_500_000 }));
    let (object, options, progress) = (place.object("object"), resuming(), Progress::silent());
    let downloading = download(&object, &target, &options, &progress);
    tokio::time::timeout(Duration::from_millis(300), downloading).await.unwrap_err();
    place.server().faults().clear();
    let part = folder.path().join(&names(folder.path())[0]);
    fs::File::options().write(true).open(&part).unwrap().set_len(4 * MIB as u64).unwrap();
    let outcome = download(&object, &target, &options, &Progress::silent()).await.unwrap();
    assert!(fs::read(&target).unwrap() == body && outcome.moved == body.len() as u64);
}

#[tokio::test]
async fn partial_files_are_no_objects() {
    let (place, files) = (s3().await, crate::place::files());
    place.fill_large("object", 5 * MIB).await;
    place.server().faults().add(on_get(FaultAction::Stall { after: 1_500_000 }));
    let target = Path::new("/").join(files.object("file").key);
    let (object, options, progress) = (place.object("object"), resuming(), Progress::silent());
    let downloading = download(&object, &target, &options, &progress);
    tokio::time::timeout(Duration::from_millis(300), downloading).await.unwrap_err();
    assert_eq!(names(target.parent().unwrap()).len(), 1);
    assert!(files.names("").await.is_empty());
}

#[tokio::test]
async fn a_target_that_cannot_be_written_is_an_error_that_names_it() {
    let (place, folder) = (s3().await, tempdir().unwrap());
    for size in [10, 3 * MIB] {
        place.fill_large("object", size).await;
        fs::create_dir_all(folder.path().join("taken")).unwrap();
        let (object, target) = (place.object("object"), folder.path().join("taken"));
        let error = download(&object, &target, &options(), &Progress::silent()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPath, "{error}");
        assert!(error.to_string().contains("/taken"), "{error}");
    }
    let (missing, target) = (place.object("missing"), folder.path().join("x"));
    let error = download(&missing, &target, &options(), &Progress::silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(names(folder.path()), ["taken"]);
}

/// Counters, and every snapshot that they have told.
fn watched() -> (Progress, Arc<Mutex<Vec<Snapshot>>>) {
    let told = Arc::<Mutex<Vec<Snapshot>>>::default();
    let all = Arc::clone(&told);
    (Progress::to(move |snapshot| all.lock().unwrap().push(snapshot)), told)
}

#[tokio::test]
async fn the_size_of_a_large_object_is_told_long_before_all_of_it_is_there() {
    let (place, folder) = (s3().await, tempdir().unwrap());
    let size = place.fill_large("object", 7 * MIB).await.len() as u64;
    place.server().faults().add(FaultRule { skip: 1, ..on_get(FaultAction::Latency(Duration::from_millis(150))) });
    let (progress, told) = watched();
    download(&place.object("object"), &folder.path().join("file"), &options(), &progress).await.unwrap();
    let told = told.lock().unwrap().clone();
    assert!(told.len() > 1 && told[0].bytes < size, "{told:?}");
    assert!(told.iter().all(|snapshot| snapshot.total_bytes == Some(size)), "{told:?}");
}

#[tokio::test]
async fn what_a_failed_download_has_announced_and_not_moved_is_taken_back() {
    let (place, folder) = (s3().await, tempdir().unwrap());
    let (target, size) = (folder.path().join("file"), place.fill_large("object", 7 * MIB).await.len() as u64);
    let refused = FaultAction::Status { code: 403, error: "AccessDenied".into(), headers: Vec::new() };
    place.server().faults().add(FaultRule { skip: 3, ..on_get(refused) });
    let (progress, told) = watched();
    download(&place.object("object"), &target, &resuming(), &progress).await.unwrap_err();
    place.server().faults().clear();
    download(&place.object("object"), &target, &resuming(), &progress).await.unwrap();
    let last = *told.lock().unwrap().last().unwrap();
    // A write that was cancelled may end all the same, uncounted.
    assert!(last.finished && last.total_bytes.is_some_and(|total| (1..=size).contains(&total)), "{last:?}");
}

#[tokio::test]
async fn cleanup_is_over_when_nothing_is_under_way() {
    let cleanup = Cleanup::default();
    cleanup.wait().await;
    let place = s3().await;
    let body = noise(10);
    place.fill_large("object", body.len()).await;
    let folder = tempdir().unwrap();
    let options = TransferOptions { cleanup: cleanup.clone(), ..options() };
    download(&place.object("object"), &folder.path().join("x"), &options, &Progress::silent()).await.unwrap();
    cleanup.wait().await;
}
