//! An exporter with the real gate and callbacks, on a runtime that is one lock.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use longshore_abi::raw::{self, Complete, ERROR_CANCELLED, GetArgs, PENDING, Vtable};
use longshore_abi::{Header, Str};
use loom::sync::{Arc, Mutex};
use loom::thread::{self, JoinHandle};

use crate::call::Call;
use crate::callback::Callback;
use crate::gate::{Cancel, Gate};

/// Callbacks that have returned, and results that were given back. Counted outside of what loom tries.
static CALLED: AtomicUsize = AtomicUsize::new(0);
static RELEASED: AtomicUsize = AtomicUsize::new(0);

/// The callbacks that have returned, in this order of things.
pub(crate) fn called() -> usize {
    CALLED.load(SeqCst)
}

pub(crate) struct Exporter {
    pub(crate) gate: Gate<Task>,
    /// Its operations do not end by themselves.
    hangs: bool,
    /// Held for a moment each, in which nothing else can happen: this is not part of what is tried.
    workers: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

/// An operation on a runtime: run by a worker, or dropped by whoever aborts it.
#[derive(Clone)]
pub(crate) struct Task(Arc<Mutex<Option<Callback<Task>>>>);

impl Task {
    fn take(&self) -> Option<Callback<Task>> {
        self.0.lock().unwrap().take()
    }
}

impl Cancel for Task {
    fn cancel(&self) {
        drop(self.take());
    }
}

impl Exporter {
    /// A new one; what was counted is forgotten.
    pub(crate) fn new() -> Arc<Self> {
        Self::that(false)
    }

    /// One whose operations end only when they are cancelled.
    pub(crate) fn that_hangs() -> Arc<Self> {
        Self::that(true)
    }

    fn that(hangs: bool) -> Arc<Self> {
        CALLED.store(0, SeqCst);
        RELEASED.store(0, SeqCst);
        Arc::new(Self { gate: Gate::new(9), hangs, workers: std::sync::Mutex::default() })
    }

    /// Begins an operation as the importer does.
    pub(crate) fn begin(&self) -> Result<Call, i32> {
        let target = ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the exporter is alive during the call, and is what the slot of this table works on.
        unsafe { Call::begin(&TABLE, TABLE.get, target, &GetArgs::EMPTY) }
    }

    /// Waits for all workers, and checks that each of `operations` called back once and that all was given back.
    pub(crate) fn ends_after(&self, operations: usize) {
        let workers = std::mem::take(&mut *self.workers.lock().unwrap());
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(called(), operations, "callbacks");
        assert_eq!(RELEASED.load(SeqCst), operations, "results that were given back");
        assert_eq!(self.gate.in_flight(), 0, "operations under way");
    }
}

static TABLE: Vtable = Vtable {
    header: Header {
        magic: raw::MAGIC,
        abi_major: raw::MAJOR,
        abi_minor: raw::MINOR,
        struct_size: size_of::<Vtable>() as u32,
        features: 0,
        exporter: ptr::null(),
        info: Str::EMPTY,
    },
    retain: None,
    release: None,
    describe: None,
    operation_cancel: Some(operation_cancel),
    operation_release: Some(operation_release),
    get: Some(get),
    get_ranges: None,
    put: None,
    upload_start: None,
    upload_part: None,
    upload_complete: None,
    upload_abort: None,
    upload_release: None,
    list: None,
    stream_next: None,
    stream_release: None,
    delete: None,
    copy: None,
    sign: None,
};

unsafe extern "C" fn get(
    target: *mut c_void,
    _: *const GetArgs,
    complete: Option<Complete>,
    user: *mut c_void,
    _: *mut raw::Result,
    operation_out: *mut *mut c_void,
) -> i32 {
    // SAFETY: `begin` says who is asked.
    let exporter = unsafe { &*target.cast::<Exporter>() };
    let mut ticket = match exporter.gate.enter() {
        Ok(ticket) => ticket,
        Err(code) => return -code,
    };
    // As `submit` does, from here on.
    let stub = ticket.stub();
    let user = Box::into_raw(Box::new(Called { complete: complete.unwrap(), user }));
    // SAFETY: the importer's callback may be called once, by any thread, and so may what counts it.
    let callback = unsafe { Callback::new(called_back, user.cast(), cancelled, ticket) };
    let task = Task(Arc::new(Mutex::new(Some(callback))));
    if !exporter.hangs {
        let worker = task.clone();
        let worker = thread::spawn(move || {
            if let Some(mut callback) = worker.take() {
                callback.send(|| result(0));
            }
        });
        exporter.workers.lock().unwrap().push(worker);
    }
    stub.cancelled_by(task.clone());
    // SAFETY: the importer lets this be written.
    unsafe { operation_out.write(Box::into_raw(Box::new(task)).cast()) };
    PENDING
}

/// The importer's callback, to be counted when it has returned.
struct Called {
    complete: Complete,
    user: *mut c_void,
}

unsafe extern "C" fn called_back(user: *mut c_void, result: *const raw::Result) {
    // SAFETY: `get` made it, and this is called once.
    let called = unsafe { Box::from_raw(user.cast::<Called>()) };
    // SAFETY: handed on.
    unsafe { (called.complete)(called.user, result) };
    CALLED.fetch_add(1, SeqCst);
}

unsafe extern "C" fn operation_cancel(operation: *mut c_void) {
    // SAFETY: `get` made it, and it is released later.
    unsafe { &*operation.cast::<Task>() }.cancel();
}

unsafe extern "C" fn operation_release(operation: *mut c_void) {
    // SAFETY: `get` made it, and it is given back.
    drop(unsafe { Box::from_raw(operation.cast::<Task>()) });
}

pub(crate) fn cancelled() -> raw::Result {
    result(ERROR_CANCELLED)
}

pub(crate) fn result(status: i32) -> raw::Result {
    unsafe extern "C" fn release(owner: *mut c_void) {
        // SAFETY: made below, and given back once.
        drop(unsafe { Box::from_raw(owner.cast::<i32>()) });
        RELEASED.fetch_add(1, SeqCst);
    }

    raw::Result {
        struct_size: size_of::<raw::Result>() as u32,
        kind: raw::KIND_NONE,
        status,
        flags: 0,
        body: ptr::null(),
        error: ptr::null(),
        owner: Box::into_raw(Box::new(status)).cast(),
        release: Some(release),
    }
}
