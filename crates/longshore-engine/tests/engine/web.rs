//! Reads over HTTP, from servers that do what servers do.

use std::sync::Arc;

use longshore_engine::{
    Buffer, ByteRange, Cleanup, Context, Discard, ErrorKind, Limits, Memory, Progress, Refusal, Sink, TransferOptions,
    copy, download, exists, get, get_many, head, put, put_many, read_range, transfer, upload,
};

use crate::place::memory;
use crate::site::{Asked, Site, answer, chunked, object, promise, rest};

const TAG: &str = "ETag: \"one\"\r\n";

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 256) as u8).collect()
}

/// A sink whose buffers hold what was reserved and not a byte more.
struct Exact;

struct ExactBuffer(Vec<u8>, usize);

impl Buffer for ExactBuffer {
    fn append(&mut self, chunk: &[u8]) {
        self.0.extend_from_slice(chunk);
        assert!(self.0.len() <= self.1, "{} bytes in a buffer of {}", self.0.len(), self.1);
    }
}

impl Sink for Exact {
    type Buffer = ExactBuffer;
    type Output = Vec<u8>;

    async fn reserve(&self, _index: usize, size: usize) -> Result<ExactBuffer, Refusal> {
        Ok(ExactBuffer(Vec::new(), size))
    }

    fn finish(&self, _index: usize, buffer: ExactBuffer) -> Vec<u8> {
        assert_eq!(buffer.0.len(), buffer.1);
        buffer.0
    }
}

#[tokio::test]
async fn an_object_is_read_with_one_request_that_says_what_it_wants() {
    let site = Site::start(|asked, _| answer("200", "", asked.path.clone()));
    let objects = ["/a b?c=d&e=%2F", "/%61", "/"].map(|path| site.object(path));
    let bodies = get_many(objects.into(), Limits::default(), Arc::new(Memory), &Progress::silent()).await.unwrap();
    assert_eq!(bodies, [&b"/a%20b?c=d&e=%2F"[..], b"/%61", b"/"]);
    for asked in site.seen() {
        assert_eq!((&*asked.method, asked.header("accept-encoding")), ("GET", Some("identity")), "{asked:?}");
        assert!(asked.header("authorization").is_none() && asked.header("range").is_none(), "{asked:?}");
    }
    assert_eq!(site.seen().len(), 3);
}

#[tokio::test]
async fn an_object_of_unknown_length_is_read_to_its_end() {
    let whole = body(10_000);
    let sent = whole.clone();
    let site = Site::start(move |asked, _| match &*asked.path {
        "/chunked" => chunked("", &sent, true),
        _ => [&b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n"[..], &sent].concat(),
    });
    for path in ["/chunked", "/closed"] {
        let progress = Progress::silent();
        assert!(get(site.object(path), &Memory, &progress).await.unwrap() == whole, "{path}");
        assert_eq!(progress.bytes(), 10_000);
        assert!(get(site.object(path), &Exact, &Progress::silent()).await.unwrap() == whole, "{path}");
        assert_eq!(get(site.object(path), &Discard, &Progress::silent()).await.unwrap(), 10_000);
    }
    let objects = vec![site.object("/chunked"); 20];
    let limits = Limits { in_flight: 8, memory: 8192 };
    let bodies = get_many(objects, limits, Arc::new(Exact), &Progress::silent()).await.unwrap();
    assert_eq!(bodies.iter().map(Vec::len).sum::<usize>(), 200_000);
}

#[tokio::test]
async fn a_broken_body_is_continued_from_the_same_version() {
    let whole = body(100_000);
    let dates = "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nDate: Mon, 01 Jan 2024 01:00:00 GMT\r\n";
    for (headers, version) in [(TAG, "\"one\""), (dates, "Mon, 01 Jan 2024 00:00:00 GMT")] {
        let sent = whole.clone();
        let site = Site::start(move |asked, number| match (asked.start(), number) {
            (None, _) => promise("200", headers, 100_000, &sent[..30_000]),
            (Some(start), 1) => {
                let range = format!("{headers}Content-Range: bytes {start}-99999/100000\r\n");
                promise("206", &range, 100_000 - start, &sent[start..start + 40_000])
            }
            (Some(start), _) => rest(headers, &sent, start),
        });
        assert!(site.read("/k").await.unwrap() == whole);
        let seen = site.seen();
        let ranges: Vec<_> = seen.iter().map(|asked| asked.header("range").unwrap_or("-")).collect();
        assert_eq!(ranges, ["-", "bytes=30000-99999", "bytes=70000-99999"]);
        assert!(seen[1..].iter().all(|asked| asked.header("if-range") == Some(version)), "{seen:?}");
    }
}

#[tokio::test]
async fn a_broken_body_of_unknown_length_is_continued_too() {
    let whole = body(100_000);
    let sent = whole.clone();
    let site = Site::start(move |asked, _| match asked.start() {
        None => chunked(TAG, &sent[..30_000], false),
        Some(start) => rest(TAG, &sent, start),
    });
    assert!(get(site.object("/k"), &Exact, &Progress::silent()).await.unwrap() == whole);
    assert_eq!(site.seen()[1].header("range"), Some("bytes=30000-"));
}

#[tokio::test]
async fn a_server_that_ignores_ranges_sends_again_what_is_there_already() {
    let whole = body(100_000);
    let sent = whole.clone();
    let site = Site::start(move |_, number| match number {
        0 => promise("200", TAG, 100_000, &sent[..30_000]),
        _ => answer("200", TAG, &sent),
    });
    assert!(site.read("/k").await.unwrap() == whole);
    assert_eq!(site.seen().len(), 2);
}

#[tokio::test]
async fn two_versions_are_never_joined() {
    let (one, two) = (body(100_000), vec![7; 100_000]);
    for how in ["another tag", "another size", "no tag", "the whole of another", "412"] {
        let (one, two) = (one.clone(), two.clone());
        let site = Site::start(move |asked, _| match (asked.start(), how) {
            (None, _) => promise("200", TAG, 100_000, &one[..30_000]),
            (Some(start), "another tag") => rest("ETag: \"two\"\r\n", &two, start),
            (Some(start), "another size") => rest(TAG, &two[..90_000], start),
            (Some(start), "no tag") => rest("", &two, start),
            (_, "412") => answer("412", "", ""),
            _ => answer("200", "ETag: \"two\"\r\n", &two),
        });
        let error = site.read("/k").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Precondition, "{how}: {error}");
        assert_eq!(site.seen().len(), 2, "{how}");
    }
}

#[tokio::test]
async fn a_broken_body_that_nobody_can_name_is_an_error() {
    for headers in ["", "ETag: W/\"one\"\r\n", "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"] {
        let site = Site::start(move |_, _| promise("200", headers, 1000, b"abc"));
        let error = site.read("/k").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(error.to_string().contains("no ETag"), "{error}");
        assert_eq!(site.seen().len(), 1);
    }
    let site = Site::start(|_, _| chunked("", b"abc", false));
    assert_eq!(site.read("/k").await.unwrap_err().kind(), ErrorKind::Connection);
}

#[tokio::test]
async fn redirects_are_followed_and_secrets_stay_at_home() {
    let other = Site::start(|_, _| answer("200", "", "from elsewhere"));
    let there = other.uri("/x?signature=hunter2");
    let site = Site::start(move |asked, _| match &*asked.path {
        "/a/old" => answer("302", "Location: ../new#part\r\n", ""),
        "/new" => answer("307", &format!("Location: {there}\r\n"), ""),
        _ => answer("200", "", "from here"),
    });
    let options = [("bearer_token", "hunter2"), ("headers", "X-Secret: hunter3")];
    let read = get(object(&site.uri("/a/old"), &options), &Memory, &Progress::silent()).await.unwrap();
    assert_eq!(read, b"from elsewhere");
    for asked in site.seen() {
        assert_eq!(asked.header("authorization"), Some("Bearer hunter2"));
        assert_eq!(asked.header("x-secret"), Some("hunter3"));
    }
    assert_eq!(site.lines(), ["GET /a/old", "GET /new"]);
    let asked = &other.seen()[0];
    assert_eq!((asked.header("authorization"), asked.header("x-secret")), (None, None), "{asked:?}");
    assert_eq!(asked.path, "/x?signature=hunter2");
}

#[tokio::test]
async fn a_redirect_in_circles_or_to_nowhere_ends() {
    let site = Site::start(|asked, _| match &*asked.path {
        "/circle" => answer("301", "Location: /circle\r\n", ""),
        "/nowhere" => answer("302", "", ""),
        _ => answer("302", "Location: ftp://me:hunter2@h/?hunter2\r\n", ""),
    });
    let error = site.read("/circle").await.unwrap_err();
    assert!(error.to_string().contains("in circles"), "{error}");
    assert_eq!(error.attempts(), 21);
    for path in ["/nowhere", "/ftp"] {
        let error = site.read(path).await.unwrap_err();
        assert_eq!((error.status(), error.attempts()), (Some(302), 1), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn credentials_come_from_the_url_or_from_options() {
    let site = Site::start(|asked, _| match asked.header("authorization") {
        Some("Basic bWU6YUBi") => answer("200", "", "in"),
        Some(_) => answer("403", "", ""),
        None => answer("401", "WWW-Authenticate: Basic\r\n", ""),
    });
    let uri = site.uri("/k").replace("http://", "http://me:a%40b@");
    assert_eq!(get(object(&uri, &[]), &Memory, &Progress::silent()).await.unwrap(), b"in");
    let options = [("username", "me"), ("password", "a@b")];
    assert_eq!(get(object(&site.uri("/k"), &options), &Memory, &Progress::silent()).await.unwrap(), b"in");
    let error = get(object(&uri, &[("password", "x"), ("username", "you")]), &Memory, &Progress::silent()).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(!error.to_string().contains("a%40b") && !format!("{error:?}").contains("a%40b"), "{error:?}");
    assert_eq!(site.read("/k").await.unwrap_err().kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_failure_says_what_the_server_said_and_no_secret() {
    let site = Site::start(|asked, number| match &*asked.path {
        "/slow" if number < 2 => answer("503", "Retry-After: 0\r\n", ""),
        "/slow" => answer("200", "", "at last"),
        "/gone" => answer("410", "", ""),
        "/broken" => answer("500", "x-request-id: 4F2\r\n", "<html>oops</html>"),
        path if path.starts_with("/signed") => answer(
            "403",
            "Content-Type: application/xml\r\n",
            "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
        ),
        _ => answer("404", "", ""),
    });
    assert_eq!(site.read("/slow").await.unwrap(), b"at last");
    for path in ["/missing", "/gone"] {
        let error = site.read(path).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::NotFound, 1), "{error}");
        assert!(!exists(&site.object(path)).await.unwrap());
    }
    let error = site.read("/broken").await.unwrap_err();
    assert_eq!((error.status(), error.request_id(), error.attempts()), (Some(500), Some("4F2"), 4), "{error}");
    let error = site.read("/signed?X-Amz-Signature=hunter2&token=hunter2").await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    assert!(error.to_string().contains("Request has expired"), "{error}");
    assert!(error.uri().ends_with("/signed?X-Amz-Signature=****&token=****"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    assert!(!format!("{:?}", site.object("/signed?sig=hunter2")).contains("hunter2"));
}

#[tokio::test]
async fn what_a_server_says_of_an_object_is_its_description() {
    let site =
        Site::start(|_, _| answer("200", "ETag: \"e\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n", "12345"));
    let described = head(&site.object("/a%20b?c")).await.unwrap();
    assert_eq!((&*described.key, described.size, described.e_tag.as_deref()), ("a%20b?c", 5, Some("\"e\"")));
    assert_eq!(described.last_modified.timestamp(), 1_704_067_200);
    assert_eq!(site.lines(), ["HEAD /a%20b?c"]);
}

#[tokio::test]
async fn a_server_that_does_not_take_head_is_asked_for_a_byte() {
    let site = Site::start(|asked, _| match (&*asked.method, &*asked.path) {
        ("HEAD", "/405" | "/empty") => answer("405", "", ""),
        ("HEAD", "/501") => answer("501", "", ""),
        ("HEAD", "/signed?s") => answer("403", "", ""),
        ("HEAD", "/unsized") => chunked("", b"", true),
        ("HEAD", _) => answer("403", "", ""),
        (_, "/empty") if asked.start().is_some() => answer("416", "Content-Range: bytes */0\r\n", ""),
        (_, "/empty") => answer("200", "", ""),
        (_, "/501") => answer("200", "", "12345"),
        _ => answer("206", "Content-Range: bytes 0-0/12345\r\n", "1"),
    });
    for (path, size) in [("/405", 12345), ("/501", 5), ("/empty", 0), ("/signed?s", 12345), ("/unsized", 12345)] {
        assert_eq!(head(&site.object(path)).await.unwrap().size, size, "{path}");
        assert!(exists(&site.object(path)).await.unwrap(), "{path}");
    }
    assert_eq!(head(&site.object("/closed")).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn an_object_that_nobody_knows_the_length_of_exists_all_the_same() {
    let site = Site::start(|_, _| chunked("", b"abc", true));
    let error = head(&site.object("/k")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
    assert!(exists(&site.object("/k")).await.unwrap());
}

#[tokio::test]
async fn a_range_is_exactly_that_range_or_an_error() {
    let whole = body(10_000);
    let sent = whole.clone();
    let site = Site::start(move |asked, _| {
        let range = asked.header("range").unwrap_or_default().to_owned();
        match &*asked.path {
            "/ignored" => answer("200", TAG, &sent),
            "/unsized" => chunked(TAG, &sent, true),
            "/wrong" => answer("206", "Content-Range: bytes 0-9/10000\r\n", &sent[..10]),
            "/whole?" if range == "bytes=100-199" => {
                answer("206", "Content-Range: bytes 100-199/*\r\n", &sent[100..200])
            }
            "/several" => answer("206", "Content-Type: multipart/byteranges; boundary=x\r\n", "--x"),
            "/short" => promise("206", "Content-Range: bytes 100-199/10000\r\n", 100, &sent[100..150]),
            _ if range == "bytes=100-199" => answer("206", "Content-Range: bytes 100-199/10000\r\n", &sent[100..200]),
            _ if range == "bytes=9000-" || range == "bytes=-1000" => rest("", &sent, 9000),
            _ if range == "bytes=9900-10099" => rest("", &sent, 9900),
            _ => answer("416", "Content-Range: bytes */10000\r\n", ""),
        }
    });
    let read =
        async |path: &str, range: ByteRange| read_range(site.object(path), range, &Exact, &Progress::silent()).await;
    for path in ["/k", "/ignored", "/unsized"] {
        assert!(read(path, ByteRange::Bounded(100..200)).await.unwrap() == whole[100..200], "{path}");
        assert!(read(path, ByteRange::From(9000)).await.unwrap() == whole[9000..], "{path}");
        assert!(read(path, ByteRange::Last(1000)).await.unwrap() == whole[9000..], "{path}");
        for beyond in [ByteRange::Bounded(20_000..20_001), ByteRange::Bounded(9900..10_100)] {
            let error = read(path, beyond).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutOfRange, "{path}: {error}");
        }
    }
    for path in ["/wrong", "/several", "/short"] {
        let error = read(path, ByteRange::Bounded(100..200)).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotSupported | ErrorKind::Connection), "{path}: {error}");
    }
    let error = read("/whole?", ByteRange::Bounded(100..200)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
    assert_eq!(site.read("/wrong").await.unwrap_err().kind(), ErrorKind::Generic);
}

/// Answers ranges of `whole` as servers of files do.
fn file_server(asked: &Asked, whole: &[u8]) -> Vec<u8> {
    let bounds = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let Some((start, end)) = bounds else { return answer("200", TAG, whole) };
    let start: usize = start.parse().unwrap();
    let end = end.parse::<usize>().map_or(whole.len(), |last| whole.len().min(last + 1));
    let range = format!("{TAG}Content-Range: bytes {start}-{}/{}\r\n", end - 1, whole.len());
    answer("206", &range, &whole[start..end])
}

#[tokio::test]
async fn a_large_object_is_downloaded_in_ranges_of_one_version() {
    let whole = body(200_000);
    let sent = whole.clone();
    let site = Site::start(move |asked, _| file_server(asked, &sent));
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("file");
    let options = TransferOptions { part_bytes: 20_000, ..TransferOptions::default() };
    download(&site.object("/k"), &target, &options, &Progress::silent()).await.unwrap();
    assert!(std::fs::read(&target).unwrap() == whole);
    let seen = site.seen();
    assert_eq!(seen.len(), 9, "{seen:?}");
    assert!(seen[1..].iter().all(|asked| asked.header("if-match") == Some("\"one\"")), "{seen:?}");
}

#[tokio::test]
async fn a_download_from_a_server_that_ignores_ranges_takes_one_request() {
    let whole = body(200_000);
    for length_is_known in [true, false] {
        let sent = whole.clone();
        let site = Site::start(move |_, _| match length_is_known {
            true => answer("200", TAG, &sent),
            false => chunked(TAG, &sent, true),
        });
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let options = TransferOptions { part_bytes: 20_000, ..TransferOptions::default() };
        download(&site.object("/k"), &target, &options, &Progress::silent()).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == whole);
        assert_eq!(site.seen().len(), 1, "{length_is_known}");
    }
}

#[tokio::test]
async fn a_download_that_is_to_be_continued_leaves_no_secret_of_its_url() {
    let whole = body(200_000);
    let sent = whole.clone();
    let site = Site::start(move |asked, number| match number {
        // The rest of the second range never comes.
        0 => file_server(asked, &sent),
        1..5 => answer("403", "", ""),
        _ => file_server(asked, &sent),
    });
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("file");
    let options =
        TransferOptions { part_bytes: 20_000, parts_in_flight: 1, resume: true, ..TransferOptions::default() };
    let first = site.object("/k?signature=hunter2");
    download(&first, &target, &options, &Progress::silent()).await.unwrap_err();
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let kept = std::fs::read(&left[0]).unwrap();
    assert!(!kept.windows(7).any(|seven| seven == b"hunter2"));
    while site.seen().len() < 5 {
        let _ = site.read("/k").await;
    }
    // A signature is another one by the time that somebody tries again.
    let again = site.object("/k?signature=hunter3");
    let outcome = download(&again, &target, &options, &Progress::silent()).await.unwrap();
    assert_eq!((outcome.size, outcome.moved), (Some(200_000), 160_000));
    assert!(std::fs::read(&target).unwrap() == whole);
}

#[tokio::test]
async fn writing_is_refused_before_anything_is_sent() {
    let site = Site::start(|_, _| answer("200", "", "x"));
    let (object, silent) = (site.object("/d/k"), Progress::silent());
    let elsewhere = memory();
    let context = |operation| Context::new(operation, site.uri("/d/"));
    let bodies = Arc::new(vec!["a".into(), "b".into()]);
    let objects = vec![elsewhere.object("a"), object.clone()];
    let keys = vec!["k".to_owned()];
    let options = TransferOptions::default();
    let refused = [
        ("put", put(&object, "x".into(), &silent).await),
        ("put", put_many(objects, bodies, Limits::default(), &silent, &Cleanup::default()).await),
        ("delete", longshore_engine::delete_object(&object).await),
        ("delete", longshore_engine::delete_prefix(&object.store, "d/", &context("delete"), &silent).await.map(drop)),
        ("delete", longshore_engine::delete_keys(&object.store, keys, &context("delete"), &silent).await),
        ("create_bucket", longshore_engine::create_bucket(&object.store, "", &context("create_bucket")).await),
        ("copy", copy(&site.object("/a"), &object).await),
        ("copy", transfer(&site.object("/a"), &object, &options, &silent).await.map(drop)),
        ("copy", upload(std::path::Path::new("/dev/null"), &object, &options, &silent).await.map(drop)),
        ("delete_bucket", longshore_engine::delete_bucket(&object.store, "", &context("delete_bucket")).await),
        ("copy", copy(&elsewhere.object("missing"), &object).await),
    ];
    for (operation, outcome) in refused {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::NotSupported, operation), "{error}");
        let message = error.to_string();
        assert!(
            message.contains(&format!("{operation} is not supported")) && message.contains("read-only"),
            "{message}"
        );
    }
    assert!(site.seen().is_empty() && elsewhere.names("").await.is_empty(), "{:?}", site.lines());
}

#[tokio::test]
async fn an_object_of_the_web_is_copied_into_another_store() {
    let site = Site::start(|_, _| chunked("", &body(5000), true));
    let place = memory();
    copy(&site.object("/k"), &place.object("copy")).await.unwrap();
    assert!(place.read(&["copy"]).await.unwrap()[0] == body(5000));
}
