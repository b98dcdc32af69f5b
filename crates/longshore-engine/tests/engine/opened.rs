//! Objects that are open for reading while others write them, or that are not what their reader says.

use longshore_engine::{ErrorKind, Place as Store, Reader, ReaderOptions, Spot, open};
use object_store::GetOptions;

use crate::place::{files, memory};
use crate::scripted::{Answer, Asked, Place, Scripted, answer};

const OLD: &str = "Last-Modified: Fri, 20 Nov 2026 09:00:00 GMT\r\n";
const NEW: &str = "Last-Modified: Fri, 20 Nov 2026 09:00:01 GMT\r\n";

fn spot(place: &Place, key: &str) -> Spot {
    let object = place.object(key);
    Spot { place: Store::Own(object.store), key: object.key, uri: object.uri }
}

/// The asked range of `body`.
fn part(asked: &Asked, headers: &str, body: &str) -> Answer {
    let range = asked.headers.lines().find_map(|line| line.strip_prefix("range: bytes=")).unwrap();
    let (first, last) = range.trim().split_once('-').unwrap();
    let first: usize = first.parse().unwrap();
    let end = body.len().min(last.parse::<usize>().unwrap() + 1);
    let range = format!("Content-Range: bytes {first}-{}/{}\r\n{headers}", end - 1, body.len());
    answer(206, &range, &body[first..end])
}

#[tokio::test]
async fn a_reader_never_joins_two_versions_however_little_the_server_says_of_them() {
    let (old, new) = ("o".repeat(5000), "n".repeat(5000));
    for (one, other) in [
        (OLD.to_owned(), NEW.to_owned()),
        (format!("ETag: W/\"1\"\r\n{OLD}"), format!("ETag: W/\"2\"\r\n{OLD}")),
        (format!("ETag: \"1\"\r\n{OLD}"), format!("ETag: \"2\"\r\n{OLD}")),
    ] {
        let (first, later, old, new) = (one.clone(), other, old.clone(), new.clone());
        let server = Scripted::start(move |asked, before| match before {
            0 => part(asked, &first, &old),
            _ => part(asked, &later, &new),
        });
        for (place, size) in [(server.web(), None), (server.s3("b"), Some(5000))] {
            if size.is_some() && one.starts_with("Last") {
                // Every S3 server has ETags.
                continue;
            }
            let before = server.asked().len();
            let mut reader = Reader::open(spot(&place, "k"), ReaderOptions { buffer: 1000, size }).await.unwrap();
            let read = reader.read(0, 1000).await.unwrap().concat();
            if before == 0 {
                assert_eq!(read, b"o".repeat(1000));
                let error = reader.read(1000, 4000).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Precondition, "{one} {error}");
                assert!(error.to_string().contains("replaced"), "{error}");
            } else {
                // By now there is one version, of which everything can be read.
                assert_eq!(reader.read(1000, 4000).await.unwrap().concat(), b"n".repeat(4000));
            }
        }
    }
}

#[tokio::test]
async fn the_same_bytes_written_again_are_the_same_version() {
    let body = "b".repeat(5000);
    let server = Scripted::start(move |asked, before| {
        let date = if before == 0 { OLD } else { NEW };
        part(asked, &format!("ETag: \"1\"\r\n{date}"), &body)
    });
    let mut reader = Reader::open(spot(&server.web(), "k"), ReaderOptions { buffer: 1000, size: None }).await.unwrap();
    assert_eq!(reader.read(0, 5000).await.unwrap().concat(), b"b".repeat(5000));
    assert!(server.asked().len() > 1);
}

#[tokio::test]
async fn an_object_that_is_said_to_be_empty_is_asked_after_once() {
    for (status, length, kind) in
        [(200, 0, None), (200, 100, Some(ErrorKind::Precondition)), (404, 0, Some(ErrorKind::NotFound))]
    {
        let server = Scripted::start(move |_, _| answer(status, &format!("ETag: \"1\"\r\n{OLD}"), &"x".repeat(length)));
        for place in [server.web(), server.s3("b"), server.azure("b")] {
            let before = server.asked().len();
            let opened = Reader::open(spot(&place, "k"), ReaderOptions { buffer: 1000, size: Some(0) }).await;
            assert_eq!(opened.err().map(|error| error.kind()), kind, "{status} {length} {place:?}");
            assert_eq!(server.asked().len() - before, 1, "{place:?}");
        }
    }
}

#[tokio::test]
async fn a_version_is_no_option_where_there_are_none() {
    for place in [memory(), files()] {
        place.fill(&["k"]).await;
        let object = place.object("k");
        let spot = Spot { place: Store::Own(object.store), key: object.key, uri: object.uri };
        for head in [false, true] {
            let asked = GetOptions { version: Some("1".into()), head, ..GetOptions::default() };
            let refused = open(&spot, asked).await.err().unwrap();
            assert_eq!(refused.kind(), ErrorKind::NotSupported, "{refused}");
        }
    }
}
