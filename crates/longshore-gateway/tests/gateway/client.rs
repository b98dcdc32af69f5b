//! object_store's own S3 client, and its own suite of what a store must do, over memory and over a folder.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use longshore_ffi::v0_14::ForeignStore;
use longshore_ffi::{Exported, Exporter};
use longshore_gateway::{Gateway, GatewayBuilder};
use object_store::aws::AmazonS3;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    GetOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, integration,
};

use crate::{client_of, signed};

/// A new gateway over memory, and one over an empty folder.
fn both() -> Vec<(GatewayBuilder, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().expect("a folder");
    vec![(Gateway::builder().memory(), None), (Gateway::builder().folder(folder.path()), Some(folder))]
}

#[tokio::test(flavor = "multi_thread")]
async fn object_stores_own_suite_passes() {
    for (builder, _folder) in both() {
        let (_gateway, client) = signed(builder);
        suite(&client, &client).await;
    }
}

/// Through the table of C functions by which modules that were built apart use one store.
#[tokio::test(flavor = "multi_thread")]
async fn object_stores_own_suite_passes_in_another_module() {
    for (builder, _folder) in both() {
        let (_gateway, client) = signed(builder);
        let client = Arc::new(client);
        let exporter = Exporter::new(tokio::runtime::Handle::current(), longshore_ffi::Settings::default());
        let abroad = ForeignStore::new(exporter.export(Exported::new(Arc::clone(&client) as Arc<dyn ObjectStore>)));
        // Pages are not of the interface, and are asked of the client itself.
        suite(&abroad, &client).await;
    }
}

async fn suite(store: &impl ObjectStore, pages: &AmazonS3) {
    integration::put_get_delete_list(store).await;
    integration::get_opts(store).await;
    integration::put_opts(store, true).await;
    clear(store).await;
    integration::stream_get(store).await;
    integration::list_uses_directories_correctly(store).await;
    integration::list_with_delimiter(store).await;
    integration::rename_and_copy(store).await;
    integration::copy_if_not_exists(store).await;
    integration::copy_rename_nonexistent_object(store).await;
    integration::put_get_attributes(store).await;
    clear(store).await;
    integration::list_paginated(store, pages).await;
    integration::list_with_offset_exclusivity(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_become_one_object_and_are_never_listed() {
    for (builder, _folder) in both() {
        let (_gateway, client) = signed(builder);
        let key = Path::from("large");
        let part = |byte: u8| PutPayload::from(vec![byte; 6 << 20]);
        let mut upload = client.put_multipart(&key).await.unwrap();
        upload.put_part(part(1)).await.unwrap();
        upload.put_part(part(2)).await.unwrap();
        assert_eq!(names(&client).await, [""; 0]);
        upload.complete().await.unwrap();
        assert_eq!(names(&client).await, ["large"]);
        let seam = client.get_range(&key, (6 << 20) - 1..(6 << 20) + 1).await.unwrap();
        assert_eq!(&seam[..], [1, 2]);
        assert_eq!(client.head(&key).await.unwrap().size, 12 << 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_upload_leaves_nothing() {
    let store = Arc::new(InMemory::new());
    let (_gateway, client) = signed(Gateway::builder().store(store.clone()));
    let mut upload = client.put_multipart(&Path::from("large")).await.unwrap();
    upload.put_part(PutPayload::from(vec![1; 6 << 20])).await.unwrap();
    upload.abort().await.unwrap();
    let left: Vec<_> = store.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
    assert_eq!(left, [".longshore/bucket/marker"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_create_one_key_exactly_one_wins() {
    for (builder, _folder) in both() {
        let (_gateway, client) = signed(builder);
        let create = |index: u8| {
            let client = client.clone();
            async move {
                let body = PutPayload::from(vec![index; 10]);
                client.put_opts(&Path::from("one"), body, PutOptions::from(PutMode::Create)).await.is_ok()
            }
        };
        let won: Vec<bool> = futures::stream::iter(0..32).map(create).buffer_unordered(32).collect().await;
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_never_sees_one_versions_bytes_with_anothers_etag() {
    for (builder, _folder) in both() {
        let (_gateway, client) = signed(builder);
        let key = Path::from("changing");
        client.put(&key, PutPayload::from(vec![0; 1000])).await.unwrap();
        let writer = {
            let (client, key) = (client.clone(), key.clone());
            tokio::spawn(async move {
                for byte in 1..150 {
                    client.put(&key, PutPayload::from(vec![byte; 1000 + usize::from(byte)])).await.unwrap();
                }
            })
        };
        let mut etags = std::collections::HashMap::new();
        while !writer.is_finished() {
            let result = client.get_opts(&key, GetOptions::default()).await.unwrap();
            let etag = result.meta.e_tag.clone().unwrap();
            let bytes = result.bytes().await.unwrap();
            assert!(bytes.iter().all(|byte| *byte == bytes[0]) && bytes.len() == 1000 + usize::from(bytes[0]));
            assert_eq!(*etags.entry(etag).or_insert(bytes[0]), bytes[0]);
        }
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_delete_is_a_batch_and_a_get_has_no_head_before_it() {
    let (gateway, client) = signed(Gateway::builder().memory());
    for index in 0..20 {
        client.put(&Path::from(format!("k/{index}")), "body".into()).await.unwrap();
    }
    gateway.reset_stats();
    client.get(&Path::from("k/1")).await.unwrap().bytes().await.unwrap();
    let keys = client.list(None).map_ok(|meta| meta.location).boxed();
    client.delete_stream(keys).try_collect::<Vec<_>>().await.unwrap();
    let stats = gateway.stats();
    let counts = ["GetObject", "HeadObject", "DeleteObjects", "DeleteObject"].map(|name| stats.operation(name));
    assert_eq!(counts, [1, 0, 1, 0], "{stats:?}");
    assert!(stats.connections <= 1, "one pool goes on: {stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_refused() {
    let (gateway, _client) = signed(Gateway::builder().memory());
    let error = client_of(&gateway, "wrong").head(&Path::from("key")).await.unwrap_err();
    assert!(matches!(error, object_store::Error::PermissionDenied { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_put_into_the_store_by_others_are_served() {
    let store = Arc::new(InMemory::new());
    store.put(&Path::from("theirs/a key"), "body".into()).await.unwrap();
    let (gateway, _client) = signed(Gateway::builder().store(store.clone()));
    let answer = crate::wire::get(&gateway, "/theirs/a%20key");
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"body".as_slice()));
    let listed = crate::wire::get(&gateway, "/theirs?list-type=2");
    assert!(String::from_utf8_lossy(&listed.body).contains("<Key>a key</Key>"));
    let etag = answer.header("etag").unwrap().to_owned();
    store.put(&Path::from("theirs/a key"), "another".into()).await.unwrap();
    let answer = crate::wire::get(&gateway, "/theirs/a%20key");
    assert_eq!(answer.body, b"another");
    assert_ne!(answer.header("etag"), Some(etag.as_str()));
}

/// Some cases of the suite leave objects behind that others stumble over.
async fn clear(client: &impl ObjectStore) {
    let keys = client.list(None).map_ok(|meta| meta.location).boxed();
    client.delete_stream(keys).try_collect::<Vec<_>>().await.unwrap();
}

async fn names(client: &AmazonS3) -> Vec<String> {
    client.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap()
}
