//! One object at a time, in stores that are ours and in such as somebody else made.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use longshore_config::{Environment, Location, Options, open as open_store};
use longshore_engine::{Context, Progress};
use longshore_engine::{
    ErrorKind, Lister, Place, RangesOptions, Reader, ReaderOptions, Spot, Writer, WriterOptions, copy_to, list_level,
    open, put_file, put_slices, read_buffer, read_ranges, remove, rename, sign, stat,
};
use object_store::memory::InMemory;
use object_store::{GetOptions, GetRange, PutMode, PutOptions};

/// A store of each sort, with nothing in it.
fn places() -> Vec<(&'static str, Place)> {
    let named = format!("memory://methods-{}/", fastrand::u64(..));
    let store = open_store(&Location::parse(&named).unwrap(), Options::default(), &Environment::default()).unwrap();
    vec![("ours", Place::Own(store)), ("somebody else's", Place::Foreign(Arc::new(InMemory::new())))]
}

fn spot(place: &Place, key: &str) -> Spot {
    Spot { place: place.clone(), key: key.into(), uri: format!("test:///{key}").into() }
}

async fn put(place: &Place, key: &str, body: &'static [u8]) {
    put_slices(spot(place, key), Bytes::from_static(body), options(None)).await.unwrap();
}

fn options(in_parts: Option<bool>) -> WriterOptions {
    WriterOptions { part_bytes: 5 << 20, in_flight: 3, in_parts, ..WriterOptions::default() }
}

async fn body(place: &Place, key: &str) -> Vec<u8> {
    read_buffer(&spot(place, key), &Progress::silent()).await.unwrap().to_vec()
}

async fn keys(place: &Place, prefix: &str, offset: Option<&str>) -> Vec<String> {
    let mut lister = Lister::new(place, prefix, offset.map(str::to_owned), &Context::new("list", "test:///"));
    let mut keys = Vec::new();
    loop {
        let chunk = lister.next(2).await.unwrap();
        if chunk.is_empty() {
            return keys;
        }
        keys.extend(chunk.into_iter().map(|meta| meta.key));
    }
}

#[tokio::test]
async fn an_object_is_written_described_and_read_in_whatever_way() {
    for (whose, place) in places() {
        put(&place, "a", b"0123456789").await;
        let here = spot(&place, "a");
        let meta = stat(&here).await.unwrap();
        assert_eq!((meta.key.as_str(), meta.size), ("a", 10), "{whose}");
        let range = Some(GetRange::Bounded(2..5));
        let part = open(&here, GetOptions { range, ..GetOptions::default() }).await.unwrap();
        assert_eq!((part.range.clone(), part.collect().await.unwrap()), (2..5, Bytes::from_static(b"234")), "{whose}");
        let head = open(&here, GetOptions { head: true, ..GetOptions::default() }).await.unwrap();
        assert_eq!((head.remaining(), head.collect().await.unwrap().len()), (0, 0), "{whose}");
        let found = read_ranges(&here, vec![7..9, 0..2, 1..100], RangesOptions { coalesce: 0, in_flight: 2 }).await;
        assert_eq!(found.unwrap(), [&b"78"[..], b"01", b"123456789"], "{whose}");
        let wrong = GetOptions { if_match: Some("\"other\"".into()), ..GetOptions::default() };
        assert_eq!(open(&here, wrong).await.err().unwrap().kind(), ErrorKind::Precondition, "{whose}");
        let missing = stat(&spot(&place, "missing")).await.unwrap_err();
        assert_eq!((missing.kind(), missing.operation()), (ErrorKind::NotFound, "head"), "{whose}");
    }
}

#[tokio::test]
async fn a_reader_gives_what_was_asked_for_wherever_that_is() {
    for (whose, place) in places() {
        put(&place, "a", b"0123456789").await;
        for size in [None, Some(10)] {
            let mut reader = Reader::open(spot(&place, "a"), ReaderOptions { buffer: 3, size }).await.unwrap();
            for (at, length) in [(0, 1), (1, 4), (5, 100), (2, 2), (9, 1), (10, 1), (50, 5), (0, 10), (3, 0)] {
                let pieces = reader.read(at, length).await.unwrap().concat();
                let expected = &b"0123456789"[at.min(10) as usize..(at + length).min(10) as usize];
                assert_eq!(pieces, expected, "{whose} {at} {length}");
            }
        }
        let wrong = Reader::open(spot(&place, "a"), ReaderOptions { buffer: 3, size: Some(9) }).await;
        let refused = match wrong {
            Ok(mut reader) => reader.read(0, 9).await.err(),
            Err(error) => Some(error),
        };
        assert_eq!(refused.unwrap().kind(), ErrorKind::Precondition, "{whose}");
    }
}

#[tokio::test]
async fn a_listing_has_a_prefix_an_offset_and_levels() {
    for (whose, place) in places() {
        for key in ["a/b/c", "a/b-c", "a/bc", "b"] {
            put(&place, key, b"").await;
        }
        let mut all = keys(&place, "", None).await;
        all.sort();
        assert_eq!(all, ["a/b-c", "a/b/c", "a/bc", "b"], "{whose}");
        assert_eq!(keys(&place, "a/b/", None).await, ["a/b/c"], "{whose}");
        let mut text = keys(&place, "a/b", None).await;
        text.sort();
        assert_eq!(text, ["a/b-c", "a/b/c", "a/bc"], "{whose}");
        assert_eq!(keys(&place, "a/", Some("a/b/c")).await, ["a/bc"], "{whose}");
        let (found, folders) = list_level(&place, "a/", &Context::new("list", "test:///")).await.unwrap();
        let mut found: Vec<_> = found.into_iter().map(|meta| meta.key).collect();
        found.sort();
        assert_eq!((found, folders), (vec!["a/b-c".to_owned(), "a/bc".to_owned()], vec!["a/b/".to_owned()]), "{whose}");
    }
}

#[tokio::test]
async fn objects_are_copied_renamed_and_removed() {
    for (whose, place) in places() {
        put(&place, "a", b"body").await;
        put(&place, "taken", b"old").await;
        let at = |key: &str| spot(&place, key);
        let refused = copy_to(&at("a"), &at("taken"), true).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists, "{whose}");
        copy_to(&at("a"), &at("b"), true).await.unwrap();
        rename(&at("b"), &at("taken"), false).await.unwrap();
        rename(&at("a"), &at("a"), false).await.unwrap();
        assert_eq!(rename(&at("x"), &at("x"), false).await.unwrap_err().kind(), ErrorKind::NotFound, "{whose}");
        assert_eq!((body(&place, "a").await, body(&place, "taken").await), (b"body".to_vec(), b"body".to_vec()));
        let context = Context::new("delete", "test:///");
        let uri = |key: &str| format!("test:///{key}");
        remove(&place, vec!["a".into(), "missing".into(), "taken".into()], uri, &context).await.unwrap();
        assert!(keys(&place, "", None).await.is_empty(), "{whose}");
        let unsigned = sign(&at("a"), "GET", std::time::Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(unsigned.kind(), ErrorKind::NotSupported, "{whose}");
    }
}

#[tokio::test]
async fn a_writer_makes_one_object_of_its_pieces_or_none() {
    for (whose, place) in places() {
        for (pieces, in_parts) in [(3, None), (3, Some(true)), (12, None), (12, Some(false))] {
            let mut writer = Writer::new(spot(&place, "w"), options(in_parts)).unwrap();
            for number in 0..pieces {
                writer.push(Bytes::from(vec![number; 1 << 20]));
                writer.send().await.unwrap();
            }
            assert!(stat(&spot(&place, "w")).now_or_never().is_none_or(|found| found.is_err()), "{whose}");
            writer.finish().await.unwrap();
            let expected: Vec<u8> = (0..pieces).flat_map(|number| vec![number; 1 << 20]).collect();
            assert!(body(&place, "w").await == expected, "{whose} {pieces} {in_parts:?}");
            let again = writer.finish().await.unwrap_err();
            assert!(again.to_string().contains("already"), "{again}");
            remove(&place, vec!["w".into()], |key| key.to_owned(), &Context::new("delete", "w")).await.unwrap();
        }
        let mut given_up = Writer::new(spot(&place, "w"), options(None)).unwrap();
        given_up.push(Bytes::from(vec![0; 11 << 20]));
        given_up.send().await.unwrap();
        given_up.abort().await.unwrap();
        assert!(given_up.finish().await.is_err(), "{whose}");
        assert!(keys(&place, "", None).await.is_empty(), "{whose}");
        let put = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        for outcome in [None, Some(ErrorKind::AlreadyExists)] {
            let mut writer =
                Writer::new(spot(&place, "w"), WriterOptions { put: put.clone(), ..options(None) }).unwrap();
            writer.push(Bytes::from_static(b"x"));
            assert_eq!(writer.finish().await.err().map(|error| error.kind()), outcome, "{whose}");
        }
    }
}

#[tokio::test]
async fn a_file_becomes_an_object_and_one_that_is_changed_meanwhile_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    for (whose, place) in places() {
        for size in [0, 10, 12 << 20] {
            std::fs::write(&file, vec![7; size]).unwrap();
            put_file(spot(&place, "f"), &file, options(None)).await.unwrap();
            assert_eq!(body(&place, "f").await.len(), size, "{whose}");
        }
        let missing = put_file(spot(&place, "f"), &folder.path().join("none"), options(None)).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound, "{whose}");
        let long = std::fs::File::options().write(true).open(&file).unwrap();
        long.set_len(600 << 20).unwrap();
        let writing = tokio::spawn({
            let (spot, file) = (spot(&place, "g"), file.clone());
            async move { put_file(spot, &file, options(None)).await }
        });
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        long.set_len(3).unwrap();
        let changed = writing.await.unwrap().unwrap_err();
        assert_eq!(changed.kind(), ErrorKind::Precondition, "{whose} {changed}");
        assert!(!keys(&place, "", None).await.contains(&"g".to_owned()), "{whose}");
    }
}
