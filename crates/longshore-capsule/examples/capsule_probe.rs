//! What an extension module without PyO3 does with capsules, as functions that the test calls by way of ctypes.
#![expect(unsafe_code, reason = "functions for ctypes")]

use std::ffi::{CString, c_char};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Once};

use longshore_abi::{StoreRef, raw};
use longshore_capsule::{PyObject, capsule_of, store_of};
use longshore_ffi::v0_14::ForeignStore;
use longshore_ffi::{Exported, Exporter, Settings};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Runtime;

static FORKS: AtomicU64 = AtomicU64::new(0);
static WATCH: Once = Once::new();
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime"));
static EXPORTER: LazyLock<Exporter> = LazyLock::new(|| {
    let settings = Settings { info: "probe 1.2.3", fork_generation: Some(fork_generation), ..Settings::default() };
    Exporter::new(RUNTIME.handle().clone(), settings)
});
static MEMORY: LazyLock<Arc<InMemory>> = LazyLock::new(Arc::default);
/// What was taken and not given back.
static TAKEN: Mutex<Vec<StoreRef>> = Mutex::new(Vec::new());

fn fork_generation() -> u64 {
    unsafe extern "C" fn in_child() {
        FORKS.fetch_add(1, Ordering::SeqCst);
    }
    // SAFETY: the handler touches a static, and does not unwind.
    WATCH.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
    FORKS.load(Ordering::SeqCst)
}

/// A capsule of the store in memory.
///
/// # Safety
///
/// As for `capsule_of`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn probe_capsule(max_abi: *mut PyObject) -> *mut PyObject {
    let store = EXPORTER.export(Exported::new(Arc::clone(&MEMORY) as Arc<dyn ObjectStore>));
    // SAFETY: handed on.
    unsafe { capsule_of(store, max_abi) }
}

/// A capsule of a store whose table says that it has another major version, another magic, or that it is short.
///
/// # Safety
///
/// As for `capsule_of`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn probe_strange_capsule(how: u32) -> *mut PyObject {
    unsafe extern "C" {
        fn PyCapsule_New(pointer: *mut std::ffi::c_void, name: *const c_char, destructor: *const ()) -> *mut PyObject;
    }
    let store = EXPORTER.export(Exported::new(Arc::clone(&MEMORY) as Arc<dyn ObjectStore>));
    let mut vtable = *store.vtable();
    let mut name = raw::CAPSULE_NAME;
    match how {
        0 => vtable.header.magic = 7,
        1 => vtable.header.abi_major = 2,
        2 => vtable.header.struct_size = 56,
        3 => vtable.put = None,
        4 => name = c"object_store_v2",
        _ => name = c"arrow_schema",
    }
    let raw = Box::leak(Box::new(raw::Store { vtable: Box::leak(Box::new(vtable)), data: store.into_raw().data }));
    // SAFETY: what the capsule leads to stays for ever.
    unsafe { PyCapsule_New(std::ptr::from_mut(raw).cast(), name.as_ptr(), std::ptr::null()) }
}

/// Takes the store of `object`, writes to it and reads it again. Returns the bytes read, or -1 with an exception.
///
/// # Safety
///
/// As for `store_of`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn probe_round_trip(object: *mut PyObject) -> i64 {
    // SAFETY: handed on.
    match unsafe { store_of(object, "consumer 4.5.6") } {
        Ok(store) => {
            let store = ForeignStore::new(store);
            let path = Path::from("k");
            let trip = async {
                store.put(&path, "hello".into()).await?;
                store.get(&path).await?.bytes().await
            };
            futures_executor::block_on(trip).map_or(-2, |bytes| bytes.len() as i64)
        }
        Err(error) => {
            // SAFETY: attached, as the caller promised.
            unsafe { error.raise() };
            -1
        }
    }
}

/// Takes the store of `object` and keeps it.
///
/// # Safety
///
/// As for `store_of`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn probe_keep(object: *mut PyObject) -> i64 {
    // SAFETY: handed on.
    match unsafe { store_of(object, "consumer 4.5.6") } {
        Ok(store) => {
            TAKEN.lock().expect("not poisoned").push(store);
            0
        }
        Err(error) => {
            // SAFETY: attached, as the caller promised.
            unsafe { error.raise() };
            -1
        }
    }
}

/// Lists the kept stores' first objects, and gives the stores back: the text of the first error, or "ok".
#[unsafe(no_mangle)]
pub extern "C" fn probe_use_kept() -> *const c_char {
    let stores = std::mem::take(&mut *TAKEN.lock().expect("not poisoned"));
    let mut said = "ok".to_owned();
    for store in stores {
        let store = ForeignStore::new(store);
        if let Err(error) = futures_executor::block_on(store.list_with_delimiter(None)) {
            said = error.to_string();
        }
    }
    CString::new(said).expect("no zero").into_raw()
}

/// How many tables of the store in memory are alive.
#[unsafe(no_mangle)]
pub extern "C" fn probe_live() -> i64 {
    Arc::strong_count(&MEMORY) as i64 - 1
}
