//! What `object_store` promises holds on the other side of a table: its own suite, and what that leaves out.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use longshore_ffi::v0_14::ForeignStore;
use longshore_ffi::{ForeignError, local};
use object_store_014::integration::*;
use object_store_014::local::LocalFileSystem;
use object_store_014::memory::InMemory;
use object_store_014::path::Path;
use object_store_014::{
    Attribute, Attributes, Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    UpdateVersion,
};

use crate::doubles::World;

/// Runs the suite on a runtime that is not the exporter's, and has neither timers nor sockets. (The suite spawns tasks of its own.)
fn elsewhere(suite: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(suite);
}

#[test]
fn a_store_in_memory_behaves_abroad_as_at_home() {
    let world = World::new();
    let home = Arc::new(InMemory::new());
    let abroad = ForeignStore::new(world.exporter.export(longshore_ffi::Exported::new(home.clone())));
    elsewhere(async {
        put_get_delete_list(&abroad).await;
        list_with_offset_exclusivity(&abroad).await;
        get_opts(&abroad).await;
        list_uses_directories_correctly(&abroad).await;
        list_with_delimiter(&abroad).await;
        rename_and_copy(&abroad).await;
        copy_if_not_exists(&abroad).await;
        copy_rename_nonexistent_object(&abroad).await;
        stream_get(&abroad).await;
        put_opts(&abroad, true).await;
        multipart(&abroad, &*home).await;
        multipart_with_opts(&abroad, &*home).await;
        put_get_attributes(&abroad).await;
        multipart_out_of_order(&abroad).await;
        multipart_race_condition(&abroad, true).await;
    });
    world.settles(0);
}

#[test]
fn files_behave_abroad_as_at_home() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let abroad = ForeignStore::new(world.export(LocalFileSystem::new_with_prefix(folder.path()).unwrap()));
    elsewhere(async {
        put_get_delete_list(&abroad).await;
        list_with_offset_exclusivity(&abroad).await;
        get_opts(&abroad).await;
        list_uses_directories_correctly(&abroad).await;
        list_with_delimiter(&abroad).await;
        rename_and_copy(&abroad).await;
        copy_if_not_exists(&abroad).await;
        copy_rename_nonexistent_object(&abroad).await;
        stream_get(&abroad).await;
        put_opts(&abroad, false).await;
    });
}

#[test]
fn a_store_that_went_through_two_tables_behaves_the_same() {
    let (near, far) = (World::new(), World::new());
    let abroad = ForeignStore::new(near.export(ForeignStore::new(far.export(InMemory::new()))));
    elsewhere(async {
        put_get_delete_list(&abroad).await;
        get_opts(&abroad).await;
        list_with_delimiter(&abroad).await;
        rename_and_copy(&abroad).await;
        copy_if_not_exists(&abroad).await;
        stream_get(&abroad).await;
        put_opts(&abroad, true).await;
        put_get_attributes(&abroad).await;
    });
}

#[test]
fn bytes_are_not_copied_on_the_way_out_nor_on_the_way_in() {
    let world = World::new();
    let home = Arc::new(InMemory::new());
    let abroad = ForeignStore::new(world.exporter.export(longshore_ffi::Exported::new(home.clone())));
    let (path, content) = (Path::from("k"), Bytes::from(vec![7; 3 << 20]));
    futures_executor::block_on(async {
        abroad.put(&path, PutPayload::from_bytes(content.clone())).await.unwrap();
        let at_home = home.get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(at_home.as_ptr(), content.as_ptr());
        let chunks: Vec<_> = abroad.get(&path).await.unwrap().into_stream().try_collect().await.unwrap();
        assert_eq!(chunks.iter().map(|chunk| chunk.as_ptr()).collect::<Vec<_>>(), [content.as_ptr()]);
        // Below what arrives with the first answer, too.
        let start = abroad.get_range(&path, 10..20).await.unwrap();
        assert_eq!(start.as_ptr(), content[10..].as_ptr());
        let ranges = abroad.get_ranges(&path, &[5..9, 1..3]).await.unwrap();
        assert_eq!(
            ranges.iter().map(|range| range.as_ptr()).collect::<Vec<_>>(),
            [content[5..].as_ptr(), content[1..].as_ptr()]
        );
    });
}

#[test]
fn a_conditional_put_loses_its_race_by_its_proper_error() {
    let world = World::new();
    let table = world.export(InMemory::new());
    let (one, two) = (ForeignStore::new(table.retained().unwrap()), ForeignStore::new(table));
    let path = Path::from("k");
    futures_executor::block_on(async {
        let create = || PutOptions::from(PutMode::Create);
        let first = one.put_opts(&path, "1".into(), create()).await.unwrap();
        let error = two.put_opts(&path, "2".into(), create()).await.unwrap_err();
        let Error::AlreadyExists { path: at, source } = &error else { panic!("{error:?}") };
        assert_eq!(at, "k");
        assert_eq!(source.downcast_ref::<ForeignError>().map(ForeignError::code), Some(3));

        let update =
            |e_tag: &str| PutOptions::from(PutMode::Update(UpdateVersion { e_tag: Some(e_tag.into()), version: None }));
        let e_tag = first.e_tag.unwrap();
        two.put_opts(&path, "3".into(), update(&e_tag)).await.unwrap();
        let error = one.put_opts(&path, "4".into(), update(&e_tag)).await.unwrap_err();
        assert!(matches!(error, Error::Precondition { .. }), "{error:?}");
        assert_eq!(one.get(&path).await.unwrap().bytes().await.unwrap(), "3");
    });
}

#[test]
fn errors_keep_their_kind_their_path_and_their_reasons() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let home = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let abroad = ForeignStore::new(world.export(LocalFileSystem::new_with_prefix(folder.path()).unwrap()));
    futures_executor::block_on(async {
        let path = Path::from("no/such");
        let (here, there) =
            (world.runtime.block_on(home.get(&path)).unwrap_err(), abroad.get(&path).await.unwrap_err());
        assert!(matches!(there, Error::NotFound { .. }));
        assert_eq!(here.to_string(), there.to_string());
        let chain = |error: &dyn std::error::Error| {
            let mut messages = Vec::new();
            let mut next = error.source();
            while let Some(reason) = next {
                messages.push(reason.to_string());
                next = reason.source();
            }
            messages
        };
        assert_eq!(chain(&here), chain(&there));

        let tagged = Attributes::from_iter([(Attribute::ContentType, "text/plain")]);
        let error = abroad.put_opts(&path, "x".into(), tagged.into()).await.unwrap_err();
        assert!(matches!(error, Error::NotImplemented { .. }), "{error:?}");
    });
}

#[test]
fn a_large_body_comes_in_pieces_that_are_asked_for() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..9_000_000_u32).map(|index| (index % 251) as u8).collect();
    std::fs::write(folder.path().join("large"), &content).unwrap();
    let abroad = ForeignStore::new(world.export(LocalFileSystem::new_with_prefix(folder.path()).unwrap()));
    futures_executor::block_on(async {
        let answer = abroad.get(&Path::from("large")).await.unwrap();
        let chunks: Vec<_> = answer.into_stream().try_collect().await.unwrap();
        let sizes: Vec<_> = chunks.iter().map(Bytes::len).collect();
        let mut expected = vec![256 << 10, 512 << 10];
        expected.extend([1 << 20; 7]);
        expected.push(content.len() - expected.iter().sum::<usize>());
        assert_eq!(sizes, expected);
        assert_eq!(chunks.concat(), content);
        // Given up half-way, it leaves nothing behind.
        let mut half = abroad.get(&Path::from("large")).await.unwrap().into_stream();
        half.next().await.unwrap().unwrap();
        drop(half);
        let range =
            abroad.get_opts(&Path::from("large"), GetOptions::new().with_range(Some(8_999_990..))).await.unwrap();
        assert_eq!(range.range, 8_999_990..9_000_000);
        assert_eq!(range.bytes().await.unwrap(), content[8_999_990..]);
    });
    world.settles(0);
}

#[test]
fn a_listing_longer_than_a_page_is_whole() {
    let world = World::new();
    let home = Arc::new(InMemory::new());
    let abroad = ForeignStore::new(world.exporter.export(longshore_ffi::Exported::new(home.clone())));
    futures_executor::block_on(async {
        for index in 0..2500 {
            home.put(&Path::from(format!("a/{index:04}")), "x".into()).await.unwrap();
            home.put(&Path::from(format!("b/{index:04}/c")), "x".into()).await.unwrap();
        }
        let objects: Vec<_> = abroad.list(Some(&Path::from("a"))).try_collect().await.unwrap();
        assert_eq!(objects, home.list(Some(&Path::from("a"))).try_collect::<Vec<_>>().await.unwrap());
        let after: Vec<_> =
            abroad.list_with_offset(Some(&Path::from("a")), &Path::from("a/2400")).try_collect().await.unwrap();
        assert_eq!(after.len(), 99);
        for prefix in ["a", "b"] {
            let level = abroad.list_with_delimiter(Some(&Path::from(prefix))).await.unwrap();
            let expected = home.list_with_delimiter(Some(&Path::from(prefix))).await.unwrap();
            assert_eq!(
                (level.objects, level.common_prefixes),
                (expected.objects, expected.common_prefixes),
                "{prefix}"
            );
        }
        let paths = futures_util::stream::iter(0..2500).map(|index| Ok(Path::from(format!("a/{index:04}")))).boxed();
        let deleted: Vec<_> = abroad.delete_stream(paths).try_collect().await.unwrap();
        assert_eq!((deleted.len(), deleted[2499].as_ref()), (2500, "a/2499"));
        assert_eq!(home.list(Some(&Path::from("a"))).count().await, 0);
    });
}

#[test]
fn each_path_of_a_delete_has_its_own_answer() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("there"), "x").unwrap();
    let abroad = ForeignStore::new(world.export(LocalFileSystem::new_with_prefix(folder.path()).unwrap()));
    let paths = ["missing", "there", "gone"].map(|path| Ok(Path::from(path)));
    let answers: Vec<_> =
        futures_executor::block_on(abroad.delete_stream(futures_util::stream::iter(paths).boxed()).collect());
    assert!(matches!(&answers[0], Err(Error::NotFound { .. })), "{answers:?}");
    assert!(matches!(&answers[1], Ok(path) if path.as_ref() == "there"), "{answers:?}");
    assert!(matches!(&answers[2], Err(Error::NotFound { .. })), "{answers:?}");
}

#[test]
fn a_store_of_this_binary_is_found_again() {
    let world = World::new();
    let home: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = world.exporter.export(longshore_ffi::Exported::new(Arc::clone(&home)));
    assert!(Arc::ptr_eq(&local(&table).unwrap(), &home));
    let foreign = ForeignStore::new(table);
    assert!(Arc::ptr_eq(&local(foreign.table()).unwrap(), &home));
    drop(foreign);
    assert_eq!(Arc::strong_count(&home), 1);
}
