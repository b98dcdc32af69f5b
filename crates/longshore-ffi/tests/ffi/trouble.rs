//! Panics, cancelling, and the end: every operation that was accepted calls back once, whatever happens.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use longshore_abi::raw::{
    self, ERROR_BUSY, ERROR_CANCELLED, ERROR_FORKED, ERROR_NOT_FOUND, ERROR_PANICKED, ERROR_SHUTDOWN,
};
use longshore_abi::{Buffer, StoreError, StoreRef, Str};
use longshore_ffi::v0_14::ForeignStore;
use longshore_ffi::{ForeignError, Settings};
use object_store_014::memory::InMemory;
use object_store_014::path::Path;
use object_store_014::{Error, ObjectStore, ObjectStoreExt, PutPayload};

use crate::calls::{Outcome, call, get, get_args};
use crate::doubles::{Mood, Moody, World, kept};

fn code(error: &Error) -> i32 {
    let Error::Generic { source, .. } = error else { return 0 };
    source.downcast_ref::<ForeignError>().map_or(0, ForeignError::code)
}

#[test]
fn a_panic_in_any_operation_is_an_error_of_that_operation() {
    for mood in [Mood::Panics, Mood::PanicsLater] {
        let world = World::new();
        let foreign = ForeignStore::new(world.export(Moody::new(mood)));
        let path = Path::from("k");
        futures_executor::block_on(async {
            let mut errors = vec![
                foreign.get(&path).await.unwrap_err(),
                foreign.get_ranges(&path, &[0..1, 1..2]).await.unwrap_err(),
                foreign.put(&path, "v".into()).await.unwrap_err(),
                foreign.list_with_delimiter(None).await.unwrap_err(),
                foreign.copy(&path, &path).await.unwrap_err(),
            ];
            if mood == Mood::Panics {
                errors.push(foreign.delete(&path).await.unwrap_err());
                errors.extend(foreign.list(None).next().await.unwrap().err());
                let mut upload = foreign.put_multipart(&path).await.unwrap();
                errors.push(upload.put_part("x".into()).await.unwrap_err());
                errors.push(upload.complete().await.unwrap_err());
                errors.push(upload.abort().await.unwrap_err());
                assert_eq!(errors.len(), 10);
            }
            for error in errors {
                assert_eq!(code(&error), ERROR_PANICKED, "{error:?}");
                assert!(error.to_string().contains("in a bad mood"), "{error}");
            }
        });
        world.settles(0);
        // Its last reference goes with a panic, too, as does what it says of itself.
        let store = foreign.table().retained().unwrap();
        let said = store.describe(raw::DESCRIBE_NAME).map(|_| ());
        assert_eq!(said, if mood == Mood::Panics { Err(ERROR_PANICKED) } else { Ok(()) });
        drop((foreign, store));
    }
}

#[test]
fn a_waker_that_panics_harms_nobody_else() {
    struct Bad(AtomicUsize);
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
            panic!("a bad waker");
        }
    }
    let world = World::new();
    let foreign = ForeignStore::new(world.export(Moody::new(Mood::Slow)));
    let path = Path::from("k");
    let bad = Arc::new(Bad(AtomicUsize::new(0)));
    let mut getting = foreign.get(&path).boxed();
    let waker = Waker::from(Arc::clone(&bad));
    assert!(getting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let deadline = Instant::now() + Duration::from_secs(30);
    while bad.0.load(Ordering::SeqCst) == 0 {
        assert!(Instant::now() < deadline, "never woken");
        std::thread::yield_now();
    }
    let Poll::Ready(Err(error)) = getting.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("not ready")
    };
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    assert!(futures_executor::block_on(foreign.get(&path)).is_err());
}

#[test]
fn an_owner_of_bytes_that_panics_when_it_lets_go_harms_nobody() {
    struct Bad(Vec<u8>);
    impl AsRef<[u8]> for Bad {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a bad owner");
        }
    }
    let world = World::new();
    let inner = Arc::new(InMemory::new());
    let foreign = ForeignStore::new(world.exporter.export(longshore_ffi::Exported::new(inner)));
    let path = Path::from("k");
    futures_executor::block_on(async {
        foreign.put(&path, PutPayload::from_bytes(Bytes::from_owner(Bad(vec![1, 2, 3])))).await.unwrap();
        assert_eq!(foreign.get(&path).await.unwrap().bytes().await.unwrap(), [1, 2, 3][..]);
        foreign.delete(&path).await.unwrap();
        assert!(matches!(foreign.get(&path).await.unwrap_err(), Error::NotFound { .. }));
    });
    world.settles(0);
}

/// What a thread does at its very end.
struct Late(Box<dyn FnOnce()>);

impl Drop for Late {
    fn drop(&mut self) {
        std::mem::replace(&mut self.0, Box::new(|| ()))();
    }
}

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
}

#[test]
fn a_thread_that_is_being_torn_down_writes_and_lets_go_like_any_other() {
    static RELEASED: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn release(_: *mut c_void) {
        RELEASED.fetch_add(1, Ordering::SeqCst);
    }
    let world = World::new();
    let moody = Moody::new(Mood::Good);
    let inner = Arc::clone(&moody.inner);
    let store = world.export(moody);
    let runtime = world.runtime.handle().clone();
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let late = move || {
            let buffers = [(); 3].map(|()| Buffer { release: Some(release), ..Buffer::from_static(b"abc") });
            let args = raw::PutArgs {
                flags: raw::ALLOW_INLINE,
                path: Str::new("k"),
                buffers: buffers.as_ptr(),
                buffer_count: 3,
                ..raw::PutArgs::EMPTY
            };
            let outcome = call(store.vtable(), store.vtable().put, store.data(), &args);
            let is_refused = matches!(outcome, Outcome::Refused(_));
            let _ = sender.send((is_refused, outcome.status(), RELEASED.load(Ordering::SeqCst)));
        };
        LATE.set(Some(Late(Box::new(late))));
        // The runtime's own state is the younger one, and goes first.
        drop(runtime.enter());
    });
    thread.join().unwrap();
    let (is_refused, status, released) = receiver.recv().unwrap();
    assert_eq!((is_refused, status, released), (false, 0, 3), "refused, status, buffers released");
    assert_eq!(Arc::strong_count(&inner), 1, "the last reference was given back");
}

#[test]
fn an_operation_that_is_cancelled_ends_as_such_and_lets_go_first() {
    let world = World::new();
    let moody = Moody::new(Mood::Hangs);
    let busy = Arc::clone(&moody.busy);
    let store = world.export(moody);
    let under = get(&store, &get_args("k")).under();
    assert!(under.called_within(Duration::from_millis(20)).is_none());
    assert_eq!(world.exporter.in_flight(), 1);
    let operation = under.operation.as_ref().unwrap();
    operation.cancel();
    operation.cancel();
    assert_eq!(under.called().0.status(), ERROR_CANCELLED);
    operation.cancel();
    assert_eq!(busy.load(Ordering::SeqCst), 0);
    // The handle may go before the operation does.
    let mut under = get(&store, &get_args("k")).under();
    under.operation = None;
    assert_eq!(world.exporter.shut_down(Duration::from_secs(30)), 0);
    assert_eq!(under.called().0.status(), ERROR_CANCELLED);
}

#[test]
fn dropping_a_future_cancels_what_it_stands_for() {
    let world = World::new();
    let moody = Moody::new(Mood::Hangs);
    let busy = Arc::clone(&moody.busy);
    let foreign = ForeignStore::new(world.export(moody));
    let path = Path::from("k");
    for _ in 0..100 {
        assert!(foreign.get(&path).now_or_never().is_none());
    }
    world.settles(0);
    assert_eq!(busy.load(Ordering::SeqCst), 0);
}

#[test]
fn each_operation_calls_back_once_however_cancelling_races_with_its_end() {
    let world = World::new();
    let store = world.export(Moody::new(Mood::Slow));
    let counts = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4_u64)
            .map(|seed| {
                let store = &store;
                scope.spawn(move || {
                    let mut counts = HashMap::<i32, usize>::new();
                    for round in 0..150_u64 {
                        let under = get(store, &get_args("k")).under();
                        // Around the two milliseconds that it takes.
                        std::thread::sleep(Duration::from_micros((seed * 977 + round * 61) % 4000));
                        under.operation.as_ref().unwrap().cancel();
                        *counts.entry(under.called().0.status()).or_default() += 1;
                    }
                    counts
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let total = |code| counts.iter().filter_map(|counts| counts.get(&code)).sum::<usize>();
    let (cancelled, ended) = (total(ERROR_CANCELLED), total(ERROR_NOT_FOUND));
    assert_eq!(cancelled + ended, 600);
    assert!(cancelled > 0 && ended > 0, "{cancelled} cancelled, {ended} ended");
    world.settles(0);
}

#[test]
fn as_many_as_may_be_under_way_are_and_more_are_refused() {
    let world = World::with(Settings { most_in_flight: 3, ..Settings::default() });
    let store = world.export(Moody::new(Mood::Hangs));
    let under: Vec<_> = (0..3).map(|_| get(&store, &get_args("k")).under()).collect();
    assert!(matches!(get(&store, &get_args("k")), Outcome::Refused(ERROR_BUSY)));
    under[0].operation.as_ref().unwrap().cancel();
    under[0].called();
    world.settles(2);
    drop(get(&store, &get_args("k")).under());
}

#[test]
fn the_end_cancels_what_is_under_way_and_refuses_what_is_new() {
    let world = World::new();
    let store = world.export(Moody::new(Mood::Hangs));
    let under: Vec<_> = (0..200).map(|_| get(&store, &get_args("k")).under()).collect();
    let began = Instant::now();
    assert_eq!(world.exporter.shut_down(Duration::from_secs(30)), 0);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    for each in &under {
        assert_eq!(each.called().0.status(), ERROR_CANCELLED);
    }
    assert!(matches!(get(&store, &get_args("k")), Outcome::Refused(ERROR_SHUTDOWN)));
    let error = futures_executor::block_on(ForeignStore::new(store).get(&Path::from("k"))).unwrap_err();
    assert_eq!(code(&error), ERROR_SHUTDOWN);
}

#[test]
fn a_runtime_that_goes_without_notice_still_calls_back() {
    let world = World::new();
    let store = world.export(Moody::new(Mood::Hangs));
    let under: Vec<_> = (0..20).map(|_| get(&store, &get_args("k")).under()).collect();
    let World { exporter, runtime } = world;
    drop(runtime);
    for each in &under {
        assert_eq!(each.called().0.status(), ERROR_CANCELLED);
    }
    // Nor is anybody called back inside the call.
    let (answer, thread) = get(&store, &get_args("k")).under().called();
    assert_eq!(answer.status(), ERROR_CANCELLED);
    assert_ne!(thread, std::thread::current().id());
    assert_eq!(exporter.shut_down(Duration::from_secs(30)), 0);
    assert_eq!(get(&store, &get_args("k")).status(), ERROR_SHUTDOWN);
}

#[test]
fn what_the_judge_says_arrives() {
    fn judge(error: &Error) -> longshore_ffi::Verdict {
        let is_found = !matches!(error, Error::NotFound { .. });
        longshore_ffi::Verdict { code: Some(raw::ERROR_THROTTLED), is_retryable: !is_found, http_status: Some(503) }
    }
    let world = World::with(Settings { judge: Some(judge), ..Settings::default() });
    let foreign = ForeignStore::new(world.export(InMemory::new()));
    let error = futures_executor::block_on(foreign.get(&Path::from("k"))).unwrap_err();
    let Error::Generic { source, .. } = error else { panic!("{error:?}") };
    let foreign = source.downcast_ref::<ForeignError>().unwrap();
    assert_eq!(
        (foreign.code(), foreign.is_retryable(), foreign.http_status()),
        (raw::ERROR_THROTTLED, true, Some(503))
    );
}

static GENERATION: AtomicU64 = AtomicU64::new(0);

#[test]
fn in_another_process_everything_is_refused_and_nothing_is_dropped() {
    let settings = Settings { fork_generation: Some(|| GENERATION.load(Ordering::SeqCst)), ..Settings::default() };
    let world = World::with(settings);
    let moody = Moody::new(Mood::Hangs);
    let inner = Arc::clone(&moody.inner);
    let store = world.export(moody);
    assert_ne!(store.header().features & raw::FEATURE_FORK_SAFE, 0);
    let mut under = get(&store, &get_args("k")).under();
    GENERATION.store(1, Ordering::SeqCst);
    assert_eq!(store.retained().unwrap_err(), StoreError::Refused(ERROR_FORKED));
    assert!(matches!(get(&store, &get_args("k")), Outcome::Refused(ERROR_FORKED)));
    assert_eq!(store.describe(raw::DESCRIBE_NAME).unwrap_err(), ERROR_FORKED);
    assert!(longshore_ffi::local(&store).is_none());
    under.operation.as_ref().unwrap().cancel();
    under.operation = None;
    let foreign = ForeignStore::new(store);
    let error = futures_executor::block_on(foreign.get(&Path::from("k"))).unwrap_err();
    assert!(error.to_string().contains("forked"), "{error}");
    let error = futures_executor::block_on(foreign.list(None).next()).unwrap().unwrap_err();
    assert_eq!(code(&error), ERROR_FORKED);
    drop(foreign);
    assert_eq!(world.exporter.shut_down(Duration::ZERO), 0);
    GENERATION.store(0, Ordering::SeqCst);
    // The parent's store and its operation are as they were.
    assert_eq!((Arc::strong_count(&inner), world.exporter.in_flight()), (2, 1));
    world.exporter.shut_down(Duration::from_secs(30));
}

/// An exporter that answers as no exporter does.
fn strange(answer: raw::Result) -> StoreRef {
    use std::ffi::c_void;
    use std::sync::Mutex;

    struct Answer(raw::Result);
    // SAFETY: static text only.
    unsafe impl Send for Answer {}
    static ANSWER: Mutex<Option<Answer>> = Mutex::new(None);

    unsafe extern "C" fn get(
        _: *mut c_void,
        _: *const raw::GetArgs,
        complete: Option<raw::Complete>,
        user: *mut c_void,
        _: *mut raw::Result,
        _: *mut *mut c_void,
    ) -> i32 {
        let answer = ANSWER.lock().unwrap().take().unwrap();
        // SAFETY: as the interface says.
        unsafe { complete.unwrap()(user, &answer.0) };
        raw::PENDING
    }

    *ANSWER.lock().unwrap() = Some(Answer(answer));
    let world = World::new();
    let store = world.export(InMemory::new());
    let vtable = raw::Vtable { get: Some(get), ..*store.vtable() };
    let raw = raw::Store { vtable: kept(vtable), data: store.into_raw().data };
    std::mem::forget(world.runtime);
    // SAFETY: the store is alive, and the table leaked.
    unsafe { StoreRef::from_raw(raw) }.unwrap()
}

#[test]
fn an_answer_that_makes_no_sense_is_an_error_and_not_a_crash() {
    let good = raw::Result {
        struct_size: size_of::<raw::Result>() as u32,
        kind: raw::KIND_NONE,
        status: 0,
        flags: 0,
        body: std::ptr::null(),
        error: std::ptr::null(),
        owner: std::ptr::null_mut(),
        release: None,
    };
    let body = raw::GetBody {
        struct_size: 8,
        flags: u32::MAX,
        meta: std::ptr::null(),
        start: 1,
        end: 2,
        attributes: std::ptr::null(),
        attribute_count: 7,
        buffers: std::ptr::null(),
        buffer_count: 7,
        stream: std::ptr::null_mut(),
    };
    let errorless = raw::Result { status: 4711, ..good };
    let results = [
        (errorless, "4711"),
        (raw::Result { status: -1, ..good }, "-1"),
        (good, "without an object"),
        (raw::Result { kind: 99, body: (&raw const body).cast(), ..good }, "without an object"),
        (raw::Result { kind: raw::KIND_GET, ..good }, "without an object"),
        (raw::Result { kind: raw::KIND_GET, body: (&raw const body).cast(), ..good }, "without an object"),
        // No more than its size and kind.
        (raw::Result { struct_size: 8, kind: raw::KIND_GET, status: 1, ..good }, "without an object"),
    ];
    for (result, expected) in results {
        let error = futures_executor::block_on(ForeignStore::new(strange(result)).get(&Path::from("k"))).unwrap_err();
        assert!(matches!(error, Error::Generic { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
