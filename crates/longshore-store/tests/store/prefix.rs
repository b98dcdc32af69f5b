//! A prefix is before every key, and nobody sees it.

use futures::TryStreamExt;
use futures_executor::block_on;
use longshore_store::MaybePrefixedStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

fn keys(store: &impl ObjectStore, prefix: Option<&str>) -> Vec<String> {
    let prefix = prefix.map(Path::from);
    let found: Vec<_> = block_on(store.list(prefix.as_ref()).try_collect()).unwrap();
    let mut keys: Vec<_> = found.into_iter().map(|found| found.location.to_string()).collect();
    keys.sort();
    keys
}

#[test]
fn keys_are_relative_to_the_prefix_in_every_answer() {
    let inner = InMemory::new();
    block_on(inner.put(&"other/x".into(), "x".into())).unwrap();
    let store = MaybePrefixedStore::new(inner, Some("data/a"));
    block_on(async {
        store.put(&"b/c".into(), "c".into()).await.unwrap();
        store.put(&"d".into(), "d".into()).await.unwrap();
        let found = store.get(&"b/c".into()).await.unwrap();
        assert_eq!(found.meta.location, Path::from("b/c"));
        assert_eq!(found.bytes().await.unwrap(), "c");
        let level = store.list_with_delimiter(None).await.unwrap();
        assert_eq!(level.common_prefixes, [Path::from("b")]);
        assert_eq!(level.objects[0].location, Path::from("d"));
        store.copy(&"d".into(), &"e".into()).await.unwrap();
        store.rename(&"e".into(), &"f".into()).await.unwrap();
        store.delete(&"d".into()).await.unwrap();
        let later: Vec<_> = store.list_with_offset(None, &"c".into()).try_collect().await.unwrap();
        assert_eq!(later.iter().map(|found| found.location.as_ref()).collect::<Vec<_>>(), ["f"]);
    });
    assert_eq!(keys(&store, None), ["b/c", "f"]);
    assert_eq!(keys(&store, Some("b")), ["b/c"]);
    assert_eq!(keys(store.inner(), None), ["data/a/b/c", "data/a/f", "other/x"]);
}

#[test]
fn an_empty_prefix_is_none() {
    let store = MaybePrefixedStore::new(InMemory::new(), Some(""));
    assert_eq!(store.prefix(), None);
    block_on(store.put(&"a".into(), "a".into())).unwrap();
    assert_eq!(keys(&store, None), ["a"]);
}
