use longshore_engine::{
    ErrorKind, Memory, Progress, copy, create_bucket, delete_bucket, delete_object, get, head, put,
};

use crate::scripted::{Answer, Scripted, answer};

fn refusal(status: u16, reason: &str, message: &str) -> Answer {
    let body =
        format!(r#"{{"error": {{"code": {status}, "message": "{message}", "errors": [{{"reason": "{reason}"}}]}}}}"#);
    answer(status, "", &body)
}

#[tokio::test]
async fn a_listing_is_followed_to_its_end_and_sorted() {
    let server = Scripted::start(|asked, before| match before {
        0 => refusal(503, "backendError", "later"),
        _ if asked.target.contains("pageToken=t1") => answer(200, "", r#"{"items": [{"name": "a/b", "size": "1"}]}"#),
        _ => answer(
            200,
            "",
            r#"{"nextPageToken": "t1", "items": [{"name": "a/c", "size": "1"}, {"name": "a//d/", "size": "0"}]}"#,
        ),
    });
    assert_eq!(server.gcs("b", &[]).list("a").await.unwrap(), ["a//d/", "a/b", "a/c"]);
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(
        asked[1].target.starts_with("/storage/v1/b/b/o?fields=items") && asked[1].target.ends_with("&prefix=a"),
        "{asked:?}"
    );
    assert!(asked[0].headers.contains("authorization: bearer t\r\n"), "{asked:?}");
}

#[tokio::test]
async fn a_repeated_token_ends_the_listing_with_an_error() {
    let server = Scripted::start(|_, _| answer(200, "", r#"{"nextPageToken": "again"}"#));
    let error = server.gcs("b", &[]).list("").await.unwrap_err();
    assert!(error.to_string().contains("repeats"), "{error}");
}

#[tokio::test]
async fn a_missing_object_is_deleted_already_and_a_missing_bucket_is_an_error() {
    let server = Scripted::start(|asked, _| match &*asked.method {
        "GET" if asked.target.contains("/b/there") => answer(200, "", r#"{"name": "there"}"#),
        _ => refusal(404, "notFound", "The specified bucket does not exist."),
    });
    delete_object(&server.gcs("there", &[]).object("a/b")).await.unwrap();
    assert_eq!(server.asked()[0].target, "/storage/v1/b/there/o/a%2Fb");
    let error = delete_object(&server.gcs("gone", &[]).object("k")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some("notFound")), "{error}");
}

#[tokio::test]
async fn keys_that_could_not_be_deleted_are_told_one_by_one() {
    let server = Scripted::start(|asked, _| {
        if asked.target.contains("kept") { refusal(403, "forbidden", "no") } else { answer(204, "", "") }
    });
    let error = server.gcs("b", &[]).delete(&["a", "kept", "b"]).await.unwrap_err();
    assert_eq!((error.failures().len(), error.failures()[0].code.as_str()), (1, "forbidden"));
    assert_eq!(server.count("DELETE", "/o/"), 3);
}

#[tokio::test]
async fn a_large_copy_goes_on_until_it_is_done() {
    let server = Scripted::start(|asked, _| {
        let done = asked.target.contains("rewriteToken=half");
        answer(200, "", if done { r#"{"done": true}"# } else { r#"{"done": false, "rewriteToken": "half"}"# })
    });
    copy(&server.gcs("from", &[]).object("a/b"), &server.gcs("to", &[]).object("c//d")).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].is("POST", "/storage/v1/b/from/o/a%2Fb/rewriteTo/b/to/o/c%2F%2Fd?"), "{asked:?}");
}

#[tokio::test]
async fn a_copy_that_does_not_get_on_ends_with_an_error() {
    let server = Scripted::start(|_, before| {
        let body = format!(r#"{{"done": false, "rewriteToken": "t{before}", "totalBytesRewritten": "7"}}"#);
        answer(200, "", &body)
    });
    let (from, to) = (server.gcs("from", &[]).object("a"), server.gcs("to", &[]).object("b"));
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), copy(&from, &to)).await;
    let error = ended.expect("it goes on and on").unwrap_err();
    assert!(error.to_string().contains("get on"), "{error}");
}

#[tokio::test]
async fn a_bucket_is_made_in_a_project() {
    let server = Scripted::start(|asked, _| {
        if asked.body.contains("\"mine\"") {
            refusal(409, "conflict", "Your previous request succeeded and you already own it.")
        } else if asked.body.contains("\"taken\"") {
            refusal(409, "conflict", "The requested bucket name is not available.")
        } else {
            answer(200, "", "{}")
        }
    });
    let options = [("project", "p"), ("bucket_location", "EU")];
    for bucket in ["new", "mine"] {
        let place = server.gcs(bucket, &options);
        create_bucket(&place.store, "", &place.context("create_bucket")).await.unwrap();
    }
    let first = &server.asked()[0];
    assert!(first.is("POST", "/storage/v1/b?project=p") && first.body.contains(r#""location":"EU""#), "{first:?}");
    let taken = server.gcs("taken", &options);
    let error = create_bucket(&taken.store, "", &taken.context("create_bucket")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(server.count("POST", "/storage/v1/b?"), 3);
}

#[tokio::test]
async fn a_full_bucket_stays() {
    let server = Scripted::start(|_, _| refusal(409, "conflict", "The bucket you tried to delete is not empty."));
    let place = server.gcs("b", &[]);
    let error = delete_bucket(&place.store, "", &place.context("delete_bucket")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BucketNotEmpty, "{error}");
}

#[tokio::test]
async fn away_from_google_objects_are_written_and_read_in_json() {
    const ABOUT: &str = r#"{"generation": "7", "size": "3", "updated": "2026-11-20T09:00:00Z"}"#;
    let server = Scripted::start(|asked, _| match &*asked.method {
        "GET" if asked.target.contains("alt=media") => answer(200, "", "abc"),
        "GET" if asked.target.contains("missing") => refusal(404, "notFound", "No such object"),
        _ => answer(200, "", ABOUT),
    });
    let place = server.gcs("my-bucket", &[]);
    let silent = Progress::silent();
    put(&place.object("a b/c"), "abc".into(), &silent).await.unwrap();
    assert_eq!(server.asked()[0].target, "/upload/storage/v1/b/my-bucket/o?name=a%20b%2Fc&uploadType=media");
    assert_eq!(get(place.object("a b/c"), &Memory, &silent).await.unwrap(), b"abc");
    let described = head(&place.object("a b/c")).await.unwrap();
    assert_eq!((described.size, described.version.as_deref()), (3, Some("7")));
    let error = get(place.object("missing"), &Memory, &silent).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code(), error.status()),
        (ErrorKind::NotFound, Some("notFound"), Some(404)),
        "{error}"
    );
}
