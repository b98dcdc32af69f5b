use longshore_engine::{ErrorKind, copy, create_bucket, delete_bucket, delete_object, exists, head};

use crate::scripted::{Answer, Asked, Scripted, answer};

fn refusal(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>Because.\nRequestId:x</Message></Error>");
    answer(status, &format!("x-ms-error-code: {code}\r\nx-ms-request-id: 4f2\r\n"), &body)
}

fn page(names: &[&str], next: &str) -> Answer {
    let blob = |name: &&str| {
        format!("<Blob><Name>{name}</Name><Properties><Content-Length>1</Content-Length></Properties></Blob>")
    };
    let blobs: String = names.iter().map(blob).collect();
    let body =
        format!("<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>");
    answer(200, "", &body)
}

#[tokio::test]
async fn a_listing_is_followed_to_its_end_and_sorted() {
    let server = Scripted::start(|asked, _| {
        if asked.target.contains("marker=m1") { page(&["a/b"], "") } else { page(&["a/c", "a//d/"], "m1") }
    });
    assert_eq!(server.azure("c").list("a").await.unwrap(), ["a//d/", "a/b", "a/c"]);
    let asked = server.asked();
    assert!(asked[0].target.starts_with("/acc/c?restype=container&comp=list&prefix=a"), "{asked:?}");
    assert!(asked[0].headers.contains("authorization: sharedkey acc:"), "{asked:?}");
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn a_repeated_marker_ends_the_listing_with_an_error() {
    let server = Scripted::start(|_, _| page(&["a"], "again"));
    let error = server.azure("c").list("").await.unwrap_err();
    assert!(error.to_string().contains("repeats"), "{error}");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_a_refusal_is_not() {
    let server = Scripted::start(|_, before| if before == 0 { refusal(503, "ServerBusy") } else { page(&["a"], "") });
    assert_eq!(server.azure("c").list("").await.unwrap(), ["a"]);
    let server = Scripted::start(|_, _| refusal(403, "AuthorizationPermissionMismatch"));
    let error = server.azure("c").list("").await.unwrap_err();
    assert_eq!((error.kind(), error.status(), error.attempts()), (ErrorKind::PermissionDenied, Some(403), 1));
    assert_eq!((error.code(), error.request_id()), (Some("AuthorizationPermissionMismatch"), Some("4f2")));
    assert!(error.to_string().contains(": Because. ("), "{error}");
}

#[tokio::test]
async fn a_missing_container_and_a_missing_blob_are_told_apart_without_a_body() {
    let server = Scripted::start(|asked, _| {
        refusal(404, if asked.target.contains("gone") { "ContainerNotFound" } else { "BlobNotFound" })
    });
    let (there, gone) = (server.azure("c"), server.azure("gone"));
    let error = head(&gone.object("k")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some("ContainerNotFound")), "{error}");
    assert!(!exists(&there.object("k")).await.unwrap());
    delete_object(&there.object("k")).await.unwrap();
    let error = delete_object(&gone.object("k")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some("ContainerNotFound")), "{error}");
}

/// Answers a batch: keys with `kept` in them are refused, others deleted.
fn batch(asked: &Asked) -> Answer {
    let mut body = String::new();
    for part in asked.body.split("--batch_").skip(1) {
        let Some(id) = part.lines().find_map(|line| line.strip_prefix("Content-ID: ")) else { continue };
        let (status, code) = if part.contains("kept") { (409, "SnapshotsPresent") } else { (202, "") };
        body.push_str(&format!(
            "--x\r\nContent-ID: {id}\r\n\r\nHTTP/1.1 {status} X\r\nx-ms-error-code: {code}\r\n\r\n"
        ));
    }
    answer(202, "Content-Type: multipart/mixed; boundary=x\r\n", &format!("{body}--x--\r\n"))
}

#[tokio::test]
async fn many_blobs_are_deleted_in_one_request_and_failures_are_told_one_by_one() {
    let server = Scripted::start(|asked, _| batch(asked));
    let place = server.azure("c");
    place.delete(&["a", "b c", "d//e/"]).await.unwrap();
    let error = place.delete(&["a", "kept", "b"]).await.unwrap_err();
    let failures: Vec<_> = error.failures().iter().map(|failure| (&*failure.uri, &*failure.code)).collect();
    assert_eq!(failures, [("az://c/kept", "SnapshotsPresent")]);
    assert_eq!((server.asked().len(), server.count("POST", "comp=batch")), (2, 2));
    let body = &server.asked()[0].body;
    assert_eq!(body.matches("authorization: SharedKey acc:").count(), 3, "{body}");
    assert!(body.contains("DELETE /acc/c/b%20c HTTP/1.1") && body.contains("DELETE /acc/c/d//e/ HTTP/1.1"), "{body}");
}

#[tokio::test]
async fn where_batches_are_refused_each_blob_has_a_request() {
    let server = Scripted::start(|asked, _| match &*asked.method {
        "POST" => refusal(403, "AuthorizationFailure"),
        _ if asked.target.contains("kept") => refusal(409, "SnapshotsPresent"),
        _ => answer(202, "", ""),
    });
    let error = server.azure("c").delete(&["a", "b", "kept"]).await.unwrap_err();
    assert_eq!((error.failures().len(), server.count("DELETE", "/acc/c/")), (1, 3));
}

#[tokio::test]
async fn a_copy_that_takes_its_time_is_waited_for() {
    let server = Scripted::start(|asked, before| match (&*asked.method, before) {
        ("PUT", _) => answer(202, "x-ms-copy-status: pending\r\n", ""),
        (_, 1) => answer(200, "x-ms-copy-status: pending\r\n", ""),
        _ => answer(200, "x-ms-copy-status: success\r\n", ""),
    });
    let (from, to) = (server.azure("from"), server.azure("to"));
    copy(&from.object("a//b"), &to.object("k")).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[0].is("PUT", "/acc/to/k") && asked[0].headers.contains("/acc/from/a//b\r\n"), "{asked:?}");

    let server = Scripted::start(|_, _| {
        answer(200, "x-ms-copy-status: failed\r\nx-ms-copy-status-description: 500 sorry\r\n", "")
    });
    let place = server.azure("c");
    let error = copy(&place.object("a"), &place.object("b")).await.unwrap_err();
    assert!(error.to_string().contains("500 sorry"), "{error}");
}

#[tokio::test]
async fn a_container_that_is_there_is_fine_and_one_that_is_full_stays() {
    let server = Scripted::start(|asked, _| match &*asked.method {
        "PUT" => refusal(409, "ContainerAlreadyExists"),
        _ => page(&["a"], ""),
    });
    let place = server.azure("c");
    create_bucket(&place.store, "", &place.context("create_bucket")).await.unwrap();
    let error = delete_bucket(&place.store, "", &place.context("delete_bucket")).await.unwrap_err();
    assert_eq!((error.kind(), server.count("DELETE", "")), (ErrorKind::BucketNotEmpty, 0), "{error}");
    let server = Scripted::start(|asked, _| if asked.method == "DELETE" { answer(202, "", "") } else { page(&[], "") });
    let place = server.azure("c");
    delete_bucket(&place.store, "", &place.context("delete_bucket")).await.unwrap();
    assert_eq!(server.count("DELETE", "restype=container"), 1);
}
