use longshore_engine::{
    Context, ErrorKind, copy, create_bucket, delete_bucket, delete_object, exists, head, list_buckets,
};
use longshore_gateway::{FaultAction, FaultRule};

use crate::place::{everywhere, files, memory, s3};

#[tokio::test]
async fn an_object_is_described_without_being_read() {
    for place in everywhere().await {
        place.fill(&["a/five"]).await;
        let metadata = head(&place.object("a/five")).await.unwrap();
        assert_eq!(metadata.size, 6, "{}", place.base);
        assert!(metadata.e_tag.is_some(), "{}", place.base);
        assert!(exists(&place.object("a/five")).await.unwrap());
        assert!(!exists(&place.object("a/six")).await.unwrap());
        assert_eq!(head(&place.object("a/six")).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn objects_are_copied_within_and_between_stores() {
    let places = everywhere().await;
    for from in &places {
        from.fill(&["source"]).await;
        for to in &places {
            copy(&from.object("source"), &to.object("deep/copy")).await.unwrap();
            assert_eq!(to.read(&["deep/copy"]).await.unwrap(), [b"source"], "{} to {}", from.base, to.base);
        }
    }
    let stats = places[0].server().stats();
    assert_eq!(stats.operation("CopyObject"), 1, "inside S3 the server copies");
}

#[tokio::test]
async fn odd_keys_are_copied_and_described() {
    let place = s3().await;
    place.fill(&["a//b c+%"]).await;
    copy(&place.object("a//b c+%"), &place.object("x//y")).await.unwrap();
    assert_eq!(head(&place.object("x//y")).await.unwrap().size, 8);
    assert_eq!(place.read(&["x//y"]).await.unwrap(), [b"a//b c+%"]);
}

#[tokio::test]
async fn a_copy_of_nothing_names_both_ends() {
    let (from, to) = (s3().await, memory());
    let error = copy(&from.object("missing"), &from.object("b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("s3://bucket/missing to s3://bucket/b"), "{error}");
    assert_eq!(copy(&from.object("missing"), &to.object("b")).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn ones_own_bucket_may_be_made_again_and_anothers_may_not() {
    let place = s3().await;
    let context = Context::new("create_bucket", "s3://bucket");
    create_bucket(&place.store(), "", &context).await.unwrap();

    let taken = |code: &str| {
        let action = FaultAction::Status { code: 409, error: code.into(), headers: Vec::new() };
        FaultRule { method: Some("PUT".into()), ..FaultRule::new(action) }
    };
    // Some servers say this of one's own bucket too; it is in the list of buckets.
    place.server().faults().add(taken("BucketAlreadyExists"));
    create_bucket(&place.store(), "", &context).await.unwrap();
    let other = place.store_of("s3://somebodys/");
    let error = create_bucket(&other, "", &context).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
}

#[tokio::test]
async fn a_request_without_credentials_is_refused_by_the_server() {
    let place = s3().await;
    place.fill(&["a"]).await;
    let options = [("endpoint", place.server().endpoint()), ("skip_signature", "true".to_owned())];
    let location = longshore_config::Location::parse("s3://bucket/a").unwrap();
    let environment = longshore_config::Environment::default();
    let mut object = place.object("a");
    object.store = longshore_config::open(&location, options.into_iter().collect(), &environment).unwrap();
    let error = head(&object).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::PermissionDenied, Some(403)), "{error}");
}

#[tokio::test]
async fn a_service_lists_ones_own_buckets_whatever_bucket_the_store_has() {
    let place = s3().await;
    let context = Context::new("list", "s3://");
    let other = place.store_of("s3://no-such-bucket");
    let buckets = list_buckets(&other, &context).await.unwrap();
    assert_eq!(buckets.iter().map(|bucket| bucket.name.as_str()).collect::<Vec<_>>(), ["bucket"]);
    assert!(buckets[0].created.is_some());
    let error = list_buckets(&memory().store(), &context).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
}

#[tokio::test]
async fn a_bucket_is_deleted_when_it_is_empty_and_not_before() {
    for place in [s3().await, files()] {
        place.fill(&["a"]).await;
        let context = Context::new("delete_bucket", &*place.base);
        let error = delete_bucket(&place.store(), &place.prefix(), &context).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BucketNotEmpty, "{error}");
        assert!(error.to_string().contains("delete what is in it first"), "{error}");
        delete_object(&place.object("a")).await.unwrap();
        delete_bucket(&place.store(), &place.prefix(), &context).await.unwrap();
        let error = delete_bucket(&place.store(), &place.prefix(), &context).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    let place = memory();
    delete_bucket(&place.store(), "", &Context::new("delete_bucket", &*place.base)).await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_was_deleted_though_the_answer_was_lost_is_deleted() {
    let place = s3().await;
    let delete = FaultRule { method: Some("DELETE".into()), ..FaultRule::new(FaultAction::LoseAnswer) };
    let lost = place.server().faults().add(FaultRule { times: Some(1), ..delete });
    delete_bucket(&place.store(), "", &Context::new("delete_bucket", "s3://bucket")).await.unwrap();
    assert_eq!(place.server().faults().hits(lost), 1);
}

#[tokio::test]
async fn a_server_that_would_delete_a_bucket_with_its_objects_is_not_asked_to() {
    let place = s3().await;
    place.fill(&["a"]).await;
    let error = delete_bucket(&place.store(), "", &Context::new("delete_bucket", "s3://bucket")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BucketNotEmpty, "{error}");
    assert_eq!(place.server().stats().method("DELETE"), 0);
}
