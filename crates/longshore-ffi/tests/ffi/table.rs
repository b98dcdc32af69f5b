//! What each side makes of a table, of arguments and of results that are not as it expects.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

use longshore_abi::raw::{self, PutArgs, Vtable};
use longshore_abi::{Buffer, HeaderError, StoreError, StoreRef, Str, StreamHandle};
use longshore_ffi::v0_14::ForeignStore;
use object_store_014::local::LocalFileSystem;
use object_store_014::memory::InMemory;
use object_store_014::path::Path;
use object_store_014::{Error, ObjectStore, ObjectStoreExt};

use crate::calls::{Outcome, call, get, get_args};
use crate::doubles::{Mood, Moody, World, kept};

/// The same store behind another table.
fn altered(store: &StoreRef, alter: impl FnOnce(&mut Vtable)) -> raw::Store {
    let mut vtable = *store.vtable();
    alter(&mut vtable);
    raw::Store { vtable: kept(vtable), data: store.data() }
}

#[test]
fn a_table_that_is_not_one_is_refused_before_anything_is_called() {
    unsafe extern "C" fn never(_: *mut c_void) -> i32 {
        panic!("called")
    }
    let world = World::new();
    let store = world.export(InMemory::new());
    let refused = |alter: fn(&mut Vtable)| {
        let altered = altered(&store, |vtable| {
            vtable.retain = Some(never);
            alter(vtable);
        });
        // SAFETY: the store is alive, and the table leaked.
        unsafe { StoreRef::retain(&altered) }.unwrap_err()
    };
    let magic = raw::MAGIC ^ 1;
    assert_eq!(refused(|table| table.header.magic ^= 1), StoreError::Header(HeaderError::Magic { found: magic }));
    let major = refused(|table| table.header.abi_major = 2);
    assert_eq!(major, StoreError::Header(HeaderError::Major { expected: 1, found: 2 }));
    assert_eq!(major.to_string(), "its interface has version 2, and version 1 is needed");
    let short = refused(|table| table.header.struct_size = 199);
    assert_eq!(short, StoreError::Header(HeaderError::Short { expected: 200, found: 199 }));
    assert_eq!(refused(|table| table.retain = None), StoreError::Incomplete("retain"));
    assert_eq!(refused(|table| table.stream_release = None), StoreError::Incomplete("stream_release"));
    // SAFETY: null is allowed.
    let nothing = unsafe {
        [
            StoreRef::retain(std::ptr::null()),
            StoreRef::retain(&raw::Store { vtable: std::ptr::null(), ..store.as_raw() }),
        ]
    };
    assert!(nothing.iter().all(|result| matches!(result, Err(StoreError::Header(HeaderError::NoTable)))));
}

#[test]
fn a_table_with_a_copy_of_our_header_is_not_taken_for_ours() {
    let world = World::new();
    let store = world.export(InMemory::new());
    assert!(longshore_ffi::local(&store).is_some());
    // SAFETY: the store is alive, and the table leaked.
    let copied = unsafe { StoreRef::retain(&altered(&store, |_| {})) }.unwrap();
    assert_eq!(copied.header().exporter, store.header().exporter);
    assert!(longshore_ffi::local(&copied).is_none());
}

#[test]
fn a_file_is_read_in_pieces_however_much_is_asked_for() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    // Far more than there is memory, and nearly nothing on the disk.
    std::fs::File::create(folder.path().join("huge")).unwrap().set_len(1 << 40).unwrap();
    let store = world.export(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    let args = raw::GetArgs { prefetch_bytes: 1, ..get_args("huge") };
    let stream = get(&store, &args).answer().take_stream().unwrap();
    let args = raw::NextArgs { target_bytes: u64::MAX, ..raw::NextArgs::EMPTY };
    let mut piece = call(store.vtable(), store.vtable().stream_next, stream.as_ptr(), &args).answer();
    let length = piece.take_buffer().unwrap().as_slice().len();
    assert!((1..=16 << 20).contains(&length), "{length}");
}

#[test]
fn a_table_of_a_later_minor_version_is_used_as_far_as_it_is_known() {
    #[repr(C)]
    struct Later {
        known: Vtable,
        more: [usize; 4],
    }
    let world = World::new();
    let store = world.export(InMemory::new());
    let mut known = *store.vtable();
    known.header.abi_minor = 7;
    known.header.struct_size = size_of::<Later>() as u32;
    known.header.features = u64::MAX;
    let later = kept(Later { known, more: [usize::MAX; 4] });
    let raw = raw::Store { vtable: &raw const later.known, data: store.data() };
    // SAFETY: the store is alive, and the table leaked.
    let foreign = ForeignStore::new(unsafe { StoreRef::retain(&raw) }.unwrap());
    futures_executor::block_on(async {
        foreign.put(&Path::from("k"), "v".into()).await.unwrap();
        assert_eq!(foreign.get(&Path::from("k")).await.unwrap().bytes().await.unwrap(), "v");
    });
}

#[test]
fn a_slot_that_is_empty_is_an_error_that_says_so() {
    let world = World::new();
    let store = world.export(InMemory::new());
    let raw = altered(&store, |table| {
        table.get = None;
        table.get_ranges = None;
        table.put = None;
        table.upload_start = None;
        table.list = None;
        table.delete = None;
        table.copy = None;
        table.sign = None;
        table.describe = None;
    });
    // SAFETY: the store is alive, and the table leaked.
    let foreign = ForeignStore::new(unsafe { StoreRef::retain(&raw) }.unwrap());
    let path = Path::from("k");
    futures_executor::block_on(async {
        let mut errors = vec![
            foreign.get(&path).await.unwrap_err(),
            foreign.get_ranges(&path, &[0..1, 1..2]).await.unwrap_err(),
            foreign.put(&path, "v".into()).await.unwrap_err(),
            foreign.put_multipart(&path).await.unwrap_err(),
            foreign.list_with_delimiter(None).await.unwrap_err(),
            foreign.delete(&path).await.unwrap_err(),
            foreign.copy(&path, &path).await.unwrap_err(),
            foreign
                .signed_urls("GET", std::slice::from_ref(&path), std::time::Duration::from_secs(1))
                .await
                .unwrap_err(),
        ];
        errors.extend(futures_util::StreamExt::next(&mut foreign.list(None)).await.unwrap().err());
        assert_eq!(errors.len(), 9);
        for error in errors {
            assert!(matches!(&error, Error::NotImplemented { .. }), "{error:?}");
            assert!(error.to_string().contains("longshore-ffi"), "{error}");
        }
    });
}

#[repr(C)]
struct Longer<T> {
    known: T,
    tail: [u64; 2],
}

#[test]
fn arguments_of_a_later_version_are_good_as_long_as_what_is_new_says_nothing() {
    let world = World::new();
    let store = world.export(InMemory::new());
    let status = |tail| {
        let mut args = Longer { known: get_args("k"), tail };
        args.known.struct_size = size_of_val(&args) as u32;
        call(store.vtable(), store.vtable().get, store.data(), (&raw const args).cast::<raw::GetArgs>()).status()
    };
    assert_eq!(status([0, 0]), raw::ERROR_NOT_FOUND);
    assert_eq!(status([0, 1]), raw::ERROR_NOT_SUPPORTED);
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let world = World::new();
    let store = world.export(InMemory::new());
    let refused = |alter: fn(&mut raw::GetArgs)| {
        let mut args = get_args("k");
        alter(&mut args);
        match get(&store, &args) {
            Outcome::Refused(code) => code,
            other => panic!("accepted, with {}", other.status()),
        }
    };
    assert_eq!(refused(|args| args.flags = 1 << 20), raw::ERROR_NOT_SUPPORTED);
    assert_eq!(refused(|args| args.range.kind = 9), raw::ERROR_NOT_SUPPORTED);
    assert_eq!(refused(|args| args.range = raw::Range { kind: 1, start: 2, end: 1 }), raw::ERROR_INVALID_ARGUMENT);
    assert_eq!(refused(|args| args.range.start = 1), raw::ERROR_INVALID_ARGUMENT);
    assert_eq!(refused(|args| args.struct_size = 3), raw::ERROR_INVALID_ARGUMENT);
    assert_eq!(refused(|args| args.path = Str { ptr: std::ptr::null(), len: 1 }), raw::ERROR_INVALID_ARGUMENT);
    assert_eq!(refused(|args| args.path = Str { ptr: b"\xff".as_ptr(), len: 1 }), raw::ERROR_INVALID_ARGUMENT);
    // SAFETY: what is missing is refused.
    let code = unsafe {
        store.vtable().get.unwrap()(
            store.data(),
            &get_args("k"),
            None,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    assert_eq!(code, -raw::ERROR_INVALID_ARGUMENT);
    // A path that a store cannot have is an error of the operation, and keeps its kind.
    assert_eq!(get(&store, &get_args("a//b")).status(), raw::ERROR_INVALID_PATH);
}

static RELEASED: AtomicUsize = AtomicUsize::new(0);

#[test]
fn buffers_are_the_exporters_exactly_when_the_call_was_accepted() {
    unsafe extern "C" fn release(_: *mut c_void) {
        RELEASED.fetch_add(1, Ordering::SeqCst);
    }
    let world = World::new();
    let store = world.export(InMemory::new());
    let buffers = [(); 3].map(|()| Buffer { release: Some(release), ..Buffer::from_static(b"abc") });
    let put = |alter: fn(&mut PutArgs)| {
        let mut args = PutArgs { path: Str::new("k"), buffers: buffers.as_ptr(), buffer_count: 3, ..PutArgs::EMPTY };
        alter(&mut args);
        let status = call(store.vtable(), store.vtable().put, store.data(), &args).status();
        (status, RELEASED.swap(0, Ordering::SeqCst))
    };
    let other = [raw::Pair { key: Str::new("x-unheard-of"), value: Str::new("1") }];
    assert_eq!(put(|args| args.flags = 1 << 9), (raw::ERROR_NOT_SUPPORTED, 0));
    assert_eq!(put(|args| args.mode = 3), (raw::ERROR_NOT_SUPPORTED, 0));
    assert_eq!(put(|args| args.mode = raw::PUT_UPDATE), (raw::ERROR_INVALID_ARGUMENT, 0));
    assert_eq!(put(|args| args.if_e_tag = Str::new("1")), (raw::ERROR_INVALID_ARGUMENT, 0));
    let status = {
        let args = PutArgs {
            path: Str::new("k"),
            buffers: buffers.as_ptr(),
            buffer_count: 3,
            attributes: other.as_ptr(),
            attribute_count: 1,
            ..PutArgs::EMPTY
        };
        call(store.vtable(), store.vtable().put, store.data(), &args).status()
    };
    assert_eq!((status, RELEASED.swap(0, Ordering::SeqCst)), (raw::ERROR_NOT_SUPPORTED, 0));
    // The memory store keeps one copy of several buffers, so they are released when the put ends; also when it fails.
    assert_eq!(put(|_| ()), (0, 3));
    assert_eq!(put(|args| args.mode = raw::PUT_CREATE), (raw::ERROR_ALREADY_EXISTS, 3));
    world.exporter.shut_down(std::time::Duration::from_secs(5));
    assert_eq!(put(|_| ()), (raw::ERROR_SHUTDOWN, 0));
}

#[test]
fn a_result_comes_inline_where_that_is_allowed_and_on_another_thread_where_not() {
    let world = World::new();
    let store = world.export(InMemory::new());
    let mut args = get_args("k");
    let (answer, thread) = get(&store, &args).under().called();
    assert_eq!(answer.status(), raw::ERROR_NOT_FOUND);
    assert_ne!(thread, std::thread::current().id());
    args.flags = raw::ALLOW_INLINE;
    let Outcome::Done(answer) = get(&store, &args) else { panic!("not inline") };
    assert_eq!(answer.status(), raw::ERROR_NOT_FOUND);
    // What needs to wait is not inline, allowed or not.
    let slow = world.export(Moody::new(Mood::Slow));
    assert_eq!(get(&slow, &args).under().called().0.status(), raw::ERROR_NOT_FOUND);
}

#[test]
fn a_stream_is_asked_by_one_at_a_time_and_is_used_up_at_its_end() {
    let world = World::new();
    let hangs = world.export(Moody::new(Mood::Hangs));
    let open = |store: &StoreRef| {
        let mut handle = std::ptr::null_mut();
        // SAFETY: as the interface says.
        assert_eq!(unsafe { store.vtable().list.unwrap()(store.data(), &raw::ListArgs::EMPTY, &raw mut handle) }, 0);
        // SAFETY: just made.
        unsafe { StreamHandle::from_raw(store.vtable(), handle) }.unwrap()
    };
    let next = |stream: &StreamHandle| {
        call(stream.vtable(), stream.vtable().stream_next, stream.as_ptr(), &raw::NextArgs::EMPTY)
    };
    let stream = open(&hangs);
    let under = next(&stream).under();
    assert_eq!(next(&stream).status(), raw::ERROR_BUSY);
    under.operation.as_ref().unwrap().cancel();
    assert_eq!(under.called().0.status(), raw::ERROR_CANCELLED);
    assert_eq!(next(&stream).status(), raw::ERROR_INVALID_ARGUMENT);

    let good = world.export(Moody::new(Mood::Good));
    let stream = open(&good);
    let answer = next(&stream).answer();
    assert!(answer.is_end());
    assert_eq!(answer.listed(), Some((0, 0)));
    assert_eq!(next(&stream).status(), raw::ERROR_INVALID_ARGUMENT);

    // A delimiter and a place to begin cannot be said together, and neither is left out in silence.
    let args = raw::ListArgs { flags: raw::LIST_DELIMITER, start_after: Str::new("a"), ..raw::ListArgs::EMPTY };
    let mut handle = std::ptr::null_mut();
    // SAFETY: as the interface says.
    let code = unsafe { good.vtable().list.unwrap()(good.data(), &args, &raw mut handle) };
    assert_eq!((code, handle.is_null()), (-raw::ERROR_NOT_SUPPORTED, true));
}

#[test]
fn an_upload_that_has_ended_takes_nothing_more() {
    let world = World::new();
    let store = world.export(InMemory::new());
    let args = raw::UploadArgs { path: Str::new("k"), ..raw::UploadArgs::EMPTY };
    let mut answer = call(store.vtable(), store.vtable().upload_start, store.data(), &args).answer();
    let upload = answer.take_upload().unwrap();
    let table = upload.vtable();
    let buffers = [Buffer::from_static(b"abc")];
    let part = raw::PartArgs { buffers: buffers.as_ptr(), buffer_count: 1, ..raw::PartArgs::EMPTY };
    assert_eq!(call(table, table.upload_part, upload.as_ptr(), &part).status(), 0);
    let put = call(table, table.upload_complete, upload.as_ptr(), &raw::EndArgs::EMPTY).answer();
    assert!(put.written().unwrap().0.is_some());
    for slot in [table.upload_complete, table.upload_abort] {
        assert_eq!(call(table, slot, upload.as_ptr(), &raw::EndArgs::EMPTY).status(), raw::ERROR_INVALID_ARGUMENT);
    }
    assert_eq!(call(table, table.upload_part, upload.as_ptr(), &part).status(), raw::ERROR_INVALID_ARGUMENT);
}

#[test]
fn a_store_says_what_it_is_and_refuses_what_it_does_not_say() {
    let world = World::new();
    let store = world.exporter.export(longshore_ffi::Exported {
        url: Some("memory://".into()),
        ..longshore_ffi::Exported::new(std::sync::Arc::new(InMemory::new()))
    });
    let says = |what| store.describe(what).map(|text| String::from_utf8(text.as_slice().to_vec()).unwrap());
    assert_eq!(says(raw::DESCRIBE_NAME).as_deref(), Ok("InMemory"));
    assert_eq!(says(raw::DESCRIBE_URL).as_deref(), Ok("memory://"));
    assert_eq!(says(raw::DESCRIBE_CONFIG_JSON), Err(raw::ERROR_NOT_SUPPORTED));
    assert_eq!(says(raw::DESCRIBE_STATS_JSON).as_deref(), Ok("{\"operations\":0,\"in_flight\":0}"));
    assert_eq!(says(99), Err(raw::ERROR_NOT_SUPPORTED));
    assert_eq!(
        ForeignStore::new(store).to_string(),
        format!("InMemory of {}", longshore_ffi::Settings::default().info)
    );
}
