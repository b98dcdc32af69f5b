//! Every option that a caller can say arrives as it was said, in each version that has it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt};
use longshore_ffi::v0_14::ForeignStore;
use longshore_ffi::{Exported, Sign, SignRequest};
use object_store_014::path::Path;
use object_store_014::{
    Attribute, Attributes, CopyMode, CopyOptions, Error, GetOptions, GetRange, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, RenameTargetMode, Result, TagSet, UpdateVersion,
};

use crate::doubles::World;

/// Notes what it is asked, and does nothing.
#[derive(Debug, Default, Clone)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    fn note<T>(&self, said: String) -> Result<T> {
        self.0.lock().unwrap().push(said);
        Err(Error::NotImplemented { operation: "everything".into(), implementer: "Recorder".into() })
    }

    fn noted(&self) -> String {
        self.0.lock().unwrap().pop().unwrap_or_default()
    }
}

impl fmt::Display for Recorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Recorder")
    }
}

/// In one order, whatever the hash.
fn sorted(attributes: &Attributes) -> Vec<String> {
    let mut sorted: Vec<_> = attributes.iter().map(|(key, value)| format!("{key:?}={}", value.as_ref())).collect();
    sorted.sort();
    sorted
}

#[async_trait::async_trait]
impl ObjectStore for Recorder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let lengths: Vec<_> = payload.iter().map(|bytes| bytes.len()).collect();
        let (mode, tags, attributes) = (options.mode, options.tags, sorted(&options.attributes));
        self.note(format!("put {location} {lengths:?} {mode:?} {} {attributes:?}", tags.encoded()))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.note(format!("upload {location} {} {:?}", options.tags.encoded(), sorted(&options.attributes)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.note(format!("get {location} {options:?}"))
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let everything = self.note("delete".into());
        futures_util::stream::iter([everything]).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        futures_util::stream::iter([self.note(format!("list {prefix:?}"))]).boxed()
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        futures_util::stream::iter([self.note(format!("list {prefix:?} after {offset}"))]).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.note(format!("level {prefix:?}"))
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.note(format!("copy {from} {to} {:?}", options.mode))
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.note(format!("rename {from} {to} {:?}", options.target_mode))
    }
}

/// Asks the store at home and the one abroad, and compares what the recorder noted.
fn both<T>(ask: impl AsyncFn(&dyn ObjectStore) -> Result<T>) -> String {
    let (world, recorder) = (World::new(), Recorder::default());
    let abroad = ForeignStore::new(world.export(recorder.clone()));
    let here = futures_executor::block_on(ask(&recorder)).err().unwrap().to_string();
    let noted = recorder.noted();
    let there = futures_executor::block_on(ask(&abroad)).err().unwrap().to_string();
    assert_eq!(noted, recorder.noted());
    assert_eq!(here, there);
    noted
}

fn everything() -> (TagSet, Attributes) {
    let mut tags = TagSet::default();
    tags.push("owner & co", "x=y/ü");
    tags.push("empty", "");
    let attributes = Attributes::from_iter([
        (Attribute::CacheControl, "no-store"),
        (Attribute::ContentDisposition, "inline"),
        (Attribute::ContentEncoding, "zstd"),
        (Attribute::ContentLanguage, "en"),
        (Attribute::ContentType, "text/plain"),
        (Attribute::StorageClass, "COLD"),
        (Attribute::Metadata("content-type".into()), "not the real one"),
        (Attribute::Metadata("".into()), ""),
    ]);
    (tags, attributes)
}

#[test]
fn every_option_of_a_get_arrives() {
    let time = |seconds: i64| Some(chrono::DateTime::from_timestamp_nanos(seconds * 1_000_000_000 + 123_456_789));
    let all = GetOptions::new()
        .with_if_match(Some("\"a\", \"b\""))
        .with_if_none_match(Some("*"))
        .with_if_modified_since(time(1_700_000_000))
        .with_if_unmodified_since(time(-5))
        .with_range(Some(GetRange::Suffix(7)))
        .with_version(Some("v 1"))
        .with_head(true);
    let noted = both(async |store| store.get_opts(&Path::from("a/b c/ü"), all.clone()).await);
    assert!(noted.contains("Suffix(7)") && noted.contains("v 1") && noted.contains("head: true"), "{noted}");
    for range in [GetRange::Bounded(3..9), GetRange::Offset(u64::MAX), GetRange::Bounded(0..u64::MAX)] {
        both(async |store| store.get_opts(&Path::from("k"), GetOptions::new().with_range(Some(range.clone()))).await);
    }
    // Said and empty is not the same as not said.
    let noted = both(async |store| store.get_opts(&Path::from("k"), GetOptions::new().with_if_match(Some(""))).await);
    assert!(noted.contains("if_match: Some(\"\")"), "{noted}");
}

#[test]
fn every_option_of_a_put_arrives() {
    let (tags, attributes) = everything();
    let update = |e_tag: Option<&str>, version: Option<&str>| {
        PutMode::Update(UpdateVersion { e_tag: e_tag.map(str::to_owned), version: version.map(str::to_owned) })
    };
    for mode in [
        PutMode::Overwrite,
        PutMode::Create,
        update(Some("\"1\""), None),
        update(None, Some("v")),
        update(Some(""), Some("v")),
    ] {
        let options = PutOptions { mode, tags: tags.clone(), attributes: attributes.clone(), ..Default::default() };
        let payload: PutPayload =
            ["one", "", "three"].map(|text| bytes::Bytes::from_static(text.as_bytes())).into_iter().collect();
        both(async |store| store.put_opts(&Path::from("k"), payload.clone(), options.clone()).await);
    }
    let options = PutMultipartOptions { tags, attributes, ..Default::default() };
    let noted = both(async |store| store.put_multipart_opts(&Path::from("k"), options.clone()).await);
    assert!(noted.contains("COLD") && noted.contains("owner"), "{noted}");
}

#[test]
fn every_way_to_list_copy_and_rename_arrives() {
    let (one, two) = (Path::from("a"), Path::from("b"));
    for prefix in [None, Some(&one)] {
        both(async |store| store.list(prefix).next().await.unwrap());
        both(async |store| store.list_with_offset(prefix, &two).next().await.unwrap());
        both(async |store| store.list_with_delimiter(prefix).await);
    }
    for mode in [CopyMode::Overwrite, CopyMode::Create] {
        both(async |store| store.copy_opts(&one, &two, CopyOptions::new().with_mode(mode)).await);
    }
    for mode in [RenameTargetMode::Overwrite, RenameTargetMode::Create] {
        both(async |store| store.rename_opts(&one, &two, RenameOptions::new().with_target_mode(mode)).await);
    }
}

#[test]
fn the_older_versions_say_the_same() {
    use object_store_011::ObjectStore as _;
    let (world, recorder) = (World::new(), Recorder::default());
    let oldest = longshore_ffi::v0_11::ForeignStore::new(world.export(recorder.clone()));
    let ask = |options| {
        let path = object_store_011::path::Path::from("k");
        futures_executor::block_on(oldest.get_opts(&path, options)).unwrap_err();
        recorder.noted()
    };
    let noted = ask(object_store_011::GetOptions {
        range: Some(object_store_011::GetRange::Bounded(1..3)),
        if_match: Some("e".into()),
        version: Some("v".into()),
        head: true,
        ..Default::default()
    });
    let expected =
        GetOptions::new().with_range(Some(1..3)).with_if_match(Some("e")).with_version(Some("v")).with_head(true);
    assert_eq!(noted, format!("get k {expected:?}"));
    let error = futures_executor::block_on(oldest.copy(&"a".into(), &"b".into())).unwrap_err();
    assert!(matches!(error, object_store_011::Error::NotImplemented), "{error:?}");
}

struct Signer;

impl Sign for Signer {
    fn sign<'a>(&'a self, path: &'a Path, request: &'a SignRequest) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move { Ok(format!("https://signed/{path}?{}&{:?}", request.method, request.expires)) })
    }
}

#[test]
fn urls_are_signed_where_somebody_can() {
    let world = World::new();
    let exported = Exported { signer: Some(Arc::new(Signer)), ..Exported::new(Arc::new(Recorder::default())) };
    let abroad = ForeignStore::new(world.exporter.export(exported));
    let paths = ["a/b", "c"].map(Path::from);
    let sign = |store: ForeignStore| {
        let paths = paths.clone();
        futures_executor::block_on(async move { store.signed_urls("PUT", &paths, Duration::from_secs(90)).await })
    };
    assert_eq!(sign(abroad).unwrap(), ["https://signed/a/b?PUT&90s", "https://signed/c?PUT&90s"]);
    let error = sign(ForeignStore::new(world.export(Recorder::default()))).unwrap_err();
    assert!(matches!(error, Error::NotSupported { .. }), "{error:?}");
}

#[test]
fn a_store_that_answers_once_for_a_whole_batch_is_understood() {
    let (world, recorder) = (World::new(), Recorder::default());
    let abroad = ForeignStore::new(world.export(recorder));
    let paths = futures_util::stream::iter(["a", "b", "c"].map(|path| Ok(Path::from(path)))).boxed();
    let answers: Vec<_> = futures_executor::block_on(abroad.delete_stream(paths).collect());
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::NotImplemented { .. }))), "{answers:?}");
    assert!(futures_executor::block_on(abroad.delete(&Path::from("a"))).is_err());
}
