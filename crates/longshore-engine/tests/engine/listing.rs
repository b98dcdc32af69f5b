use longshore_config::Location;
use longshore_engine::{Context, ErrorKind, Progress, expand, list};
use longshore_gateway::{FaultAction, FaultRule};

use crate::place::{everywhere, s3};

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
