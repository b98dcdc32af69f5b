//! The functions of the table. Each reads what it is given, and lets neither a panic nor a forked child through.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use bytes::Bytes;
use longshore_abi::arguments::read;
use longshore_abi::raw::{
    self, Complete, ERROR_FORKED, ERROR_INVALID_ARGUMENT, ERROR_NOT_SUPPORTED, ERROR_PANICKED, Vtable,
};
use longshore_abi::{Buffer, Header};
use object_store_014::PutOptions;

use super::request::{self, Offered};
use super::state::{StreamState, UploadState};
use super::submit::{Caller, Running, Work, submit};
use super::{Export, Shared, operations, parcel};
use crate::unwind::caught;

/// The table, with all that this exporter can do.
pub(super) fn table(header: Header) -> Vtable {
    Vtable {
        header,
        retain: Some(retain),
        release: Some(release),
        describe: Some(describe),
        operation_cancel: Some(operation_cancel),
        operation_release: Some(operation_release),
        get: Some(get),
        get_ranges: Some(get_ranges),
        put: Some(put),
        upload_start: Some(upload_start),
        upload_part: Some(upload_part),
        upload_complete: Some(upload_complete),
        upload_abort: Some(upload_abort),
        upload_release: Some(upload_release),
        list: Some(list),
        stream_next: Some(stream_next),
        stream_release: Some(stream_release),
        delete: Some(delete),
        copy: Some(copy),
        sign: Some(sign),
    }
}

/// Runs a function of the table: a panic is an answer.
fn answered(body: impl FnOnce() -> Result<i32, i32>) -> i32 {
    match caught(body) {
        Ok(Ok(answer) | Err(answer)) => answer,
        Err(_) => -ERROR_PANICKED,
    }
}

/// Runs a function of the table that answers nothing.
fn silent(body: impl FnOnce()) {
    let _ = caught(body);
}

fn check_process(shared: &Shared) -> Result<(), i32> {
    if shared.is_foreign_process() { Err(-ERROR_FORKED) } else { Ok(()) }
}

/// The store that `data` leads to, for the duration of a call.
///
/// # Safety
///
/// `data` must be null or a store's of this table, alive during the call.
unsafe fn export(data: *mut c_void) -> Result<ManuallyDrop<Arc<Export>>, i32> {
    if data.is_null() {
        return Err(-ERROR_INVALID_ARGUMENT);
    }
    // SAFETY: `Exporter::export` made it with `Arc::into_raw`; the caller's reference is neither used up nor dropped.
    let export = ManuallyDrop::new(unsafe { Arc::from_raw(data.cast_const().cast::<Export>()) });
    check_process(&export.shared)?;
    Ok(export)
}

/// What a handle leads to, for the duration of a call.
///
/// # Safety
///
/// `handle` must be null or come from `parcel::handle` for the same type, and be alive during the call.
unsafe fn state<'a, State>(handle: *mut c_void, shared: fn(&State) -> &Arc<Shared>) -> Result<&'a State, i32> {
    // SAFETY: handed on.
    let state = unsafe { handle.cast_const().cast::<State>().as_ref() }.ok_or(-ERROR_INVALID_ARGUMENT)?;
    check_process(shared(state))?;
    Ok(state)
}

/// Drops what a handle leads to, on the runtime that it belongs to. In a forked child it is left alone.
///
/// # Safety
///
/// As for [`state`]; the handle is not used again.
unsafe fn give_back<State>(handle: *mut c_void, shared: fn(&State) -> &Arc<Shared>) {
    silent(|| {
        // SAFETY: handed on.
        let Ok(alive) = (unsafe { state(handle, shared) }) else { return };
        let shared = Arc::clone(shared(alive));
        // Also where it cannot be entered, as on a thread that is being torn down.
        let _entered = caught(|| shared.runtime.enter());
        // SAFETY: handed on; `alive` is not used any more.
        drop(unsafe { Box::from_raw(handle.cast::<State>()) });
    });
}

fn of_stream(state: &StreamState) -> &Arc<Shared> {
    &state.export.shared
}

fn of_upload(state: &UploadState) -> &Arc<Shared> {
    &state.export.shared
}

fn of_operation(state: &Running) -> &Arc<Shared> {
    &state.shared
}

/// Lets `work` in and begins it. `work` is not made before nothing can be refused any more, since it may consume.
fn begin(shared: &Arc<Shared>, flags: u32, caller: Caller, work: impl FnOnce() -> Work) -> Result<i32, i32> {
    let ticket = shared.gate.enter().map_err(|code| -code)?;
    Ok(submit(shared, ticket, flags, caller, work()))
}

unsafe extern "C" fn retain(data: *mut c_void) -> i32 {
    answered(|| {
        // SAFETY: the interface promises a store that is alive.
        let export = unsafe { export(data) }?;
        std::mem::forget(Arc::clone(&export));
        Ok(0)
    })
}

unsafe extern "C" fn release(data: *mut c_void) {
    silent(|| {
        // SAFETY: the interface promises a store that is alive, and a reference to give back.
        let Ok(export) = (unsafe { export(data) }) else { return };
        let shared = Arc::clone(&export.shared);
        let _entered = caught(|| shared.runtime.enter());
        drop(ManuallyDrop::into_inner(export));
    });
}

unsafe extern "C" fn describe(data: *mut c_void, what: u32, out: *mut Buffer) -> i32 {
    answered(|| {
        // SAFETY: the interface promises a store that is alive.
        let export = unsafe { export(data) }?;
        if out.is_null() {
            return Err(-ERROR_INVALID_ARGUMENT);
        }
        let exported = &export.exported;
        let text = match what {
            raw::DESCRIBE_NAME => exported.store.to_string(),
            raw::DESCRIBE_URL => exported.url.clone().ok_or(-ERROR_NOT_SUPPORTED)?,
            raw::DESCRIBE_CONFIG_JSON => exported.config_json.clone().ok_or(-ERROR_NOT_SUPPORTED)?,
            raw::DESCRIBE_STATS_JSON => {
                let counts = export.shared.gate.counts();
                format!("{{\"operations\":{},\"in_flight\":{}}}", counts.entered, counts.in_flight)
            }
            _ => return Err(-ERROR_NOT_SUPPORTED),
        };
        // SAFETY: the interface promises that it can be written.
        unsafe { out.write(parcel::buffer(Bytes::from(text))) };
        Ok(0)
    })
}

unsafe extern "C" fn operation_cancel(operation: *mut c_void) {
    silent(|| {
        // SAFETY: the interface promises a handle that is alive.
        if let Ok(cancel) = unsafe { state(operation, of_operation) } {
            cancel.task.abort();
        }
    });
}

unsafe extern "C" fn operation_release(operation: *mut c_void) {
    // SAFETY: the interface promises a handle to give back.
    unsafe { give_back(operation, of_operation) }
}

unsafe extern "C" fn stream_release(stream: *mut c_void) {
    // SAFETY: as above.
    unsafe { give_back(stream, of_stream) }
}

unsafe extern "C" fn upload_release(upload: *mut c_void) {
    // SAFETY: as above.
    unsafe { give_back(upload, of_upload) }
}

/// A function that begins an operation: who is asked, and what becomes of the arguments.
macro_rules! slot {
    ($name:ident($args:ident: $type:ident, $target:ident: $get:expr) $body:expr) => {
        unsafe extern "C" fn $name(
            target: *mut c_void,
            arguments: *const raw::$type,
            complete: Option<Complete>,
            user: *mut c_void,
            inline_out: *mut raw::Result,
            operation_out: *mut *mut c_void,
        ) -> i32 {
            answered(|| {
                // SAFETY: the interface promises a target that is alive.
                let $target = unsafe { $get(target) }?;
                // SAFETY: the interface promises arguments that are as long as they say.
                let $args = unsafe { read(arguments) }?;
                // SAFETY: the interface promises that both can be written, if they are there.
                let caller = unsafe { Caller::new(complete, user, inline_out, operation_out) }?;
                $body(caller)
            })
        }
    };
}

slot! { get(args: GetArgs, store: export) |caller| {
    // SAFETY: what the arguments lead to is lent for the call, here and below.
    let (path, options) = unsafe { (request::path(args.path)?, request::get_options(&args)?) };
    begin(&store.shared, args.flags, caller, || operations::get(&store, path, options, args.prefetch_bytes))
} }

slot! { get_ranges(args: RangesArgs, store: export) |caller| {
    // SAFETY: as above.
    let (path, ranges) = unsafe { (request::path(args.path)?, request::ranges(&args)?) };
    begin(&store.shared, args.flags, caller, || operations::get_ranges(&store, path, ranges))
} }

slot! { put(args: PutArgs, store: export) |caller| {
    // SAFETY: as above.
    let (path, mode, attributes, tags, offered) = unsafe {
        (
            request::path(args.path)?,
            request::put_mode(&args)?,
            request::attributes(args.attributes, args.attribute_count)?,
            request::tags(args.tags, args.tag_count)?,
            Offered::check(args.buffers, args.buffer_count)?,
        )
    };
    let options = PutOptions { mode, tags, attributes, ..Default::default() };
    begin(&store.shared, args.flags, caller, || operations::put(&store, path, offered.take(), options))
} }

slot! { upload_start(args: UploadArgs, store: export) |caller| {
    // SAFETY: as above.
    let (path, attributes, tags) = unsafe {
        (
            request::path(args.path)?,
            request::attributes(args.attributes, args.attribute_count)?,
            request::tags(args.tags, args.tag_count)?,
        )
    };
    begin(&store.shared, args.flags, caller, || operations::upload_start(&store, path, attributes, tags))
} }

slot! { upload_part(args: PartArgs, upload: upload_state) |caller| {
    // SAFETY: as above.
    let offered = unsafe { Offered::check(args.buffers, args.buffer_count) }?;
    let held = upload.hold()?;
    begin(of_upload(upload), args.flags, caller, move || {
        let payload = offered.take();
        // Let go before the part begins: its end may be followed by the next call at once.
        let mut held = held;
        let part = caught(|| {
            let _entered = upload.export.shared.runtime.enter();
            held.as_mut().map(|upload| upload.put_part(payload))
        });
        operations::upload_part(&upload.export, part)
    })
} }

slot! { upload_complete(args: EndArgs, upload: upload_state) |caller| {
    let held = upload.hold()?;
    begin(of_upload(upload), args.flags, caller, || operations::upload_complete(&upload.export, held))
} }

slot! { upload_abort(args: EndArgs, upload: upload_state) |caller| {
    let held = upload.hold()?;
    begin(of_upload(upload), args.flags, caller, || operations::upload_abort(&upload.export, held))
} }

slot! { stream_next(args: NextArgs, stream: stream_state) |caller| {
    let turn = stream.turn()?;
    begin(of_stream(stream), args.flags, caller, || {
        operations::stream_next(&stream.export, turn, args.target_bytes, args.max_items)
    })
} }

slot! { delete(args: DeleteArgs, store: export) |caller| {
    // SAFETY: as above.
    let paths = unsafe { request::paths(args.paths, args.path_count) }?;
    begin(&store.shared, args.flags, caller, || operations::delete(&store, paths))
} }

slot! { copy(args: CopyArgs, store: export) |caller| {
    // SAFETY: as above.
    let (from, to) = unsafe { (request::path(args.from)?, request::path(args.to)?) };
    begin(&store.shared, args.flags, caller, || operations::copy(&store, from, to, args.flags))
} }

slot! { sign(args: SignArgs, store: export) |caller| {
    // SAFETY: as above.
    let (paths, request) = unsafe { request::signing(&args) }?;
    let work = operations::sign(&store, paths, request).ok_or(-ERROR_NOT_SUPPORTED)?;
    begin(&store.shared, args.flags, caller, || work)
} }

/// # Safety
///
/// As for [`state`].
unsafe fn upload_state<'a>(upload: *mut c_void) -> Result<&'a UploadState, i32> {
    // SAFETY: handed on.
    unsafe { state(upload, of_upload) }
}

/// # Safety
///
/// As for [`state`].
unsafe fn stream_state<'a>(stream: *mut c_void) -> Result<&'a StreamState, i32> {
    // SAFETY: handed on.
    unsafe { state(stream, of_stream) }
}

unsafe extern "C" fn list(data: *mut c_void, arguments: *const raw::ListArgs, stream_out: *mut *mut c_void) -> i32 {
    answered(|| {
        // SAFETY: the interface promises a store that is alive, and arguments that are as long as they say.
        let (export, args) = unsafe { (export(data)?, read(arguments)?) };
        if stream_out.is_null() {
            return Err(-ERROR_INVALID_ARGUMENT);
        }
        // SAFETY: what the arguments lead to is lent for the call.
        let listed = unsafe { request::listed(&args) }?;
        let stream = parcel::handle(StreamState::of_listing(Arc::clone(&export), listed));
        // SAFETY: the interface promises that it can be written.
        unsafe { stream_out.write(stream) };
        Ok(0)
    })
}
