//! What a tree of folders has that a bucket has not: links, special files, names that are no text.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longshore_config::Location;
use longshore_engine::{
    Cleanup, Context, Discard, Error, ErrorKind, Limits, Memory, Progress, copy, delete_object, delete_prefix, exists,
    expand, get, get_many, head, list, put, put_many,
};

use crate::place::{Place, files};

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/{}{name}", self.prefix()))
    }

    async fn try_list(&self, prefix: &str) -> Result<usize, Error> {
        let whole = format!("{}{prefix}", self.prefix());
        let context = Context::new("list", format!("{}{prefix}", self.base));
        list(&self.store(), &whole, &context, &Progress::silent()).await.map(|entries| entries.len())
    }

    async fn try_expand(&self, pattern: &str) -> Result<Vec<String>, Error> {
        let location = Location::parse(&format!("{}{pattern}", self.base)).unwrap();
        let context = Context::new("get", location.to_string());
        let found = expand(&self.store(), &location, &context, &Progress::silent()).await?;
        Ok(found.into_iter().map(|object| object.key[self.prefix().len()..].to_owned()).collect())
    }

    async fn empty(&self, prefix: &str) -> Result<u64, Error> {
        let whole = format!("{}{prefix}", self.prefix());
        let context = Context::new("delete", format!("{}{prefix}", self.base));
        delete_prefix(&self.store(), &whole, &context, &Progress::silent()).await
    }

    /// What is in a folder, hidden files included.
    fn entries(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn make_pipe(&self, name: &str) {
        assert!(Command::new("mkfifo").arg(self.path(name)).status().unwrap().success());
    }

    /// Closes a folder. `None` where that does not stop us, because we are root.
    fn close(&self, name: &str) -> Option<()> {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o000)).unwrap();
        fs::read_dir(self.path(name)).is_err().then_some(())
    }
}

async fn kind_of_get(place: &Place, name: &str) -> ErrorKind {
    get(place.object(name), &Memory, &Progress::silent()).await.unwrap_err().kind()
}

#[tokio::test]
async fn a_delete_removes_links_and_not_what_they_lead_to() {
    let place = files();
    place.fill(&["precious/a", "run/x", "run/sub/y"]).await;
    symlink(place.path("precious"), place.path("run/link")).unwrap();
    symlink(place.path("precious/a"), place.path("run/sub/file")).unwrap();
    symlink("nowhere", place.path("run/broken")).unwrap();
    symlink("..", place.path("run/sub/loop")).unwrap();
    place.make_pipe("run/pipe");
    assert_eq!(place.empty("run/").await.unwrap(), 7);
    assert_eq!(place.entries("run"), [""; 0]);
    assert_eq!(place.names("").await, ["precious/a"]);

    symlink(place.path("precious"), place.path("alone")).unwrap();
    delete_object(&place.object("alone")).await.unwrap();
    assert_eq!(place.entries(""), ["precious", "run"]);
}

#[tokio::test]
async fn a_delete_of_a_text_prefix_keeps_what_begins_otherwise() {
    let place = files();
    place.fill(&["run1/a", "run2", "rum/a"]).await;
    assert_eq!(place.empty("run").await.unwrap(), 2);
    assert_eq!(place.entries(""), ["rum"]);
}

#[tokio::test]
async fn deleting_the_whole_machine_is_refused() {
    let place = files();
    let context = Context::new("delete", "file:///");
    let error = delete_prefix(&place.store(), "", &context, &Progress::silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[tokio::test]
async fn a_folder_is_deleted_by_its_slash_and_below_a_file_there_is_nothing() {
    let place = files();
    place.fill(&["folder/a", "file"]).await;
    delete_object(&place.object("folder")).await.unwrap();
    delete_object(&place.object("file/below")).await.unwrap();
    assert_eq!(place.empty("file/").await.unwrap(), 0);
    assert_eq!(place.names("").await, ["file", "folder/a"]);
}

#[tokio::test]
async fn a_copy_shares_nothing_with_its_source_and_leaves_nothing_else() {
    let place = files();
    place.fill(&["from"]).await;
    fs::set_permissions(place.path("from"), fs::Permissions::from_mode(0o640)).unwrap();
    for _ in 0..3 {
        copy(&place.object("from"), &place.object("new/to")).await.unwrap();
    }
    fs::OpenOptions::new().write(true).open(place.path("from")).unwrap().write_all(b"FROM").unwrap();
    assert_eq!(place.read(&["from", "new/to"]).await.unwrap(), [b"FROM", b"from"]);
    assert_eq!(fs::metadata(place.path("new/to")).unwrap().mode() & 0o777, 0o640);
    assert_eq!((place.entries(""), place.entries("new")), (vec!["from".into(), "new".into()], vec!["to".into()]));
}

#[tokio::test]
async fn a_copy_follows_a_linked_source_and_replaces_a_linked_target() {
    let place = files();
    place.fill(&["file", "other"]).await;
    symlink("file", place.path("link")).unwrap();
    symlink("other", place.path("target")).unwrap();
    copy(&place.object("link"), &place.object("deep/copy")).await.unwrap();
    copy(&place.object("link"), &place.object("target")).await.unwrap();
    assert!(fs::symlink_metadata(place.path("deep/copy")).unwrap().is_file());
    assert_eq!(place.read(&["deep/copy", "target", "other"]).await.unwrap(), [&b"file"[..], b"file", b"other"]);
}

#[tokio::test]
async fn a_copy_onto_itself_keeps_the_content() {
    let place = files();
    place.fill(&["file"]).await;
    symlink("file", place.path("link")).unwrap();
    copy(&place.object("file"), &place.object("file")).await.unwrap();
    copy(&place.object("link"), &place.object("file")).await.unwrap();
    assert_eq!(place.read(&["file"]).await.unwrap(), [b"file"]);
    assert_eq!(place.entries(""), ["file", "link"]);
}

#[tokio::test]
async fn what_is_no_file_cannot_be_copied() {
    let place = files();
    place.fill(&["folder/a", "file"]).await;
    for name in ["folder", "file/below", "missing"] {
        let error = copy(&place.object(name), &place.object("to")).await.unwrap_err();
        assert_eq!((error.kind(), error.uri()), (ErrorKind::NotFound, &*place.object(name).uri), "{error}");
    }
    for name in ["folder", "file/below"] {
        let error = copy(&place.object("file"), &place.object(name)).await.unwrap_err();
        assert_eq!((error.kind(), error.uri()), (ErrorKind::InvalidPath, &*place.object(name).uri), "{error}");
    }
    assert_eq!(place.entries(""), ["file", "folder"]);
}

#[tokio::test]
async fn a_copy_crosses_file_systems() {
    let place = files();
    place.fill(&["file"]).await;
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let mut target = place.object("");
    target.key = format!("{}/to", other.path().display()).trim_start_matches('/').to_owned();
    copy(&place.object("file"), &target).await.unwrap();
    assert_eq!(fs::read(other.path().join("to")).unwrap(), b"file");
}

#[tokio::test]
async fn any_name_that_is_text_is_an_object_like_any_other() {
    let place = files();
    let long = "n".repeat(255);
    let names = ["a#1", "back\\slash", "new\nline", "tab\t", "track#12", "\u{1}", "\u{1F980}", &long];
    place.fill(&names).await;
    let mut sorted = names.map(str::to_owned);
    sorted.sort();
    assert_eq!(place.names("").await, sorted);
    assert_eq!(place.read(&names).await.unwrap(), names.map(|name| name.as_bytes().to_vec()));
    for name in names {
        assert_eq!(head(&place.object(name)).await.unwrap().size, name.len() as u64);
        assert!(exists(&place.object(name)).await.unwrap());
        delete_object(&place.object(name)).await.unwrap();
        assert!(!exists(&place.object(name)).await.unwrap());
    }
    assert_eq!(place.entries(""), [""; 0]);
}

#[tokio::test]
async fn a_name_that_no_file_can_have_is_an_invalid_path() {
    let place = files();
    for name in ["a//b", "a/", "../a", "./a", "nul\0", &"n".repeat(256)] {
        let error = put(&place.object(name), Bytes::new(), &Progress::silent()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPath, "{error}");
    }
    assert_eq!(place.try_list("../").await.unwrap_err().kind(), ErrorKind::InvalidPath);
    assert_eq!(place.entries(""), [""; 0]);
}

#[tokio::test]
async fn a_name_that_is_no_text_is_an_error_only_where_it_would_be_listed() {
    let place = files();
    place.fill(&["bag", "other"]).await;
    fs::write(place.path("").join(OsStr::from_bytes(b"bad\xff")), "x").unwrap();
    for prefix in ["", "b", "bad"] {
        let error = place.try_list(prefix).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPath, "{error}");
        assert!(error.to_string().contains("bad\u{fffd}"), "{error}");
    }
    assert_eq!(place.try_list("o").await.unwrap(), 1);
    assert_eq!(place.try_list("bag").await.unwrap(), 1);
    assert_eq!(place.try_expand("*g").await.unwrap(), ["bag"]);
    assert_eq!(place.try_expand("b*").await.unwrap_err().kind(), ErrorKind::InvalidPath);
    assert_eq!(place.empty("b").await.unwrap(), 2);
    assert_eq!(place.entries(""), ["other"]);
}

#[tokio::test]
async fn a_listing_goes_through_links_and_around_loops() {
    let place = files();
    place.fill(&["data/x", "far/y"]).await;
    symlink(place.path("far"), place.path("data/linked")).unwrap();
    symlink("..", place.path("data/up")).unwrap();
    symlink("itself", place.path("data/itself")).unwrap();
    symlink("nowhere", place.path("data/broken")).unwrap();
    symlink("x/below", place.path("data/through")).unwrap();
    symlink("x", place.path("data/alias")).unwrap();
    place.make_pipe("data/pipe");
    assert_eq!(place.names("data/").await, ["data/alias", "data/linked/y", "data/x"]);
    assert_eq!(place.names("data").await, place.names("data/").await);
    assert_eq!(place.names("data/linked/").await, ["data/linked/y"]);
    assert_eq!(place.try_expand("data/**").await.unwrap(), ["data/alias", "data/linked/y", "data/x"]);
    for name in ["data/broken", "data/itself", "data/through"] {
        assert_eq!(kind_of_get(&place, name).await, ErrorKind::NotFound, "{name}");
    }
}

#[tokio::test]
async fn a_closed_folder_is_an_error_only_where_it_has_to_be_looked_into() {
    let place = files();
    place.fill(&["data/x.npz", "data/closed/a", "data/open/b"]).await;
    if place.close("data/closed").is_none() {
        return;
    }
    for prefix in ["", "data/", "data/c", "data/closed/"] {
        let error = place.try_list(prefix).await.unwrap_err();
        assert_eq!((error.kind(), error.os_error()), (ErrorKind::PermissionDenied, Some(13)), "{error}");
        assert_eq!(error.uri().trim_end_matches('/'), format!("{}data/closed", place.base), "{error}");
    }
    assert_eq!(place.try_list("data/o").await.unwrap(), 1);
    assert_eq!(place.try_expand("data/*.npz").await.unwrap(), ["data/x.npz"]);
    assert_eq!(place.try_expand("data/o*/*").await.unwrap(), ["data/open/b"]);
    assert_eq!(place.try_expand("data/**").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(place.empty("data/").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(place.path("data/x.npz").exists(), "a delete that cannot see everything begins with nothing");
    fs::set_permissions(place.path("data/closed"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_folder_in_the_way_of_a_write_keeps_its_number() {
    let place = files();
    place.fill(&["folder/a", "file"]).await;
    symlink("folder", place.path("link")).unwrap();
    for (name, number) in [("folder", 21), ("link", 21), ("file/below", 20), ("file/deep/below", 20)] {
        let error = put(&place.object(name), Bytes::new(), &Progress::silent()).await.unwrap_err();
        assert_eq!((error.kind(), error.os_error()), (ErrorKind::InvalidPath, Some(number)), "{error}");
    }
    place.make_pipe("pipe");
    let error = put(&place.object("pipe"), Bytes::new(), &Progress::silent()).await.unwrap_err();
    assert!(error.to_string().contains("a pipe"), "{error}");
    assert_eq!(place.entries(""), ["file", "folder", "link", "pipe"]);
}

#[tokio::test]
async fn only_files_are_read_and_the_rest_is_called_by_its_name() {
    let place = files();
    place.fill(&["folder/a"]).await;
    place.make_pipe("pipe");
    let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
    symlink("/dev/zero", place.path("device")).unwrap();
    for (name, kind, word) in [
        ("folder", ErrorKind::NotFound, "folder"),
        ("pipe", ErrorKind::InvalidPath, "pipe"),
        ("socket", ErrorKind::InvalidPath, "socket"),
        ("device", ErrorKind::InvalidPath, "device"),
    ] {
        let error = get(place.object(name), &Memory, &Progress::silent()).await.unwrap_err();
        assert!(error.kind() == kind && error.to_string().contains(word), "{error}");
        assert_eq!(head(&place.object(name)).await.unwrap_err().kind(), kind);
    }
    assert!(!exists(&place.object("folder")).await.unwrap());
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn files_of_the_kernel_are_read_to_their_end() {
    let place = files();
    let mut object = place.object("");
    // These say that they have no bytes, and 4096.
    for path in ["/proc/cpuinfo", "/sys/kernel/mm/transparent_hugepage/enabled"] {
        let Ok(content) = fs::read(path) else { continue };
        object.key = path[1..].to_owned();
        let body = get(object.clone(), &Memory, &Progress::silent()).await.unwrap();
        assert!(!body.is_empty(), "{path}");
        // The clock rates in it change.
        assert_eq!(
            body.iter().filter(|byte| **byte == b'\n').count(),
            content.iter().filter(|byte| **byte == b'\n').count()
        );
        let progress = Progress::silent();
        let sizes = get_many(vec![object.clone()], Limits::default(), Arc::new(Discard), &progress).await.unwrap();
        assert!(sizes[0] > 0 && progress.bytes() == sizes[0], "{path}: {sizes:?}");
    }
    object.key = "proc/cpuinfo".into();
    copy(&object, &place.object("copied")).await.unwrap();
    assert!(fs::metadata(place.path("copied")).unwrap().len() > 0);
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_an_error_and_one_that_grows_is_not() {
    /// Changes the file when its size is known and its bytes are not.
    struct Meanwhile(PathBuf, u64);
    impl longshore_engine::Sink for Meanwhile {
        type Buffer = Vec<u8>;
        type Output = Vec<u8>;
        async fn reserve(&self, _: usize, size: usize) -> Result<Vec<u8>, longshore_engine::Refusal> {
            fs::OpenOptions::new().write(true).open(&self.0).unwrap().set_len(self.1).unwrap();
            Ok(Vec::with_capacity(size))
        }
        fn finish(&self, _: usize, buffer: Vec<u8>) -> Vec<u8> {
            buffer
        }
    }
    let place = files();
    let size = 1 << 20;
    for (new, expected) in [(2 * size, Ok(size as usize)), (size / 2, Err(ErrorKind::Generic))] {
        fs::write(place.path("file"), vec![1; size as usize]).unwrap();
        let sink = Meanwhile(place.path("file"), new);
        let read = get(place.object("file"), &sink, &Progress::silent()).await;
        assert_eq!(read.map(|body| body.len()).map_err(|error| error.kind()), expected);
    }
}

#[tokio::test]
async fn writes_under_way_are_not_listed_and_a_cancelled_one_leaves_nothing() {
    let place = files();
    fs::create_dir(place.path("folder")).unwrap();
    let body = Bytes::from(vec![1; 256 << 20]);
    let object = place.object("folder/large");
    let writing = tokio::spawn(async move { put(&object, body, &Progress::silent()).await });
    while place.entries("folder").is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(place.names("").await, [""; 0]);
    writing.abort();
    let _ = writing.await;
    for _ in 0..500 {
        if place.entries("folder").is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("left behind: {:?}", place.entries("folder"));
}

#[tokio::test]
async fn a_write_makes_its_folders_again_when_a_delete_removes_them() {
    let place = files();
    for _ in 0..50 {
        let object = place.object("run/a/b/c");
        let progress = Progress::silent();
        let (written, _) = tokio::join!(put(&object, Bytes::new(), &progress), place.empty("run/"));
        written.unwrap();
    }
}

#[tokio::test]
async fn a_file_describes_itself() {
    let place = files();
    place.fill(&["file"]).await;
    let first = head(&place.object("file")).await.unwrap();
    assert_eq!((first.size, first.key == place.object("file").key), (4, true));
    assert!((chrono::Utc::now() - first.last_modified).num_seconds().abs() < 60, "{first:?}");
    place.fill(&["file"]).await;
    assert_ne!(first.e_tag, head(&place.object("file")).await.unwrap().e_tag, "another file has the same tag");
}

/// What is half of a file in a place of files.
fn unfinished(place: &Place) -> Vec<PathBuf> {
    let paths = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| longshore_engine::is_unfinished(path.file_name().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_write_that_fails_has_no_half_of_a_file_left_when_it_says_so() {
    let place = files();
    fs::create_dir(place.path("folder")).unwrap();
    let names = ["a", "b", "c", "d", "folder"];
    let bodies = Arc::new(vec![Bytes::from(vec![7; 48 << 20]); names.len()]);
    for _ in 0..5 {
        let (objects, bodies) = (place.objects(&names), Arc::clone(&bodies));
        let written = put_many(objects, bodies, Limits::default(), &Progress::silent(), &Cleanup::default()).await;
        let error = written.unwrap_err();
        assert!(error.uri().ends_with("/folder"), "{error}");
        assert_eq!(unfinished(&place), Vec::<PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_gives_up_a_bulk_write_can_wait_until_nothing_is_left_of_it() {
    let place = files();
    let bodies = Arc::new(vec![Bytes::from(vec![7; 256 << 20]); 4]);
    let (progress, cleanup) = (Progress::silent(), Cleanup::default());
    let writing = put_many(place.objects(&["a", "b", "c", "d"]), bodies, Limits::default(), &progress, &cleanup);
    let begun = async {
        while unfinished(&place).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        written = writing => panic!("{written:?}"),
        () = begun => {}
    }
    cleanup.wait().await;
    assert_eq!(fs::read_dir(place.path("")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_gives_up_a_copy_of_a_file_can_wait_until_nothing_is_left_of_it() {
    let place = files();
    fs::File::create(place.path("from")).unwrap().set_len(1 << 30).unwrap();
    let options = longshore_engine::TransferOptions::default();
    let (from, to, progress) = (place.object("from"), place.object("to"), Progress::silent());
    let copying = longshore_engine::transfer(&from, &to, &options, &progress);
    let begun = async {
        while unfinished(&place).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        copied = copying => panic!("{copied:?}"),
        () = begun => {}
    }
    options.cleanup.wait().await;
    assert_eq!(place.names("").await, ["from"]);
    assert!(unfinished(&place).is_empty());
}
