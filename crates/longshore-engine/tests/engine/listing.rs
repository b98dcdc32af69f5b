use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use longshore_config::Location;
use longshore_engine::{Context, Depth, ErrorKind, Lister, Page, Progress, expand, list, list_pages};
use longshore_gateway::{FaultAction, FaultRule};

use crate::place::{Place, everywhere, s3};
use crate::scripted::{Place as Bucket, Scripted, answer};

/// What a place lists, as names: folders end in a slash.
async fn pages(place: &Place, prefix: &str, depth: Depth) -> Result<Vec<Page>, longshore_engine::Error> {
    let context = Context::new("list", &*place.base);
    list_pages(&place.store(), &format!("{}{prefix}", place.prefix()), depth, &context).try_collect().await
}

fn names(place: &Place, pages: &[Page]) -> Vec<String> {
    let skip = place.prefix().len();
    let objects = pages.iter().flat_map(|page| page.objects.iter().map(|object| &object.key));
    let folders = pages.iter().flat_map(|page| &page.folders);
    objects.chain(folders).map(|key| key[skip..].to_owned()).collect()
}

#[tokio::test]
async fn pages_have_what_the_list_has_and_describe_it() {
    for place in everywhere().await {
        place.fill(&["a/b-", "a/bc", "a/b/d", "a-b", "z"]).await;
        for prefix in ["", "a", "a/", "a/b", "a/b/", "q", "z/"] {
            let found = pages(&place, prefix, Depth::Everything).await.unwrap();
            assert_eq!(names(&place, &found), place.names(prefix).await, "{}{prefix}", place.base);
            for object in found.iter().flat_map(|page| &page.objects) {
                let name = &object.key[place.prefix().len()..];
                let metadata = longshore_engine::head(&place.object(name)).await.unwrap();
                assert_eq!((object.size, &object.e_tag), (name.len() as u64, &metadata.e_tag), "{}", object.key);
                let apart = (object.last_modified - metadata.last_modified).num_milliseconds().abs();
                assert!(apart < 1000, "{} and {}", object.last_modified, metadata.last_modified);
            }
        }
    }
}

#[tokio::test]
async fn a_level_folds_what_goes_on_beyond_the_next_slash() {
    for place in everywhere().await {
        place.fill(&["a/b-", "a/bc", "a/b/d", "a/b/e/f", "a-b", "z", "zz/y"]).await;
        for (prefix, expected) in [
            ("", &["a-b", "z", "a/", "zz/"][..]),
            ("a", &["a-b", "a/"]),
            ("a/", &["a/b-", "a/bc", "a/b/"]),
            ("a/b", &["a/b-", "a/bc", "a/b/"]),
            ("a/b/", &["a/b/d", "a/b/e/"]),
            ("z", &["z", "zz/"]),
            ("q", &[]),
            ("z/", &[]),
        ] {
            let found = pages(&place, prefix, Depth::Level).await.unwrap();
            assert_eq!(names(&place, &found), expected, "{}{prefix}", place.base);
        }
    }
}

#[tokio::test]
async fn odd_keys_are_folded_as_they_are() {
    let place = s3().await;
    place.fill(&["/lead", "a//b", "slash/", "plus+ %25&/x"]).await;
    let found = pages(&place, "", Depth::Level).await.unwrap();
    assert_eq!(names(&place, &found), ["/", "a/", "plus+ %25&/", "slash/"]);
    assert_eq!(names(&place, &pages(&place, "slash/", Depth::Level).await.unwrap()), ["slash/"]);
    assert_eq!(names(&place, &pages(&place, "a/", Depth::Level).await.unwrap()), ["a//"]);
}

#[tokio::test]
async fn a_consumer_that_waits_is_two_pages_ahead_of_and_no_more() {
    let place = s3().await;
    place.fill(&(0..5500).map(|i| format!("k{i:05}")).collect::<Vec<_>>()).await;
    place.server().reset_stats();
    let context = Context::new("list", "s3://bucket");
    let mut pages = list_pages(&place.store(), "", Depth::Everything, &context);
    assert_eq!(pages.next().await.unwrap().unwrap().objects.len(), 1000);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ahead = place.server().stats().operation("ListObjectsV2");
    assert!((2..=3).contains(&ahead), "{ahead} pages were asked for while the first was looked at");
    let rest: Vec<Page> = pages.try_collect().await.unwrap();
    assert_eq!(rest.iter().map(|page| page.objects.len()).sum::<usize>(), 4500);
}

#[tokio::test]
async fn a_page_that_fails_ends_a_stream_with_its_error() {
    let place = s3().await;
    place.fill(&(0..1500).map(|i| format!("k{i:05}")).collect::<Vec<_>>()).await;
    let refused = FaultAction::Status { code: 403, error: "AccessDenied".into(), headers: Vec::new() };
    let page = FaultRule { query_contains: Some("continuation-token".into()), ..FaultRule::new(refused) };
    place.server().faults().add(page);
    let context = Context::new("list", "s3://bucket");
    let mut pages = list_pages(&place.store(), "", Depth::Everything, &context);
    assert!(pages.next().await.unwrap().is_ok());
    assert_eq!(pages.next().await.unwrap().unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(pages.next().await.is_none());
}

#[tokio::test]
async fn a_token_that_repeats_is_an_error_and_not_an_endless_list() {
    let place = s3().await;
    let body = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken>\
        </ListBucketResult>";
    place.server().faults().add(FaultRule::new(FaultAction::Reply {
        code: 200,
        headers: Vec::new(),
        body: body.to_owned(),
    }));
    let error = pages(&place, "", Depth::Everything).await.unwrap_err();
    assert!(error.to_string().contains("repeats a continuation token"), "{error}");
    let context = Context::new("list", "s3://bucket");
    let error = list(&place.store(), "", &context, &Progress::silent()).await.unwrap_err();
    assert!(error.to_string().contains("repeats a continuation token"), "{error}");
}

#[tokio::test]
async fn many_files_come_in_pages_and_in_order() {
    for place in [crate::place::files(), crate::place::memory()] {
        let written: Vec<String> = (0..1200).map(|i| format!("k{i:05}")).collect();
        place.fill(&written).await;
        let found = pages(&place, "", Depth::Everything).await.unwrap();
        assert_eq!(found.iter().map(|page| page.objects.len()).collect::<Vec<_>>(), [1000, 200]);
        assert_eq!(names(&place, &found), written);
        assert_eq!(names(&place, &pages(&place, "", Depth::Level).await.unwrap()), written);
    }
}

#[tokio::test]
async fn a_prefix_is_plain_text_everywhere() {
    for place in everywhere().await {
        place.fill(&["a/b-", "a/bc", "a/b/d", "a-b", "z"]).await;
        assert_eq!(place.names("a/b").await, ["a/b-", "a/b/d", "a/bc"], "{}", place.base);
        assert_eq!(place.names("a").await, ["a-b", "a/b-", "a/b/d", "a/bc"], "{}", place.base);
        assert_eq!(place.names("").await.len(), 5, "{}", place.base);
        assert!(place.names("q").await.is_empty(), "{}", place.base);
    }
}

#[tokio::test]
async fn a_listing_has_every_page() {
    let place = s3().await;
    let names: Vec<String> = (0..2500).map(|i| format!("k{i:05}")).collect();
    place.fill(&names).await;
    assert_eq!(place.names("").await, names);
    assert_eq!(place.server().stats().operation("ListObjectsV2"), 3);
}

#[tokio::test]
async fn a_page_that_fails_is_an_error_and_never_a_short_list() {
    let place = s3().await;
    place.fill(&(0..1500).map(|i| format!("k{i:05}")).collect::<Vec<_>>()).await;
    let page = |action| FaultRule { query_contains: Some("continuation-token".into()), ..FaultRule::new(action) };
    place.server().faults().add(page(FaultAction::Status {
        code: 403,
        error: "AccessDenied".into(),
        headers: Vec::new(),
    }));
    let context = Context::new("list", "s3://bucket");
    let error = list(&place.store(), "", &context, &Progress::silent()).await.unwrap_err();
    assert_eq!((error.kind(), error.status(), error.attempts()), (ErrorKind::PermissionDenied, Some(403), 1));

    place.server().faults().clear();
    place.server().faults().add(page(FaultAction::ShortBody { length: 300 }));
    let error = list(&place.store(), "", &context, &Progress::silent()).await.unwrap_err();
    assert!(error.to_string().contains("unreadable"), "{error}");
}

#[tokio::test]
async fn keys_come_back_as_they_are_however_odd() {
    let place = s3().await;
    let odd = ["/lead", "a//b", "a\u{7f}b", "plus+ %25&<>\"'", "slash/", " spaces ", "ü\u{1F980}"];
    place.fill(&odd).await;
    let mut sorted = odd.map(str::to_owned);
    sorted.sort();
    assert_eq!(place.names("").await, sorted);
    let bodies = place.read(&odd).await.unwrap();
    assert_eq!(bodies, odd.map(|name| name.as_bytes().to_vec()));
}

#[tokio::test]
async fn wildcards_expand_in_key_order_and_an_empty_match_is_an_error() {
    for place in everywhere().await {
        place.fill(&["d/x.npz", "d/a.npz", "d/e/y.npz", "d/z.raw"]).await;
        let find = async |pattern: &str| {
            let location = Location::parse(&format!("{}{pattern}", place.base)).unwrap();
            let context = Context::new("get", location.to_string());
            expand(&place.store(), &location, &context, &Progress::silent()).await
        };
        let uris: Vec<_> = find("d/*.npz").await.unwrap().iter().map(|object| object.uri.to_string()).collect();
        assert_eq!(uris, [format!("{}d/a.npz", place.base), format!("{}d/x.npz", place.base)]);
        assert_eq!(find("d/**.npz").await.unwrap().len(), 3);
        assert_eq!(find("q*").await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_missing_bucket_is_not_an_empty_one() {
    let place = s3().await;
    let context = Context::new("list", "s3://other");
    let error = list(&place.store_of("s3://other/"), "", &context, &Progress::silent()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some("NoSuchBucket")));
}

#[tokio::test]
async fn tokens_that_lead_in_a_circle_are_an_error_and_not_an_endless_list() {
    // Each page names the next of A, B and C, and C's names A.
    let server = Scripted::start(|asked, _| {
        let token =
            asked.target.split(['?', '&']).find_map(|pair| pair.split_once("oken=").or(pair.split_once("marker=")));
        let next = match token {
            Some((_, "A")) => "B",
            Some((_, "B")) => "C",
            _ => "A",
        };
        let page = if asked.target.contains("list-type=2") {
            format!(
                "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>\
                 </ListBucketResult>"
            )
        } else if asked.target.contains("comp=list") {
            format!("<EnumerationResults><Blobs></Blobs><NextMarker>{next}</NextMarker></EnumerationResults>")
        } else {
            format!(r#"{{"nextPageToken": "{next}"}}"#)
        };
        answer(200, "", &page)
    });
    for place in [server.s3("b"), server.gcs("b", &[]), server.azure("b")] {
        let context = place.context("list");
        let paging = list_pages(&place.store, "", Depth::Everything, &context).try_collect::<Vec<_>>();
        let ended = tokio::time::timeout(Duration::from_secs(10), paging).await.expect("it never ends");
        let listed = tokio::time::timeout(Duration::from_secs(10), place.list("")).await.expect("it never ends");
        for error in [ended.unwrap_err(), listed.unwrap_err()] {
            assert!(error.to_string().contains("repeats a continuation token after 3 pages"), "{error}");
        }
    }
    assert_eq!(server.asked().len(), 3 * 2 * 4);
}

/// A listing from `offset`, as keys and versions.
async fn from_offset(place: &Bucket, prefix: &str, offset: &str) -> Vec<(String, Option<String>)> {
    let store = longshore_engine::Place::Own(Arc::clone(&place.store));
    let mut lister = Lister::new(&store, prefix, Some(offset.to_owned()), &place.context("list"));
    let found = lister.next(usize::MAX).await.unwrap();
    found.into_iter().map(|meta| (meta.key, meta.version)).collect()
}

#[tokio::test]
async fn a_server_that_can_is_told_the_offset_and_what_it_sends_is_looked_at_all_the_same() {
    let server = Scripted::start(|asked, _| {
        let keys = ["a/a", "a/b", "a/b-c", "a/c"];
        if asked.target.contains("list-type=2") {
            let all = keys.map(|key| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>")).concat();
            return answer(
                200,
                "",
                &format!("<ListBucketResult><IsTruncated>false</IsTruncated>{all}</ListBucketResult>"),
            );
        }
        if asked.target.starts_with("/storage") {
            let all = keys.map(|key| format!(r#"{{"name": "{key}", "size": "1", "generation": "7"}}"#)).join(",");
            return answer(200, "", &format!(r#"{{"items": [{all}]}}"#));
        }
        let all = keys.map(|key| format!("<Blob><Name>{key}</Name></Blob>")).concat();
        answer(200, "", &format!("<EnumerationResults><Blobs>{all}</Blobs></EnumerationResults>"))
    });
    let gone_on =
        |version: Option<&str>| ["a/b-c", "a/c"].map(|key| (key.to_owned(), version.map(str::to_owned))).to_vec();
    assert_eq!(from_offset(&server.s3("b"), "a/", "a/b").await, gone_on(None));
    assert_eq!(server.count("GET", "start-after=a%2Fb"), 1);
    // Google's offset is one of the names that come.
    assert_eq!(from_offset(&server.gcs("b", &[]), "a/", "a/b").await, gone_on(Some("7")));
    assert_eq!(server.count("GET", "startOffset=a%2Fb"), 1);
    assert_eq!(from_offset(&server.azure("b"), "a/", "a/b").await, gone_on(None));
    // An offset before the prefix leaves nothing out.
    assert_eq!(from_offset(&server.s3("b"), "a/", "Z").await.len(), 4);
    assert_eq!((server.count("GET", "start-after"), server.asked().len()), (1, 4));
}
