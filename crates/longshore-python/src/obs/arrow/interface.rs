//! Arrow's C data interface: structures that say where buffers are, and a callback that lets go of them.
//!
//! Whoever takes a structure out of its capsule moves it and marks the one in the capsule as released, so each is released once:
//! by its taker, or with its capsule. See <https://arrow.apache.org/docs/format/CDataInterface.html>.
#![expect(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::columns::{Columns, FIELDS};

/// The flag of a field whose values may be absent.
const NULLABLE: i64 = 2;

/// `ArrowSchema`, as the interface defines it.
#[repr(C)]
struct Schema {
    format: *const c_char,
    name: *const c_char,
    metadata: *const c_char,
    flags: i64,
    n_children: i64,
    children: *mut *mut Schema,
    dictionary: *mut Schema,
    release: Option<unsafe extern "C" fn(*mut Schema)>,
    private_data: *mut c_void,
}

/// `ArrowArray`, as the interface defines it.
#[repr(C)]
struct Array {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *mut *const c_void,
    children: *mut *mut Array,
    dictionary: *mut Array,
    release: Option<unsafe extern "C" fn(*mut Array)>,
    private_data: *mut c_void,
}

/// `ArrowArrayStream`, as the interface defines it.
#[repr(C)]
struct Stream {
    get_schema: Option<unsafe extern "C" fn(*mut Stream, *mut Schema) -> c_int>,
    get_next: Option<unsafe extern "C" fn(*mut Stream, *mut Array) -> c_int>,
    get_last_error: Option<unsafe extern "C" fn(*mut Stream) -> *const c_char>,
    release: Option<unsafe extern "C" fn(*mut Stream)>,
    private_data: *mut c_void,
}

// SAFETY: what a schema points to is static, or owned by it alone and untouched until it is released.
unsafe impl Send for Schema {}
// SAFETY: as above; the buffers are shared with others, who only read them.
unsafe impl Send for Array {}
// SAFETY: as above.
unsafe impl Send for Stream {}

pub(super) fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyCapsule>> {
    PyCapsule::new_with_value(py, Schema::of_listing(), c"arrow_schema")
}

pub(super) fn array<'py>(py: Python<'py>, columns: &Arc<Columns>) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, Array::of_listing(columns), c"arrow_array")
}

pub(super) fn stream<'py>(py: Python<'py>, columns: &Arc<Columns>) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, Stream::of_listing(columns), c"arrow_array_stream")
}

impl Schema {
    fn of_listing() -> Self {
        let fields = FIELDS.iter().map(|field| {
            let flags = if field.nullable { NULLABLE } else { 0 };
            Self::new(field.format, field.name, flags, Vec::new())
        });
        Self::new(c"+s", c"", 0, fields.collect())
    }

    fn new(format: &'static CStr, name: &'static CStr, flags: i64, children: Vec<Self>) -> Self {
        let (n_children, children) = into_pointers(children);
        Self {
            format: format.as_ptr(),
            name: name.as_ptr(),
            metadata: ptr::null(),
            flags,
            n_children,
            children,
            dictionary: ptr::null_mut(),
            release: Some(release_schema),
            private_data: ptr::null_mut(),
        }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: `release` is the callback of this very structure, which nobody has released.
            unsafe { release(self) }
        }
    }
}

unsafe extern "C" fn release_schema(schema: *mut Schema) {
    // SAFETY: the interface has its taker call this once, with a structure that this file made and that may have been moved.
    let schema = unsafe { &mut *schema };
    // SAFETY: the children are those of `new`, in the same number. One that was moved away is marked as released.
    unsafe { drop_pointers(schema.children, schema.n_children) };
    schema.release = None;
}

/// What the memory behind an array is kept by.
struct Kept {
    _columns: Arc<Columns>,
    buffers: Vec<*const c_void>,
}

impl Array {
    fn of_listing(columns: &Arc<Columns>) -> Self {
        let fields = (0..FIELDS.len()).map(|index| {
            let (absent, buffers) = columns.column(index);
            Self::new(columns, absent, buffers, Vec::new())
        });
        // Of a struct only the validity is a buffer of its own, and it has none.
        Self::new(columns, 0, vec![ptr::null()], fields.collect())
    }

    fn new(columns: &Arc<Columns>, absent: usize, buffers: Vec<*const c_void>, children: Vec<Self>) -> Self {
        let (n_children, children) = into_pointers(children);
        let mut kept = Box::new(Kept { _columns: Arc::clone(columns), buffers });
        Self {
            length: columns.rows() as i64,
            null_count: absent as i64,
            offset: 0,
            n_buffers: kept.buffers.len() as i64,
            n_children,
            buffers: kept.buffers.as_mut_ptr(),
            children,
            dictionary: ptr::null_mut(),
            release: Some(release_array),
            private_data: Box::into_raw(kept).cast(),
        }
    }

    /// What marks the end of a stream.
    fn released() -> Self {
        Self {
            length: 0,
            null_count: 0,
            offset: 0,
            n_buffers: 0,
            n_children: 0,
            buffers: ptr::null_mut(),
            children: ptr::null_mut(),
            dictionary: ptr::null_mut(),
            release: None,
            private_data: ptr::null_mut(),
        }
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: as for a schema.
            unsafe { release(self) }
        }
    }
}

unsafe extern "C" fn release_array(array: *mut Array) {
    // SAFETY: as for a schema.
    let array = unsafe { &mut *array };
    // SAFETY: as for a schema.
    unsafe { drop_pointers(array.children, array.n_children) };
    // SAFETY: `new` made this pointer from a box, and nobody has taken it back: an array is released once.
    drop(unsafe { Box::from_raw(array.private_data.cast::<Kept>()) });
    array.release = None;
}

/// What a stream has left to give.
struct Left(Option<Arc<Columns>>);

impl Stream {
    fn of_listing(columns: &Arc<Columns>) -> Self {
        Self {
            get_schema: Some(get_schema),
            get_next: Some(get_next),
            get_last_error: Some(get_last_error),
            release: Some(release_stream),
            private_data: Box::into_raw(Box::new(Left(Some(Arc::clone(columns))))).cast(),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: as for a schema.
            unsafe { release(self) }
        }
    }
}

unsafe extern "C" fn get_schema(_stream: *mut Stream, out: *mut Schema) -> c_int {
    // SAFETY: the interface has the caller pass memory for a schema, with nothing in it that is to be dropped.
    unsafe { ptr::write(out, Schema::of_listing()) };
    0
}

unsafe extern "C" fn get_next(stream: *mut Stream, out: *mut Array) -> c_int {
    // SAFETY: the interface has the caller pass a stream that was not released, from one thread at a time; `of_listing` made its
    // data.
    let left = unsafe { &mut *(*stream).private_data.cast::<Left>() };
    let next = left.0.take().map_or_else(Array::released, |columns| Array::of_listing(&columns));
    // SAFETY: as for the schema.
    unsafe { ptr::write(out, next) };
    0
}

unsafe extern "C" fn get_last_error(_stream: *mut Stream) -> *const c_char {
    ptr::null()
}

unsafe extern "C" fn release_stream(stream: *mut Stream) {
    // SAFETY: as for a schema.
    let stream = unsafe { &mut *stream };
    // SAFETY: `of_listing` made this pointer from a box, and a stream is released once.
    drop(unsafe { Box::from_raw(stream.private_data.cast::<Left>()) });
    stream.release = None;
}

/// An array of pointers to structures, as the interface has children.
fn into_pointers<T>(children: Vec<T>) -> (i64, *mut *mut T) {
    if children.is_empty() {
        return (0, ptr::null_mut());
    }
    let pointers: Box<[*mut T]> = children.into_iter().map(|child| Box::into_raw(Box::new(child))).collect();
    (pointers.len() as i64, Box::into_raw(pointers).cast())
}

/// # Safety
///
/// `children` and `count` are what [`into_pointers`] gave, and are given up.
unsafe fn drop_pointers<T>(children: *mut *mut T, count: i64) {
    if children.is_null() {
        return;
    }
    let pointers = ptr::slice_from_raw_parts_mut(children, count as usize);
    // SAFETY: the caller's promise: this is the box that was leaked there.
    for child in unsafe { Box::from_raw(pointers) } {
        // SAFETY: likewise. Dropping a child releases it, unless it is marked as released.
        drop(unsafe { Box::from_raw(child) });
    }
}
