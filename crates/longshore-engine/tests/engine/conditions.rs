//! Writes on a condition whose answers get lost, copies that are cancelled, and what can be said of an object at all.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use longshore_engine::{
    Error, ErrorKind, Place as Store, Put, Spot, Writer, WriterOptions, copy_to, open, put_slices, put_with,
};
use md5::{Digest, Md5};
use object_store::memory::InMemory;
use object_store::{Attribute, Attributes, GetOptions, PutMode, PutOptions, UpdateVersion};

use crate::place::{Place as Anywhere, files, memory, s3};
use crate::scripted::{Place, Scripted, answer};

const CONTENT: &[u8] = b"the content of this very call";
const HERE: &str = "Last-Modified: Fri, 20 Nov 2026 09:00:00 GMT\r\n";

fn spot(place: &Place, key: &str) -> Spot {
    let object = place.object(key);
    Spot { place: Store::Own(object.store), key: object.key, uri: object.uri }
}

fn create() -> PutOptions {
    PutOptions { mode: PutMode::Create, ..PutOptions::default() }
}

fn tag(content: &[u8]) -> String {
    let digits: String = Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// A server that answers the first write with 503, and the second with `status`, while `there` is what it has.
fn forgetful(status: u16, there: &'static str, tag: String) -> Scripted {
    let writes = AtomicUsize::new(0);
    Scripted::start(move |asked, _| match (&*asked.method, writes.load(Ordering::Relaxed)) {
        ("PUT", 0) => {
            writes.fetch_add(1, Ordering::Relaxed);
            answer(503, "", "")
        }
        ("PUT", _) => answer(status, "", "<Error><Code>PreconditionFailed</Code></Error>"),
        _ => answer(200, &format!("ETag: {tag}\r\n{HERE}"), there),
    })
}

async fn write(server: &Scripted, kind: &str, key: &str, body: &'static [u8], mode: PutMode) -> Result<Put, Error> {
    let place = if kind == "az" { server.azure("b") } else { server.s3("b") };
    let options = PutOptions { mode, ..PutOptions::default() };
    put_with(&spot(&place, key), vec![Bytes::from_static(&body[..3]), Bytes::from_static(&body[3..])], options).await
}

#[tokio::test]
async fn a_condition_that_the_calls_own_lost_write_breaks_is_a_success() {
    let theirs = "the content of another callers";
    assert_ne!(theirs.len(), CONTENT.len());
    let ours = std::str::from_utf8(CONTENT).unwrap();
    let update = || PutMode::Update(UpdateVersion { e_tag: Some("\"before\"".into()), version: None });
    // Both of the ways to S3, and a service whose tags are no checksums.
    for (kind, key, tag) in [("s3", "k", tag(CONTENT)), ("s3", "odd//k", tag(CONTENT)), ("az", "k", "\"0x1\"".into())] {
        for (mode, status) in [(PutMode::Create, 412), (PutMode::Create, 409), (update(), 412)] {
            let server = forgetful(status, ours, tag.clone());
            let put = write(&server, kind, key, CONTENT, mode).await.unwrap();
            assert_eq!(put.e_tag.as_ref(), Some(&tag), "{kind} {key} {status}");
            assert_eq!(server.count("PUT", ""), 2, "{kind} {key}");
        }
    }
    for (mode, kind) in [(PutMode::Create, ErrorKind::AlreadyExists), (update(), ErrorKind::Precondition)] {
        let server = forgetful(412, theirs, tag(theirs.as_bytes()));
        let refused = write(&server, "s3", "k", CONTENT, mode).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{refused}");
        assert!(!refused.to_string().contains("this very call"), "{refused}");
    }
}

#[tokio::test]
async fn as_much_of_other_content_is_somebody_elses_and_little_content_could_be_anybodys() {
    let same_size = "THE CONTENT OF THIS VERY CALL";
    let server = forgetful(412, same_size, tag(same_size.as_bytes()));
    let refused = write(&server, "s3", "k", CONTENT, PutMode::Create).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert!(!refused.to_string().contains("may have"), "{refused}");
    let server = forgetful(412, "locked", tag(b"locked"));
    let refused = write(&server, "s3", "k", b"locked", PutMode::Create).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert!(refused.to_string().contains("this very call may have written it"), "{refused}");
}

#[tokio::test]
async fn a_condition_that_is_refused_at_once_is_not_looked_into() {
    let server = Scripted::start(|_, _| answer(412, "", "<Error><Code>PreconditionFailed</Code></Error>"));
    let refused = write(&server, "s3", "k", CONTENT, PutMode::Create).await.unwrap_err();
    assert_eq!((refused.kind(), server.asked().len()), (ErrorKind::AlreadyExists, 1), "{refused}");
}

/// A server with a source of ten bytes and no target, which answers to a completion as `complete` says.
fn copier(complete: impl Fn(usize) -> u16 + Send + Sync + 'static, gone: bool, slow: &'static str) -> Scripted {
    let completions = Mutex::new(0);
    Scripted::start(move |asked, _| {
        if asked.is("POST", slow) || asked.is("PUT", slow) {
            std::thread::sleep(Duration::from_millis(300));
        }
        let tried = *completions.lock().unwrap();
        match &*asked.method {
            "HEAD" if asked.target.contains("source") || tried > 0 => {
                answer(200, &format!("ETag: \"1\"\r\n{HERE}"), "0123456789")
            }
            "HEAD" => answer(404, "", ""),
            "POST" if asked.target.contains("uploads") => {
                answer(200, "", "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
            }
            "PUT" => answer(200, "", "<CopyPartResult><ETag>\"p\"</ETag></CopyPartResult>"),
            "POST" => {
                *completions.lock().unwrap() += 1;
                let done =
                    "<CompleteMultipartUploadResult><ETag>\"c\"</ETag></CompleteMultipartUploadResult>".to_owned();
                match complete(tried) {
                    200 => (200, String::new(), done),
                    status => answer(status, "", ""),
                }
            }
            "GET" if gone => answer(404, "", "<Error><Code>NoSuchUpload</Code></Error>"),
            "GET" => answer(200, "", "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>"),
            _ => answer(204, "", ""),
        }
    })
}

#[tokio::test]
async fn a_copy_that_must_be_new_knows_its_own_completion_from_somebody_elses() {
    for gone in [true, false] {
        let server = copier(|tried| if tried == 0 { 503 } else { 412 }, gone, "-");
        let place = server.s3("b");
        let copied = copy_to(&spot(&place, "source"), &spot(&place, "target"), true).await;
        assert_eq!(copied.err().map(|error| error.kind()), (!gone).then_some(ErrorKind::AlreadyExists), "{gone}");
        assert_eq!(server.count("DELETE", "uploadId=u"), usize::from(!gone), "{gone}");
    }
    let server = copier(|_| 200, false, "-");
    let place = server.s3("b");
    copy_to(&spot(&place, "source"), &spot(&place, "target"), true).await.unwrap();
    assert_eq!(server.count("DELETE", ""), 0);
}

#[tokio::test]
async fn a_copy_that_must_be_new_leaves_no_upload_behind_when_it_is_cancelled() {
    for slow in ["uploads", "partNumber", "uploadId"] {
        let server = copier(|_| 200, false, slow);
        let place = server.s3("b");
        let (from, to) = (spot(&place, "source"), spot(&place, "target"));
        let copying = tokio::spawn(async move { copy_to(&from, &to, true).await });
        while server.count("POST", slow) + server.count("PUT", slow) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        copying.abort();
        assert!(copying.await.unwrap_err().is_cancelled());
        for _ in 0..100 {
            if server.count("DELETE", "uploadId=u") > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(server.count("DELETE", "uploadId=u"), 1, "cancelled at {slow}");
    }
}

fn named(name: &str) -> PutOptions {
    let mut attributes = Attributes::new();
    attributes.insert(Attribute::Metadata(name.to_owned().into()), "value".into());
    PutOptions { attributes, ..PutOptions::default() }
}

async fn refusals(spot: Spot, put: PutOptions) -> [Option<Error>; 3] {
    let options = WriterOptions { put: put.clone(), part_bytes: 5 << 20, in_flight: 2, ..WriterOptions::default() };
    [
        put_with(&spot, vec![Bytes::from_static(CONTENT)], put).await.err(),
        put_slices(spot.clone(), Bytes::from_static(CONTENT), options.clone()).await.err(),
        Writer::new(spot, options).err(),
    ]
}

#[tokio::test]
async fn an_attribute_whose_name_no_header_can_have_is_an_error_before_anything_is_sent() {
    let server = Scripted::start(|_, _| answer(200, "ETag: \"1\"\r\n", ""));
    let own = |place: &Anywhere, key: &str| {
        let object = place.object(key);
        Spot { place: Store::Own(object.store), key: object.key, uri: object.uri }
    };
    let (real, folder, here) = (s3().await, files(), memory());
    let foreign = Store::Foreign(std::sync::Arc::new(InMemory::new()));
    let spots = [
        spot(&server.s3("b"), "k"),
        spot(&server.s3("b"), "odd//k"),
        spot(&server.gcs("b", &[]), "k"),
        spot(&server.azure("b"), "k"),
        own(&real, "k"),
        own(&folder, "k"),
        own(&here, "k"),
        Spot { place: foreign, key: "k".into(), uri: "store:///k".into() },
    ];
    let before = real.server().stats().operation("PutObject");
    for spot in spots {
        for name in ["a b", "ü", "a:b", "a(b", "", "a\nb"] {
            for refused in refusals(spot.clone(), named(name)).await {
                let refused = refused.unwrap();
                assert_eq!((refused.kind(), refused.attempts()), (ErrorKind::InvalidArgument, 0), "{spot:?} {refused}");
                assert!(refused.to_string().contains(&format!("{name:?}")), "{refused}");
            }
        }
    }
    for (name, fine) in [("a-b", false), ("1a", false), ("a.b", false), ("_a1", true)] {
        for refused in refusals(spot(&server.azure("b"), "k"), named(name)).await {
            assert_eq!(refused.map(|error| error.kind()), (!fine).then_some(ErrorKind::InvalidArgument), "{name}");
        }
    }
    assert!(server.asked().iter().all(|asked| asked.headers.contains("x-ms-meta-_a1: value")));
    assert_eq!(real.server().stats().operation("PutObject"), before);
    put_with(&own(&real, "k"), vec![Bytes::from_static(CONTENT)], PutOptions { ..named("a-b.c!") }).await.unwrap();
    assert!(put_with(&own(&real, "k"), vec![Bytes::from_static(CONTENT)], create()).await.is_err());
}

#[tokio::test]
async fn a_store_that_leaves_tags_out_does_so_for_every_key_and_however_it_is_written() {
    let server = Scripted::start(|asked, _| match asked.target.contains("uploads") {
        true => {
            let id = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
            answer(200, "", id)
        }
        false => answer(
            200,
            "ETag: \"1\"\r\n",
            "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>",
        ),
    });
    for (more, tagged) in [(&[("disable_tagging", "true")][..], 0), (&[], 4)] {
        let place = server.s3_with("b", more);
        let before = server.asked().len();
        for (key, in_parts) in [("k", false), ("k", true), ("odd//k", false), ("odd//k", true)] {
            let mut put = PutOptions::default();
            put.tags.push("a", "b");
            let options =
                WriterOptions { put, part_bytes: 5 << 20, in_flight: 2, in_parts: Some(in_parts), size: None };
            put_slices(spot(&place, key), Bytes::from_static(CONTENT), options).await.unwrap();
        }
        let asked = server.asked().split_off(before);
        assert_eq!(asked.iter().filter(|asked| asked.headers.contains("x-amz-tagging: a=b")).count(), tagged);
        assert_eq!(asked.len(), 8);
    }
}

#[tokio::test]
async fn attributes_reach_an_emulator_of_google_in_a_document_and_come_back() {
    let server = Scripted::start(|asked, _| match &*asked.method {
        "POST" => answer(200, "", r#"{"generation": "7", "size": "29"}"#),
        _ if asked.target.contains("alt=media") => answer(200, HERE, std::str::from_utf8(CONTENT).unwrap()),
        _ => {
            let said = r#""cacheControl": "no-store", "contentType": "text/plain", "metadata": {"colour": "red"}"#;
            answer(
                200,
                "",
                &format!(r#"{{"generation": "7", "size": "29", "updated": "2026-11-20T09:07:23Z", {said}}}"#),
            )
        }
    });
    let place = server.gcs("b", &[]);
    let mut attributes = Attributes::new();
    attributes.insert(Attribute::CacheControl, "no-store".into());
    attributes.insert(Attribute::ContentType, "text/plain".into());
    attributes.insert(Attribute::Metadata("colour".into()), "red".into());
    let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
    put_with(&spot(&place, "k"), vec![Bytes::from_static(CONTENT)], options).await.unwrap();
    let written = &server.asked()[0];
    assert!(written.is("POST", "uploadType=multipart"), "{written:?}");
    for said in [r#""cacheControl":"no-store""#, r#""contentType":"text/plain""#, r#""metadata":{"colour":"red"}"#] {
        assert!(written.body.contains(said), "{written:?}");
    }
    assert!(written.body.contains(std::str::from_utf8(CONTENT).unwrap()));
    for head in [false, true] {
        let asked = GetOptions { head, ..GetOptions::default() };
        assert_eq!(open(&spot(&place, "k"), asked).await.unwrap().attributes, attributes, "{head}");
    }
}
