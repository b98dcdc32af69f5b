//! A store in memory for programs in C, as a shared library: `tests/c/program.c` is checked with it.

#![expect(unsafe_code, reason = "a C program calls these functions")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use longshore_abi::{StoreRef, raw};
use longshore_ffi::{Exported, Exporter, Settings};
use object_store_014::memory::InMemory;
use tokio::runtime::Runtime;

/// A store, and what it works on.
pub struct World {
    raw: raw::Store,
    _store: StoreRef,
    exporter: Exporter,
    _runtime: Runtime,
}

/// A number that is another one in a forked child.
fn fork_generation() -> u64 {
    static FORKS: AtomicU64 = AtomicU64::new(0);
    static WATCH: Once = Once::new();
    unsafe extern "C" fn in_child() {
        FORKS.fetch_add(1, Ordering::SeqCst);
    }
    // SAFETY: the handler touches a static, and does not unwind.
    WATCH.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
    FORKS.load(Ordering::SeqCst)
}

/// Makes a store.
#[unsafe(no_mangle)]
pub extern "C" fn exporter_begin() -> *mut World {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let settings = Settings { fork_generation: Some(fork_generation), ..Settings::default() };
    let exporter = Exporter::new(runtime.handle().clone(), settings);
    let store = exporter.export(Exported::new(Arc::new(InMemory::new())));
    Box::into_raw(Box::new(World { raw: store.as_raw(), _store: store, exporter, _runtime: runtime }))
}

/// The store, lent until the end.
///
/// # Safety
///
/// `world` must come from [`exporter_begin`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn exporter_store(world: *const World) -> *const raw::Store {
    // SAFETY: handed on.
    unsafe { &raw const (*world).raw }
}

/// Ends it all. Returns how many operations were still under way.
///
/// # Safety
///
/// `world` must come from [`exporter_begin`], and not be used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn exporter_end(world: *mut World) -> usize {
    // SAFETY: handed on.
    let world = unsafe { Box::from_raw(world) };
    world.exporter.shut_down(Duration::from_secs(30))
}
