use std::sync::atomic::{AtomicUsize, Ordering};

use longshore_engine::{Context, ErrorKind, Progress, delete_bucket, delete_keys, delete_object, delete_prefix};
use longshore_gateway::{FaultAction, FaultRule};

use crate::place::{everywhere, files, s3};
use crate::scripted::{Scripted, answer};

#[tokio::test]
async fn a_prefix_is_emptied_and_its_neighbours_stay() {
    for place in everywhere().await {
        place.fill(&["run/a", "run/b/c", "running", "z"]).await;
        let prefix = format!("{}run/", place.prefix());
        let context = Context::new("delete", &*place.base);
        let count = delete_prefix(&place.store(), &prefix, &context, &Progress::silent()).await.unwrap();
        assert_eq!(count, 2, "{}", place.base);
        assert_eq!(place.names("").await, ["running", "z"], "{}", place.base);
    }
}

#[tokio::test]
async fn keys_go_in_batches_of_a_thousand() {
    let place = s3().await;
    let names: Vec<String> = (0..2001).map(|i| format!("k{i}")).collect();
    place.fill(&names).await;
    delete_keys(&place.store(), names, &Context::new("delete", "s3://bucket"), &Progress::silent()).await.unwrap();
    assert!(place.names("").await.is_empty());
    let stats = place.server().stats();
    assert_eq!((stats.operation("DeleteObjects"), stats.operation("DeleteObject")), (3, 0));
}

#[tokio::test]
async fn each_key_that_fails_inside_a_200_answer_is_reported() {
    let place = s3().await;
    let body = "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>";
    place.server().faults().add(FaultRule {
        query_contains: Some("delete".into()),
        ..FaultRule::new(FaultAction::Reply { code: 200, headers: Vec::new(), body: body.into() })
    });
    let keys = vec!["a".to_owned(), "b".to_owned()];
    let context = Context::new("delete", "s3://bucket/");
    let error = delete_keys(&place.store(), keys, &context, &Progress::silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let failures: Vec<_> = error.failures().iter().map(|failure| (&*failure.uri, &*failure.code)).collect();
    assert_eq!(failures, [("s3://bucket/b", "AccessDenied")]);
}

#[tokio::test]
async fn of_a_batch_that_is_refused_every_key_is_told_and_the_other_batches_are_finished() {
    let server = Scripted::start(|asked, _| match asked.body.contains("<Key>k1500</Key>") {
        true => answer(403, "", "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
        false => answer(200, "", "<DeleteResult></DeleteResult>"),
    });
    let keys: Vec<String> = (0..20_000).map(|number| format!("k{number}")).collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let error = server.s3("b").delete(&names).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::PermissionDenied, Some(403)), "{error}");
    let failed: Vec<&str> = error.failures().iter().map(|failure| &*failure.key).collect();
    assert_eq!(failed, names[1000..2000]);
    assert!(error.failures().iter().all(|failure| failure.code == "AccessDenied"));
    assert_eq!(server.count("POST", "delete"), 20);
}

#[tokio::test]
async fn where_no_batch_can_succeed_the_rest_is_not_tried_and_told_too() {
    let server = Scripted::start(|_, _| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        answer(404, "", "<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>")
    });
    let keys: Vec<String> = (0..40_000).map(|number| format!("k{number}")).collect();
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let error = server.s3("b").delete(&names).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some("NoSuchBucket")), "{error}");
    let failed: Vec<&str> = error.failures().iter().map(|failure| &*failure.key).collect();
    assert_eq!(failed, names);
    assert!(error.failures()[39_999].message.starts_with("not tried any more"), "{:?}", error.failures()[39_999]);
    assert!(server.count("POST", "delete") < 20, "{}", server.count("POST", "delete"));
}

#[tokio::test]
async fn a_missing_object_is_deleted_already_and_a_missing_bucket_is_not() {
    for place in everywhere().await {
        delete_object(&place.object("never")).await.unwrap();
    }
    let place = s3().await;
    let mut object = place.object("a");
    object.store = place.store_of("s3://other/");
    assert_eq!(delete_object(&object).await.unwrap_err().code(), Some("NoSuchBucket"));
}

#[tokio::test]
async fn odd_keys_and_control_characters_can_be_deleted() {
    let place = s3().await;
    place.fill(&["a//b", "dir/", "\u{1}"]).await;
    let context = Context::new("delete", "s3://bucket/");
    delete_prefix(&place.store(), "", &context, &Progress::silent()).await.unwrap();
    assert!(place.names("").await.is_empty());
}

#[tokio::test]
async fn emptied_folders_go_and_the_named_one_stays() {
    let place = files();
    place.fill(&["run/a/b/c", "keep/x"]).await;
    let context = Context::new("delete", &*place.base);
    let prefix = format!("{}run/", place.prefix());
    delete_prefix(&place.store(), &prefix, &context, &Progress::silent()).await.unwrap();
    let folder = std::path::PathBuf::from(format!("/{}", place.prefix()));
    assert!(folder.join("run").is_dir() && !folder.join("run/a").exists() && folder.join("keep/x").exists());
}

#[tokio::test]
async fn a_bucket_that_is_gone_when_its_deletion_is_repeated_was_deleted() {
    for (status, gone) in [
        (404, "<Error><Code>NoSuchBucket</Code></Error>"),
        (404, "<Error><Code>ContainerNotFound</Code></Error>"),
        (404, r#"{"error": {"code": 404, "errors": [{"reason": "notFound"}]}}"#),
        (404, ""),
        (409, "<Error><Code>ContainerBeingDeleted</Code></Error>"),
    ] {
        for (lost, kind) in [0, 1].into_iter().flat_map(|lost| ["s3", "gs", "az"].map(|kind| (lost, kind))) {
            if status == 409 && kind != "az" {
                continue;
            }
            let tries = AtomicUsize::new(0);
            let server = Scripted::start(move |asked, _| match &*asked.method {
                "DELETE" if tries.fetch_add(1, Ordering::Relaxed) < lost => answer(503, "", ""),
                "DELETE" => answer(status, "", gone),
                _ if asked.target.contains("comp=list") => {
                    answer(200, "", "<EnumerationResults><Blobs></Blobs></EnumerationResults>")
                }
                _ => answer(200, "", "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"),
            });
            let place = match kind {
                "s3" => server.s3("b"),
                "gs" => server.gcs("b", &[]),
                _ => server.azure("b"),
            };
            let deleted = delete_bucket(&place.store, "", &place.context("delete_bucket")).await;
            assert_eq!(deleted.is_ok(), lost > 0, "{kind} {gone} {lost}: {deleted:?}");
            assert_eq!(server.count("DELETE", ""), lost + 1, "{kind} {gone}");
        }
    }
}
