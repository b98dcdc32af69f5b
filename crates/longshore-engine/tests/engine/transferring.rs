use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use longshore_engine::{
    ErrorKind, Limits, Memory, Object, Outcome, Progress, TransferOptions, copy, exists, get, head, transfer,
    transfer_many,
};
use longshore_gateway::{FaultAction, FaultRule};
use longshore_runtime::configuration::Configuration;
use object_store::{Attribute, Attributes, PutOptions};

use crate::place::{Place, everywhere, files, memory, s3};

const MIB: usize = 1 << 20;
const PART: usize = 5 * MIB;

fn options() -> TransferOptions {
    TransferOptions { part_bytes: PART as u64, ..TransferOptions::default() }
}

async fn read(object: Object) -> Vec<u8> {
    get(object, &Memory, &Progress::silent()).await.unwrap()
}

fn on_part(action: FaultAction) -> FaultRule {
    FaultRule { method: Some("PUT".into()), query_contains: Some("partNumber".into()), ..FaultRule::new(action) }
}

/// The answer of a server that wants a copy in parts.
fn too_large(code: &str, message: &str) -> FaultRule {
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let reply = FaultAction::Reply { code: 400, headers: Vec::new(), body };
    FaultRule { method: Some("PUT".into()), times: Some(1), ..FaultRule::new(reply) }
}

#[tokio::test]
async fn any_store_transfers_to_any_store() {
    let (sources, targets) = (everywhere().await, everywhere().await);
    for from in &sources {
        for size in [0, 10, 4 * PART + 3] {
            let body = from.fill_large("source", size).await;
            for to in targets.iter().chain([from]) {
                let (source, target, progress) = (from.object("source"), to.object("deep/target"), Progress::silent());
                let (options, counting) = (options(), progress.clone());
                // Spawned, because callers do.
                let task = tokio::spawn(async move { transfer(&source, &target, &options, &counting).await });
                let outcome = task.await.unwrap().unwrap();
                assert!(read(to.object("deep/target")).await == body, "{size} bytes from {} to {}", from.base, to.base);
                assert_eq!(progress.bytes(), outcome.moved, "{size} bytes from {} to {}", from.base, to.base);
                let in_place = std::ptr::eq(from, to) && !from.base.starts_with("file");
                let size = size as u64;
                let expected = if in_place { (None, 0) } else { (Some(size), size) };
                assert_eq!((outcome.size, outcome.moved), expected, "from {} to {}", from.base, to.base);
            }
        }
    }
    assert_eq!(sources[0].server().stats().operation("CopyObject"), 3, "inside S3 the server copies");
}

#[tokio::test]
async fn what_is_said_of_the_content_travels_along() {
    let (from, to) = (s3().await, s3().await);
    for size in [10, 4 * PART + 3] {
        let attributes: Attributes = [
            (Attribute::ContentType, "text/plain"),
            (Attribute::CacheControl, "no-cache"),
            (Attribute::Metadata("colour".into()), "red"),
        ]
        .into_iter()
        .collect();
        let store = from.store();
        let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
        let objects = &store.live().unwrap().objects;
        objects.put_opts(&"source".into(), vec![1; size].into(), options).await.unwrap();
        from.server().faults().add(too_large("EntityTooLarge", "too large"));
        for target in [to.object("target"), from.object("target")] {
            transfer(&from.object("source"), &target, &self::options(), &Progress::silent()).await.unwrap();
            let found = target.store.live().unwrap().objects.get_opts(&"target".into(), Default::default()).await;
            assert_eq!(found.unwrap().attributes, attributes, "{size} bytes");
        }
    }
}

#[tokio::test]
async fn a_copy_that_is_too_large_for_one_request_is_made_in_parts() {
    for (code, message) in [
        ("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size."),
        (
            "InvalidRequest",
            "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
        ),
    ] {
        let place = s3().await;
        let body = place.fill_large("odd//source +", 2 * PART + 7).await;
        place.server().faults().add(too_large(code, message));
        place.server().reset_stats();
        let (source, target) = (place.object("odd//source +"), place.object("target"));
        let outcome = transfer(&source, &target, &options(), &Progress::silent()).await.unwrap();
        assert_eq!((outcome.size, outcome.moved), (Some(body.len() as u64), 0));
        let stats = place.server().stats();
        assert_eq!((stats.operation("UploadPartCopy"), stats.operation("GetObject")), (3, 0));
        assert!(read(target).await == body);
    }
}

#[tokio::test]
async fn a_copy_that_is_refused_for_another_reason_is_an_error() {
    let place = s3().await;
    place.fill(&["source"]).await;
    place.server().faults().add(too_large("InvalidRequest", "This copy request is illegal"));
    let error = copy(&place.object("source"), &place.object("target")).await.unwrap_err();
    assert!(error.to_string().contains("This copy request is illegal"), "{error}");
    assert_eq!(place.server().stats().operation("CreateMultipartUpload"), 0);
}

#[tokio::test]
async fn a_source_that_breaks_off_is_continued() {
    for (place, size) in [(s3().await, 3 * PART), (s3().await, 6 * PART)] {
        let (to, body) = (memory(), place.fill_large("source", size).await);
        let cut = FaultRule {
            method: Some("GET".into()),
            times: Some(3),
            ..FaultRule::new(FaultAction::CutBody { after: 4_000_001 })
        };
        let cut = place.server().faults().add(cut);
        transfer(&place.object("source"), &to.object("target"), &options(), &Progress::silent()).await.unwrap();
        assert_eq!(place.server().faults().hits(cut), 3);
        assert!(read(to.object("target")).await == body);
    }
}

#[tokio::test]
async fn a_source_that_is_replaced_meanwhile_is_an_error_and_no_mixture() {
    let (from, to) = (s3().await, s3().await);
    from.fill_large("source", 6 * PART).await;
    let get = |action| FaultRule { method: Some("GET".into()), times: Some(1), ..FaultRule::new(action) };
    from.server().faults().add(get(FaultAction::CutBody { after: 4_000_000 }));
    from.server().faults().add(FaultRule { skip: 1, ..get(FaultAction::Latency(Duration::from_millis(400))) });
    let (source, target, options) = (from.object("source"), to.object("target"), options());
    let progress = Progress::silent();
    let transferring = transfer(&source, &target, &options, &progress);
    let replacing = async {
        while from.server().stats().method("GET") < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        from.fill_large("source", 10).await;
    };
    let (outcome, _) = tokio::join!(transferring, replacing);
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Precondition);
    options.cleanup.wait().await;
    assert!(!exists(&target).await.unwrap());
    let stats = to.server().stats();
    assert_eq!(stats.operation("CreateMultipartUpload"), stats.operation("AbortMultipartUpload"));
}

/// A source is cut at seven parts. Whoever reads so far asks for the rest.
#[tokio::test]
async fn a_source_is_read_no_further_than_its_target_takes() {
    for (stalled, requests) in [(true, 1), (false, 2)] {
        let (from, to) = (s3().await, s3().await);
        from.fill_large("source", 12 * PART).await;
        from.server().reset_stats();
        from.server().faults().add(FaultRule {
            method: Some("GET".into()),
            times: Some(1),
            ..FaultRule::new(FaultAction::CutBody { after: 7 * PART as u64 })
        });
        if stalled {
            to.server().faults().add(on_part(FaultAction::Latency(Duration::from_secs(60))));
        }
        let (source, target, progress) = (from.object("source"), to.object("target"), Progress::silent());
        let options = TransferOptions { parts_in_flight: 3, ..options() };
        let transferring = transfer(&source, &target, &options, &progress);
        let limit = Duration::from_secs(if stalled { 2 } else { 60 });
        assert_eq!(tokio::time::timeout(limit, transferring).await.is_err(), stalled);
        assert_eq!(from.server().stats().method("GET"), requests, "stalled: {stalled}");
    }
}

/// What a call has said of each transfer, in order of the indices.
type Heard = Arc<Mutex<Vec<(usize, Result<Outcome, ErrorKind>)>>>;

async fn many(pairs: Vec<(Object, Object)>, limits: Limits, progress: &Progress) -> Vec<Result<Outcome, ErrorKind>> {
    let heard: Heard = Arc::default();
    let hearing = Arc::clone(&heard);
    let (options, progress) = (options(), progress.clone());
    let work = tokio::spawn(async move {
        transfer_many(pairs, limits, &options, &progress, move |index, outcome| {
            hearing.lock().unwrap().push((index, outcome.map_err(|error| error.kind())));
        })
        .await
    });
    tokio::time::timeout(Duration::from_secs(120), work).await.expect("stuck").unwrap().unwrap();
    let mut heard = std::mem::take(&mut *heard.lock().unwrap());
    heard.sort_by_key(|(index, _)| *index);
    assert!(heard.iter().map(|(index, _)| *index).eq(0..heard.len()), "each is heard of once: {heard:?}");
    heard.into_iter().map(|(_, outcome)| outcome).collect()
}

#[tokio::test]
async fn each_of_many_is_heard_of_and_a_failure_ends_no_other() {
    let (from, to) = (s3().await, files());
    let names: Vec<String> = (0..40).map(|index| format!("k{index}")).collect();
    from.fill(&names).await;
    let source = |index: usize| if index % 10 == 3 { from.object("missing") } else { from.object(&names[index]) };
    let pairs = (0..40).map(|index| (source(index), to.object(&names[index]))).collect();
    let progress = Progress::silent();
    let outcomes = many(pairs, Limits::in_flight(8), &progress).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        let size = names[index].len() as u64;
        let expected = match index % 10 {
            3 => Err(ErrorKind::NotFound),
            _ => Ok((Some(size), size)),
        };
        let outcome = outcome.as_ref().map(|outcome| (outcome.size, outcome.moved)).map_err(|kind| *kind);
        assert_eq!(outcome, expected, "{index}");
    }
    assert_eq!(to.names("").await.len(), 36);
}

#[tokio::test]
async fn a_budget_smaller_than_every_part_slows_transfers_and_never_stops_them() {
    let (one, other, files) = (s3().await, s3().await, files());
    let names: Vec<String> = (0..4).map(|index| format!("k{index}")).collect();
    for name in &names {
        one.fill_large(name, 4 * PART + 1).await;
        files.fill_large(name, 4 * PART + 1).await;
    }
    let across = |from: &Place, to: &Place, stem: &str| {
        names.iter().map(|name| (from.object(name), to.object(&format!("{stem}{name}")))).collect::<Vec<_>>()
    };
    let pairs = [across(&one, &other, "through"), across(&one, &files, "down"), across(&files, &other, "up")].concat();
    let outcomes = many(pairs, Limits { in_flight: 12, memory: 1 }, &Progress::silent()).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[tokio::test]
async fn transfers_that_are_dropped_leave_nothing() {
    let (from, to, files) = (s3().await, s3().await, files());
    let names = ["a", "b", "c"];
    for name in names {
        from.fill_large(name, 5 * PART).await;
    }
    to.server().faults().add(FaultRule { skip: 2, ..on_part(FaultAction::Latency(Duration::from_secs(60))) });
    from.server().faults().add(FaultRule {
        method: Some("GET".into()),
        skip: 3,
        ..FaultRule::new(FaultAction::Latency(Duration::from_secs(60)))
    });
    let pairs: Vec<_> =
        [&to, &files].into_iter().flat_map(|place| names.map(|name| (from.object(name), place.object(name)))).collect();
    let (options, progress) = (options(), Progress::silent());
    let work = transfer_many(pairs, Limits::default(), &options, &progress, |_, _| {});
    assert!(tokio::time::timeout(Duration::from_secs(1), work).await.is_err());
    tokio::time::timeout(Duration::from_secs(5), options.cleanup.wait()).await.expect("something is never put away");
    let stats = to.server().stats();
    assert_eq!(stats.operation("CreateMultipartUpload"), stats.operation("AbortMultipartUpload"), "{stats:?}");
    assert!(to.names("").await.is_empty() && files.names("").await.is_empty());
    let folder = std::path::Path::new("/").join(files.prefix());
    assert_eq!(folder.read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn a_key_that_would_leave_its_folder_is_refused() {
    let (from, to) = (s3().await, files());
    from.fill(&["a"]).await;
    for name in ["../escaped", "b/../../escaped", "./b", "b//c"] {
        let error = copy(&from.object("a"), &to.object(name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPath, "{name}: {error}");
    }
    assert!(to.names("").await.is_empty());
}

#[tokio::test]
async fn the_version_that_was_copied_is_told_however_it_was_copied() {
    let named = TransferOptions { names_version: true, ..options() };
    for from in [s3().await, memory()] {
        let away = s3().await;
        for size in [10, 4 * PART + 3] {
            from.fill_large("source", size).await;
            let expected = head(&from.object("source")).await.unwrap().e_tag;
            assert!(expected.is_some());
            for target in [from.object("target"), away.object("target"), files().object("target")] {
                let outcome = transfer(&from.object("source"), &target, &named, &Progress::silent()).await.unwrap();
                assert_eq!((outcome.size, outcome.e_tag), (Some(size as u64), expected.clone()), "to {}", target.uri);
            }
        }
    }
}

#[tokio::test]
async fn a_server_copies_the_version_that_is_told_or_none() {
    let place = s3().await;
    place.fill(&["source"]).await;
    let late = FaultAction::Latency(Duration::from_millis(400));
    let late =
        place.server().faults().add(FaultRule { method: Some("PUT".into()), times: Some(1), ..FaultRule::new(late) });
    let (source, target) = (place.object("source"), place.object("target"));
    let (named, progress) = (TransferOptions { names_version: true, ..options() }, Progress::silent());
    let copying = transfer(&source, &target, &named, &progress);
    let replacing = async {
        while place.server().faults().hits(late) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        place.fill_large("source", 10).await;
    };
    let (outcome, ()) = tokio::join!(copying, replacing);
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Precondition, Some(412)), "{error}");
    assert!(!exists(&place.object("target")).await.unwrap());
}

/// Runs in a process of its own: what it configures would hold for all.
#[tokio::test]
#[ignore = "run by another test"]
async fn one_connection_alone() {
    Configuration { connections: Some(1), ..Configuration::default() }.apply().unwrap();
    let (one, other) = (s3().await, s3().await);
    for size in [10, 2 * PART + 1, 8 * PART + 3] {
        let body = one.fill_large("source", size).await;
        let here = Object { store: one.store_in("eu-west-9"), ..one.object("target") };
        for target in [here, other.object("target")] {
            let began = Instant::now();
            transfer(&one.object("source"), &target, &options(), &Progress::silent()).await.unwrap();
            let took = began.elapsed();
            assert!(read(target.clone()).await == body, "{size} bytes to {}", target.uri);
            // Each standstill would take a second, and there would be one for most of the parts.
            assert!(took < Duration::from_secs(5), "{size} bytes took {took:?}");
        }
    }
}

#[test]
fn one_connection_is_enough_to_copy_from_and_to_one_host() {
    let this = std::env::current_exe().unwrap();
    let child =
        Command::new(this).args(["--exact", "transferring::one_connection_alone", "--ignored"]).output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}
