//! A store is polled by whoever there is.

use std::sync::Arc;

use futures::{FutureExt, StreamExt, TryStreamExt};
use futures_executor::block_on;
use longshore_config::{Environment, Location, Options, adopt, adopt_for_all_processes, open};
use longshore_store::{Inherited, OnRuntime};
use object_store::{ObjectStore, ObjectStoreExt};

fn memory(name: &str) -> OnRuntime {
    let location = Location::parse(&format!("memory://{name}/")).unwrap();
    OnRuntime::new(open(&location, Options::default(), &Environment::default()).unwrap())
}

/// A server that answers every request with `body`, and says that it has `length` bytes.
fn server(length: usize, body: &'static [u8]) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut connection = connection;
                let mut read = [0; 65536];
                while connection.read(&mut read).is_ok_and(|count| count > 0) {
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"1\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n"
                    );
                    if connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body)).is_err() {
                        return;
                    }
                }
            });
        }
    });
    format!("http://{address}")
}

fn bucket(endpoint: &str) -> OnRuntime {
    let options: Options =
        [("endpoint", endpoint), ("allow_http", "true"), ("skip_signature", "true"), ("max_retries", "0")]
            .into_iter()
            .collect();
    let location = Location::parse("s3://bucket/").unwrap();
    OnRuntime::new(open(&location, options, &Environment::default()).unwrap())
}

async fn whole_life(store: &OnRuntime) {
    store.put(&"a/b".into(), "body".into()).await.unwrap();
    assert_eq!(store.get(&"a/b".into()).await.unwrap().bytes().await.unwrap(), "body");
    assert_eq!(store.get_ranges(&"a/b".into(), &[0..1, 2..4]).await.unwrap(), ["b", "dy"]);
    let mut upload = store.put_multipart(&"a/c".into()).await.unwrap();
    let (one, two) = (upload.put_part("one".into()), upload.put_part("two".into()));
    // The number of a part is its place in the order of the calls.
    two.await.unwrap();
    one.await.unwrap();
    upload.complete().await.unwrap();
    assert_eq!(store.get(&"a/c".into()).await.unwrap().bytes().await.unwrap(), "onetwo");
    store.copy(&"a/c".into(), &"d".into()).await.unwrap();
    store.rename(&"d".into(), &"e".into()).await.unwrap();
    let found: Vec<_> = store.list(None).try_collect().await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(store.list_with_delimiter(None).await.unwrap().common_prefixes.len(), 1);
    let paths = futures::stream::iter(found).map(|found| Ok(found.location)).boxed();
    assert_eq!(store.delete_stream(paths).try_collect::<Vec<_>>().await.unwrap().len(), 3);
    assert!(store.list(None).next().await.is_none());
}

#[test]
fn an_executor_without_a_reactor_can_poll_every_request() {
    block_on(whole_life(&memory("no-reactor")));
    let folder = tempfile::tempdir().unwrap();
    let location = Location::parse("file:///").unwrap();
    let files = OnRuntime::new(open(&location, Options::default(), &Environment::default()).unwrap());
    let files = longshore_store::MaybePrefixedStore::new(
        files,
        Some(object_store::path::Path::from_absolute_path(folder.path()).unwrap()),
    );
    block_on(async {
        files.put(&"a".into(), "body".into()).await.unwrap();
        assert_eq!(files.get(&"a".into()).await.unwrap().bytes().await.unwrap(), "body");
    });
}

#[test]
fn a_body_from_the_network_arrives_on_an_executor_without_a_reactor() {
    let store = bucket(&server(5, b"hello"));
    let body = block_on(async { store.get(&"key".into()).await.unwrap().bytes().await.unwrap() });
    assert_eq!(body, "hello");
}

#[test]
fn a_store_outlives_the_runtime_of_whoever_used_it_first() {
    let store = bucket(&server(5, b"hello"));
    let ask = |store: OnRuntime| async move { store.get(&"key".into()).await.unwrap().bytes().await.unwrap() };
    for _ in 0..2 {
        let theirs = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(theirs.block_on(ask(store.clone())), "hello");
        drop(theirs);
    }
    assert_eq!(block_on(ask(store)), "hello");
}

#[test]
fn a_dropped_request_closes_its_connection() {
    use std::io::Read;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let store = bucket(&format!("http://{}", listener.local_addr().unwrap()));
    let (events, seen) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // It never answers.
        let (mut connection, _) = listener.accept().unwrap();
        let mut read = [0; 65536];
        while connection.read(&mut read).is_ok_and(|count| count > 0) {
            events.send("asked").unwrap();
        }
        events.send("closed").unwrap();
    });
    let patience = std::time::Duration::from_secs(10);
    let key = "key".into();
    let mut request = store.get(&key).boxed();
    assert!(block_on(async { futures::poll!(&mut request) }).is_pending());
    assert_eq!(seen.recv_timeout(patience), Ok("asked"));
    drop(request);
    assert_eq!(seen.recv_timeout(patience), Ok("closed"));
}

#[test]
fn a_panic_is_an_error_and_not_a_short_stream() {
    let store = memory("panics");
    let paths = futures::stream::poll_fn(|_| -> std::task::Poll<Option<_>> { panic!("the caller's own stream") });
    let mut deleted = store.delete_stream(paths.boxed());
    let error = block_on(deleted.next()).unwrap().unwrap_err();
    assert!(matches!(&error, object_store::Error::JoinError { source } if source.is_panic()), "{error}");
    assert!(block_on(deleted.next()).is_none());
    block_on(store.put(&"a".into(), "still alive".into())).unwrap();
}

#[test]
fn streams_start_when_they_are_polled() {
    let store = memory("lazy");
    let listing = store.list(None);
    block_on(store.put(&"late".into(), "x".into())).unwrap();
    assert_eq!(block_on(listing.count()), 1);
}

#[test]
fn a_forked_child_works_anew_and_is_told_what_it_cannot_finish() {
    let store = Arc::new(bucket(&server(1 << 20, b"hello")));
    let fresh = bucket(&server(5, b"hello"));
    let mut body = block_on(store.get(&"key".into())).unwrap().into_stream();
    block_on(body.next()).unwrap().unwrap();
    let child = in_child(move || {
        let error = block_on(body.next()).unwrap().unwrap_err();
        let told = std::error::Error::source(&error).is_some_and(|source| source.is::<Inherited>());
        drop(body);
        let anew = block_on(async { fresh.get(&"key".into()).await.unwrap().bytes().await.unwrap() });
        i32::from(told) + 2 * i32::from(anew == "hello")
    });
    assert_eq!(child, 3);
}

#[test]
fn a_store_that_others_made_is_read_on_our_runtime_and_belongs_to_its_process() {
    let theirs = Arc::clone(&bucket(&server(5, b"hello")).handle().live().unwrap().objects);
    let store = OnRuntime::new(adopt(Arc::clone(&theirs)));
    // Neither a reactor nor a runtime is here.
    let read = block_on(async { store.get(&"key".into()).await.unwrap().bytes().await.unwrap() });
    assert_eq!((read, store.to_string()), ("hello".into(), theirs.to_string()));
    let for_all = OnRuntime::new(adopt_for_all_processes(memory("kept").handle().live().unwrap().objects.clone()));
    block_on(for_all.put(&"key".into(), "x".into())).unwrap();
    let child = in_child(move || {
        let refused = block_on(store.get(&"key".into())).unwrap_err().to_string();
        let kept = block_on(for_all.head(&"key".into())).is_ok();
        i32::from(refused.contains("make it again")) + 2 * i32::from(kept)
    });
    assert_eq!(child, 3);
}

/// Runs `body` in a forked child, for ten seconds at most, and returns its exit code.
#[expect(unsafe_code)]
fn in_child(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child only runs `body`, and leaves with `_exit`. What `body` takes locks of is made for forks, which is
    // what is tested; a lock of the test's own threads would show as a timeout.
    unsafe {
        match libc::fork() {
            0 => {
                libc::alarm(10);
                let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(99);
                libc::_exit(code)
            }
            child => {
                let mut status = 0;
                assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                assert!(libc::WIFEXITED(status), "the child died of signal {}", libc::WTERMSIG(status));
                libc::WEXITSTATUS(status)
            }
        }
    }
}
