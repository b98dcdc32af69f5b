//! The own suite of each older version, over a store of 0.14 behind a table.

use object_store_014::memory::InMemory;

use crate::doubles::World;

/// Runs on a runtime that is not the exporter's.
fn elsewhere(suite: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(suite);
}

macro_rules! suite {
    ($name:ident $version:ident $object_store:ident $($more:ident)*) => {
        #[test]
        fn $name() {
            use $object_store::integration::*;
            let world = World::new();
            let abroad = longshore_ffi::$version::ForeignStore::new(world.export(InMemory::new()));
            elsewhere(async {
                put_get_delete_list(&abroad).await;
                get_opts(&abroad).await;
                list_uses_directories_correctly(&abroad).await;
                list_with_delimiter(&abroad).await;
                rename_and_copy(&abroad).await;
                copy_if_not_exists(&abroad).await;
                copy_rename_nonexistent_object(&abroad).await;
                stream_get(&abroad).await;
                put_opts(&abroad, true).await;
                put_get_attributes(&abroad).await;
                multipart_race_condition(&abroad, true).await;
                $($more(&abroad).await;)*
            });
            world.settles(0);
        }
    };
}

suite! { a_store_of_0_14_is_one_of_0_13 v0_13 object_store_013 list_with_offset_exclusivity multipart_out_of_order }
suite! { a_store_of_0_14_is_one_of_0_12 v0_12 object_store_012 multipart_out_of_order }

/// The suite of 0.11 does not compile with today's Rust, so this is ours.
#[test]
fn a_store_of_0_14_is_one_of_0_11() {
    use futures_util::{StreamExt, TryStreamExt};
    use object_store_011::path::Path;
    use object_store_011::{
        Attribute, Attributes, Error, GetOptions, GetRange, ObjectStore, PutMode, PutMultipartOpts, PutOptions, TagSet,
        UpdateVersion,
    };

    let world = World::new();
    let abroad = longshore_ffi::v0_11::ForeignStore::new(world.export(InMemory::new()));
    elsewhere(async {
        let (one, two, three) = (Path::from("a/1"), Path::from("a/b/2"), Path::from("c"));
        let mut tags = TagSet::default();
        tags.push("owner &", "x=y");
        let attributes = Attributes::from_iter([
            (Attribute::ContentType, "text/plain"),
            (Attribute::Metadata("colour".into()), "blue"),
        ]);
        let options = PutOptions { mode: PutMode::Create, tags, attributes: attributes.clone() };
        let put = abroad.put_opts(&one, "0123456789".into(), options.clone()).await.unwrap();
        let error = abroad.put_opts(&one, "x".into(), options).await.unwrap_err();
        assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}");
        let update = PutMode::Update(UpdateVersion { e_tag: Some("\"none\"".into()), version: None });
        let error = abroad.put_opts(&one, "x".into(), update.into()).await.unwrap_err();
        assert!(matches!(error, Error::Precondition { .. }), "{error:?}");

        let answer = abroad.get(&one).await.unwrap();
        assert_eq!((answer.attributes.clone(), answer.range.clone()), (attributes, 0..10));
        assert_eq!((answer.meta.size, answer.meta.e_tag.clone()), (10, put.e_tag.clone()));
        assert_eq!(answer.bytes().await.unwrap(), "0123456789");
        assert_eq!(abroad.get_range(&one, 2..5).await.unwrap(), "234");
        assert_eq!(abroad.get_ranges(&one, &[7..9, 0..1]).await.unwrap(), ["78", "0"]);
        for (range, expected) in [(GetRange::Suffix(3), "789"), (GetRange::Offset(8), "89")] {
            let options = GetOptions { range: Some(range), ..Default::default() };
            assert_eq!(abroad.get_opts(&one, options).await.unwrap().bytes().await.unwrap(), expected);
        }
        let known = GetOptions { if_none_match: put.e_tag, ..Default::default() };
        let error = abroad.get_opts(&one, known).await.unwrap_err();
        assert!(matches!(error, Error::NotModified { .. }), "{error:?}");
        assert!(matches!(abroad.head(&two).await.unwrap_err(), Error::NotFound { .. }));

        let mut upload = abroad.put_multipart_opts(&two, PutMultipartOpts::default()).await.unwrap();
        let (first, second) = (upload.put_part("first,".into()), upload.put_part("second".into()));
        second.await.unwrap();
        first.await.unwrap();
        upload.complete().await.unwrap();
        assert_eq!(abroad.get(&two).await.unwrap().bytes().await.unwrap(), "first,second");
        let mut upload = abroad.put_multipart(&three).await.unwrap();
        upload.put_part("x".into()).await.unwrap();
        upload.abort().await.unwrap();
        assert!(matches!(abroad.head(&three).await.unwrap_err(), Error::NotFound { .. }));

        abroad.copy(&one, &three).await.unwrap();
        let error = abroad.copy_if_not_exists(&one, &three).await.unwrap_err();
        assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}");
        let error = abroad.rename_if_not_exists(&two, &three).await.unwrap_err();
        assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}");
        abroad.rename(&three, &Path::from("d")).await.unwrap();
        let names = |objects: Vec<object_store_011::ObjectMeta>| {
            objects.into_iter().map(|object| object.location.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(abroad.list(None).try_collect().await.unwrap()), ["a/1", "a/b/2", "d"]);
        assert_eq!(names(abroad.list_with_offset(None, &one).try_collect().await.unwrap()), ["a/b/2", "d"]);
        let level = abroad.list_with_delimiter(Some(&Path::from("a"))).await.unwrap();
        assert_eq!((names(level.objects), level.common_prefixes), (vec!["a/1".into()], vec![Path::from("a/b")]));

        let paths = futures_util::stream::iter([one, two].map(Ok)).boxed();
        assert_eq!(abroad.delete_stream(paths).try_collect::<Vec<_>>().await.unwrap().len(), 2);
        abroad.delete(&Path::from("d")).await.unwrap();
        assert_eq!(abroad.list(None).count().await, 0);
    });
    world.settles(0);
}

#[test]
fn what_a_version_has_no_name_for_is_left_out_or_refused() {
    use object_store_014::{Attribute, Attributes, ObjectStore as _, ObjectStoreExt as _};
    let world = World::new();
    let table = world.export(InMemory::new());
    let newest = longshore_ffi::v0_14::ForeignStore::new(table.retained().unwrap());
    let oldest = longshore_ffi::v0_11::ForeignStore::new(table);
    elsewhere(async {
        let attributes =
            Attributes::from_iter([(Attribute::StorageClass, "COLD"), (Attribute::ContentType, "text/plain")]);
        newest.put_opts(&"k".into(), "x".into(), attributes.into()).await.unwrap();
        let attributes = object_store_011::ObjectStore::get(&oldest, &"k".into()).await.unwrap().attributes;
        assert_eq!(attributes.len(), 1);
        assert_eq!(newest.get(&"k".into()).await.unwrap().attributes.len(), 2);

        let missing = object_store_011::ObjectStore::get(&oldest, &"no".into()).await.unwrap_err();
        assert!(matches!(missing, object_store_011::Error::NotFound { .. }), "{missing:?}");
    });
}

#[test]
fn a_conditional_put_has_one_winner_whatever_the_versions() {
    use object_store_011::ObjectStore as _;
    use object_store_014::ObjectStore as _;
    let world = World::new();
    let table = world.export(InMemory::new());
    for round in 0..50 {
        let newest = longshore_ffi::v0_14::ForeignStore::new(table.retained().unwrap());
        let oldest = longshore_ffi::v0_11::ForeignStore::new(table.retained().unwrap());
        let key = format!("k{round}");
        let (one, other) = std::thread::scope(|scope| {
            let one = scope.spawn(|| {
                let create = object_store_014::PutMode::Create.into();
                let path = object_store_014::path::Path::from(key.as_str());
                let put = newest.put_opts(&path, "new".into(), create);
                futures_executor::block_on(put)
                    .map_err(|error| matches!(error, object_store_014::Error::AlreadyExists { .. }))
            });
            let other = scope.spawn(|| {
                let create = object_store_011::PutMode::Create.into();
                let path = object_store_011::path::Path::from(key.as_str());
                let put = oldest.put_opts(&path, "old".into(), create);
                futures_executor::block_on(put)
                    .map_err(|error| matches!(error, object_store_011::Error::AlreadyExists { .. }))
            });
            (one.join().unwrap(), other.join().unwrap())
        });
        assert!(matches!((&one, &other), (Ok(_), Err(true)) | (Err(true), Ok(_))), "{one:?} {other:?}");
    }
}
