//! An extension module in Rust with neither PyO3 nor `object_store`: Python's stable C interface, and the store's own.
//!
//! `python` is what it needs of the first, and `store` of the second.

mod python;
mod store;

use std::ffi::{c_char, c_int, c_ulonglong, CStr};
use std::ptr;
use std::sync::Mutex;

use longshore_abi::raw::{self, ListArgs, RangesArgs, UploadArgs};
use longshore_abi::{StoreRef, Str, StreamHandle};

use crate::python::{
    content, raise, MethodDef, ModuleDef, Owned, PyArg_Parse, PyArg_ParseTuple, PyArg_ParseTupleAndKeywords,
    PyExc_RuntimeError, PyExc_ValueError, PyList_GetItem, PyList_Size, PyList_Type, PyModule_AddObjectRef,
    PyModule_Create2, PyObject, Raised, Result, ABI_VERSION, METH_KEYWORDS, METH_O, METH_VARARGS,
};
use crate::store::{begin_get, buffers, next, raise_code, raise_store, taken, upload_end, upload_part, Operation};

/// A store that the module keeps between calls, as one with a cache does.
static KEPT: Mutex<Option<StoreRef>> = Mutex::new(None);

/// Parses arguments as Python's function of this name does.
macro_rules! parse {
    ($arguments:expr, $format:literal $(, $target:expr)*) => {
        // SAFETY: a tuple of arguments; the targets are what the format says.
        if unsafe { PyArg_ParseTuple($arguments, $format.as_ptr() $(, $target)*) } == 0 {
            return Err(Raised);
        }
    };
}

// The functions of the module: each is called with a tuple of arguments, or with one, by a thread that has the interpreter.

/// What the store says of itself.
unsafe fn describe(object: *mut PyObject) -> Result<Owned> {
    // SAFETY: an argument.
    let store = unsafe { taken(object) }?;
    let name = store.describe(raw::DESCRIBE_NAME).map_err(|code| raise_code(store.vtable(), code))?;
    Owned::text(&format!("{} of {}", String::from_utf8_lossy(name.as_slice()), store.info()))
}

/// An object, and the address at which its bytes were received.
unsafe fn get(arguments: *mut PyObject) -> Result<Owned> {
    let (mut object, mut path) = (ptr::null_mut::<PyObject>(), ptr::null::<c_char>());
    parse!(arguments, c"Os", &mut object, &mut path);
    // SAFETY: arguments.
    let (content, address) = unsafe { whole(&taken(object)?, text(path)) }?;
    Owned::pair(&content, &Owned::number(address as u64)?)
}

fn whole(store: &StoreRef, path: &str) -> Result<(Owned, usize)> {
    let mut answer = begin_get(store, path, u64::MAX)?.finish(false)?;
    let parts = buffers(&mut answer);
    let address = parts.first().map_or(0, |part| part.as_slice().as_ptr() as usize);
    let content: Vec<_> = parts.iter().map(|part| part.as_slice()).collect();
    Ok((Owned::bytes(&content.concat())?, address))
}

/// Several ranges of an object.
unsafe fn get_ranges(arguments: *mut PyObject) -> Result<Owned> {
    let (mut object, mut path, mut list) =
        (ptr::null_mut::<PyObject>(), ptr::null::<c_char>(), ptr::null_mut::<PyObject>());
    parse!(arguments, c"OsO!", &mut object, &mut path, ptr::addr_of_mut!(PyList_Type), &mut list);
    // SAFETY: arguments.
    let (store, path) = unsafe { (taken(object)?, text(path)) };
    let mut ranges = Vec::new();
    for pair in items(list) {
        let (mut start, mut end): (c_ulonglong, c_ulonglong) = (0, 0);
        // SAFETY: an item; the targets are what the format says.
        if unsafe { PyArg_Parse(pair, c"(KK)".as_ptr(), &mut start, &mut end) } == 0 {
            return Err(Raised);
        }
        ranges.push(raw::Range { kind: raw::RANGE_BOUNDED, start, end });
    }
    let mut args = RangesArgs::EMPTY;
    args.path = Str::new(path);
    (args.ranges, args.range_count) = (ranges.as_ptr(), ranges.len());
    // SAFETY: the store is alive, and the rest is lent for the call.
    let operation = unsafe { Operation::begin(store.vtable(), store.vtable().get_ranges, store.data(), &args) };
    let mut answer = operation?.finish(false)?;
    Owned::list(buffers(&mut answer).iter().map(|part| Owned::bytes(part.as_slice())))
}

/// The bytes of an object, counted while they arrive.
unsafe fn stream_length(arguments: *mut PyObject) -> Result<Owned> {
    let (mut object, mut path) = (ptr::null_mut::<PyObject>(), ptr::null::<c_char>());
    parse!(arguments, c"Os", &mut object, &mut path);
    // SAFETY: arguments.
    let (store, path) = unsafe { (taken(object)?, text(path)) };
    let mut answer = begin_get(&store, path, 0)?.finish(false)?;
    let stream = answer.take_stream();
    let mut length = 0;
    let mut is_end = stream.is_none();
    loop {
        length += buffers(&mut answer).iter().map(|part| part.as_slice().len() as u64).sum::<u64>();
        match &stream {
            Some(stream) if !is_end => answer = next(stream)?,
            _ => return Owned::number(length),
        }
        is_end = answer.is_end();
    }
}

/// Reads an object `count` times at once. `is_attached` holds on to the interpreter meanwhile: a store must not need it.
unsafe fn gather(arguments: *mut PyObject) -> Result<Owned> {
    let (mut object, mut path) = (ptr::null_mut::<PyObject>(), ptr::null::<c_char>());
    let (mut count, mut is_attached) = (0_isize, 0 as c_int);
    parse!(arguments, c"Osnp", &mut object, &mut path, &mut count, &mut is_attached);
    // SAFETY: arguments.
    let (store, path) = unsafe { (taken(object)?, text(path)) };
    let operations: Result<Vec<_>> = (0..count).map(|_| begin_get(&store, path, u64::MAX)).collect();
    let mut length = 0;
    for operation in operations? {
        let answer = operation.finish(is_attached != 0)?;
        length += answer.object().map_or(0, |(_, range)| range.end - range.start);
    }
    Owned::number(length)
}

/// Writes an object, and returns the address of the bytes that were handed over. `create`: only where there is none.
unsafe fn put(arguments: *mut PyObject, keywords: *mut PyObject) -> Result<Owned> {
    let names = [c"store".as_ptr(), c"path".as_ptr(), c"content".as_ptr(), c"create".as_ptr(), ptr::null()];
    let (mut object, mut path, mut given) =
        (ptr::null_mut::<PyObject>(), ptr::null::<c_char>(), ptr::null_mut::<PyObject>());
    let (format, mut create) = (c"OsS|$p", 0 as c_int);
    // SAFETY: arguments and keywords; the targets are what the format says.
    let (store, path, content) = unsafe {
        let parsed = PyArg_ParseTupleAndKeywords(
            arguments,
            keywords,
            format.as_ptr(),
            names.as_ptr(),
            &mut object,
            &mut path,
            &mut given,
            &mut create,
        );
        if parsed == 0 {
            return Err(Raised);
        }
        // A copy: Python's own bytes are freed by a thread that has the interpreter, and a store's threads have not.
        (taken(object)?, text(path), Box::<[u8]>::from(content(given)?))
    };
    let address = content.as_ptr() as u64;
    store::put(&store, path, content, if create != 0 { raw::PUT_CREATE } else { raw::PUT_OVERWRITE })?;
    Owned::number(address)
}

/// Writes an object in parts.
unsafe fn upload(arguments: *mut PyObject) -> Result<Owned> {
    let (mut object, mut path, mut list) =
        (ptr::null_mut::<PyObject>(), ptr::null::<c_char>(), ptr::null_mut::<PyObject>());
    parse!(arguments, c"OsO!", &mut object, &mut path, ptr::addr_of_mut!(PyList_Type), &mut list);
    // SAFETY: arguments.
    let (store, path) = unsafe { (taken(object)?, text(path)) };
    // SAFETY: as above; the list is the caller's, and stays.
    let parts: Result<Vec<Box<[u8]>>> = items(list).map(|part| unsafe { Ok(content(part)?.into()) }).collect();
    let mut args = UploadArgs::EMPTY;
    args.path = Str::new(path);
    // SAFETY: the store is alive, and the path is lent for the call.
    let operation = unsafe { Operation::begin(store.vtable(), store.vtable().upload_start, store.data(), &args) };
    let parts = parts?;
    let upload = operation?.finish(false)?.take_upload();
    // SAFETY: Python's own class.
    let upload = upload.ok_or_else(|| raise(unsafe { PyExc_RuntimeError }, "the store gave no upload"))?;
    for part in parts {
        if let Err(raised) = upload_part(&upload, part) {
            // What was stored of it costs money until it is called off. Whatever that raises replaces the first error.
            upload_end(&upload, upload.vtable().upload_abort)?;
            return Err(raised);
        }
    }
    upload_end(&upload, upload.vtable().upload_complete)?;
    Ok(Owned::none())
}

/// The paths and sizes of the objects under a prefix.
unsafe fn list_objects(arguments: *mut PyObject) -> Result<Owned> {
    let (mut object, mut prefix) = (ptr::null_mut::<PyObject>(), ptr::null::<c_char>());
    parse!(arguments, c"Os", &mut object, &mut prefix);
    // SAFETY: arguments.
    let (store, prefix) = unsafe { (taken(object)?, text(prefix)) };
    let mut args = ListArgs::EMPTY;
    args.prefix = Str::new(prefix);
    let mut handle = ptr::null_mut();
    let code = match store.vtable().list {
        // SAFETY: the store is alive, the prefix is lent for the call, and the handle can be written.
        Some(list) => unsafe { list(store.data(), &args, &mut handle) },
        None => -raw::ERROR_NOT_IMPLEMENTED,
    };
    // SAFETY: made by this table, and ours.
    let stream = unsafe { StreamHandle::from_raw(store.vtable(), handle) };
    let Some(stream) = stream else { return Err(raise_code(store.vtable(), code.wrapping_neg())) };
    let mut found = Vec::new();
    loop {
        let answer = next(&stream)?;
        for object in answer.objects().flatten() {
            found.push(Owned::pair(&Owned::text(object.location)?, &Owned::number(object.size)?));
        }
        if answer.is_end() {
            return Owned::list(found);
        }
    }
}

/// Keeps a store for later calls.
unsafe fn keep(object: *mut PyObject) -> Result<Owned> {
    // SAFETY: an argument.
    let store = unsafe { taken(object) }?;
    *KEPT.lock().unwrap() = Some(store);
    Ok(Owned::none())
}

/// An object of the store that was kept.
unsafe fn get_kept(arguments: *mut PyObject) -> Result<Owned> {
    let mut path = ptr::null::<c_char>();
    parse!(arguments, c"s", &mut path);
    let store = {
        let kept = KEPT.lock().unwrap();
        // SAFETY: Python's own class.
        let Some(kept) = kept.as_ref() else { return Err(raise(unsafe { PyExc_ValueError }, "no store was kept")) };
        kept.retained().map_err(|error| raise_store(kept, error))?
    };
    // SAFETY: an argument.
    Ok(whole(&store, unsafe { text(path) })?.0)
}

/// Text that `s` of a format has given: UTF-8, as long as the arguments live.
unsafe fn text<'a>(start: *const c_char) -> &'a str {
    // SAFETY: ended by a zero, as Python says.
    unsafe { CStr::from_ptr(start) }.to_str().unwrap_or_default()
}

fn items(list: *mut PyObject) -> impl Iterator<Item = *mut PyObject> {
    // SAFETY: `O!` has found a list, and every item that is there is an object.
    unsafe { (0..PyList_Size(list)).map(move |index| PyList_GetItem(list, index)) }
}

/// No panic may reach Python.
fn guarded(body: impl FnOnce() -> Result<Owned>) -> *mut PyObject {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    // SAFETY: Python's own class.
    let outcome = outcome.unwrap_or_else(|_| Err(raise(unsafe { PyExc_RuntimeError }, "the module panicked")));
    outcome.map_or(ptr::null_mut(), Owned::into_ptr)
}

macro_rules! functions {
    ($($name:ident $flags:expr;)*) => {
        [$({
            unsafe extern "C" fn call(_: *mut PyObject, arguments: *mut PyObject) -> *mut PyObject {
                // SAFETY: called by Python, with the arguments that the flags say.
                guarded(|| unsafe { $name(arguments) })
            }
            let name = concat!(stringify!($name), "\0").as_ptr().cast();
            MethodDef { name, function: Some(call), flags: $flags, documentation: ptr::null() }
        },)*]
    };
}

unsafe extern "C" fn call_put(_: *mut PyObject, arguments: *mut PyObject, keywords: *mut PyObject) -> *mut PyObject {
    // SAFETY: called by Python, with keywords, as the flags say.
    guarded(|| unsafe { put(arguments, keywords) })
}

/// Python calls this to make the module.
#[no_mangle]
pub extern "C" fn PyInit_rust_without_pyo3() -> *mut PyObject {
    guarded(|| {
        let functions = functions! {
            describe METH_O;
            get METH_VARARGS;
            get_ranges METH_VARARGS;
            stream_length METH_VARARGS;
            gather METH_VARARGS;
            upload METH_VARARGS;
            list_objects METH_VARARGS;
            keep METH_O;
            get_kept METH_VARARGS;
        };
        // SAFETY: with these flags Python calls it with keywords.
        let with_keywords = unsafe { std::mem::transmute::<*const (), python::Function>(call_put as *const ()) };
        let put = MethodDef {
            name: c"put".as_ptr(),
            function: Some(with_keywords),
            flags: METH_VARARGS | METH_KEYWORDS,
            documentation: ptr::null(),
        };
        let end = MethodDef { name: ptr::null(), function: None, flags: 0, documentation: ptr::null() };
        let functions: Vec<_> = functions.into_iter().chain([put, end]).collect();
        // Python keeps both for as long as it runs.
        let definition = Box::leak(Box::new(ModuleDef {
            references: 1,
            class: ptr::null_mut(),
            init: ptr::null_mut(),
            index: 0,
            copy: ptr::null_mut(),
            name: c"rust_without_pyo3".as_ptr(),
            documentation: c"A consumer of object stores in Rust without PyO3.".as_ptr(),
            size: -1,
            methods: functions.leak().as_mut_ptr(),
            unused: [ptr::null_mut(); 4],
        }));
        let built_with = [
            (c"language", "Rust"),
            (c"binding", "Python's C interface, longshore-capsule"),
            (c"store", "longshore-abi"),
        ];
        // SAFETY: a definition that stays; the names end with a zero.
        unsafe {
            let module = Owned::new(PyModule_Create2(definition, ABI_VERSION))?;
            if PyModule_AddObjectRef(module.as_ptr(), c"BUILT_WITH".as_ptr(), Owned::texts(built_with)?.as_ptr()) < 0 {
                return Err(Raised);
            }
            Ok(module)
        }
    })
}
