//! What Python sees of the class. One list, because PyO3 wants it so; what the methods do is in the modules beside this one.
//!
//! What looks at the bytes, or answers with a part of them, copies nothing. What makes new bytes of all of them is left to
//! Python's own `bytes`, because a copy is made anyway.

use std::ffi::{CString, c_int};
use std::ops::Range;

use pyo3::basic::CompareOp;
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes as Builtin, PyDict, PyIterator, PyList, PyMemoryView, PyString, PyTuple, PyType};

use crate::arguments::{Bounds, Needle, Position, View};
use crate::bytes::shown;
use crate::search::{or_error, or_minus_one, within};
use crate::sequence::{self, builtin, through};
use crate::split::{self, Ends, limit};
use crate::{PyBytes, characters, dlpack, export, pickling, search};

/// An argument that may be `None`, and may be missing.
enum Source<'py> {
    Nothing,
    Object(Bound<'py, PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Source<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self::Object(object.to_owned()))
    }
}

#[pymethods]
impl PyBytes {
    #[new]
    #[pyo3(signature = (buf=Source::Nothing, *, copy=false), text_signature = "(buf=b'', *, copy=False)")]
    fn construct(buf: Source<'_>, copy: bool) -> PyResult<Self> {
        match buf {
            Source::Nothing => Ok(Self::default()),
            Source::Object(object) if copy => export::copy(&object).map(Self::new),
            Source::Object(object) => object.extract(),
        }
    }

    /// The bytes that a text of hexadecimal digits stands for.
    #[classmethod]
    #[pyo3(signature = (string, /))]
    fn fromhex<'py>(class: &Bound<'py, PyType>, string: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        class.call1((class.py().get_type::<Builtin>().call_method1("fromhex", (string,))?,))
    }

    /// A table for `translate`, as a `bytes`.
    #[staticmethod]
    #[pyo3(signature = (frm, to, /))]
    fn maketrans<'py>(frm: &Bound<'py, PyAny>, to: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        frm.py().get_type::<Builtin>().call_method1("maketrans", (frm, to))
    }

    /// A copy of the bytes as a Python `bytes`.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Builtin>> {
        builtin(py, self.as_slice())
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Builtin>> {
        builtin(py, self.as_slice())
    }

    fn __len__(&self) -> usize {
        self.as_slice().len()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (beginning, length) = shown(slf.get().inner());
        let class = slf.get_type().name()?;
        let beginning = Builtin::new(slf.py(), &beginning).repr()?;
        Ok(match length {
            None => format!("{class}({beginning})"),
            Some(length) => format!("<{class} of {length} bytes: {beginning}...>"),
        })
    }

    fn __hash__(slf: &Bound<'_, Self>) -> PyResult<isize> {
        sequence::hash(slf)
    }

    fn __richcmp__<'py>(&self, other: &Bound<'py, PyAny>, op: CompareOp) -> PyResult<Bound<'py, PyAny>> {
        let py = other.py();
        let Ok(other) = View::new(other) else { return Ok(py.NotImplemented().into_bound(py)) };
        let (bytes, other): (&[u8], &[u8]) = (self.as_slice(), &other);
        let answer = match op {
            CompareOp::Eq => bytes == other,
            CompareOp::Ne => bytes != other,
            _ => op.matches(bytes.cmp(other)),
        };
        Ok(answer.into_pyobject(py)?.to_owned().into_any())
    }

    fn __contains__(&self, item: Needle<'_>) -> bool {
        search::first(self.as_slice(), &item).is_some()
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyIterator>> {
        PyMemoryView::from(slf.as_any())?.try_iter()
    }

    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        sequence::item(self, key)
    }

    fn __concat__(&self, other: View<'_>) -> PyResult<Self> {
        sequence::concatenated(self.as_slice(), &other)
    }

    fn __repeat__(&self, times: isize) -> PyResult<Self> {
        sequence::repeated(self, times)
    }

    fn __mod__(&self, values: &Bound<'_, PyAny>) -> PyResult<Self> {
        // CPython takes what has items but is none of its own for a dictionary.
        let values = match values.cast::<Self>() {
            Ok(own) => builtin(values.py(), own.get().as_slice())?.into_any(),
            Err(_) => values.clone(),
        };
        builtin(values.py(), self.as_slice())?.rem(values)?.extract()
    }

    /// Fills `view` as `flags` ask, which may not ask for writing.
    ///
    /// # Safety
    ///
    /// CPython's promise: `view` is null, or may be filled.
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        const READ_ONLY: c_int = 1;
        let memory = slf.get().as_slice();
        let (start, length) = (memory.as_ptr().cast_mut().cast(), memory.len().cast_signed());
        // SAFETY: we are attached, and `view` is as promised. The view keeps `slf`, which is frozen and so keeps the memory.
        let code = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, length, READ_ONLY, flags) };
        if code == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }

    /// Where the bytes are, as NumPy and others read it.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("shape", (self.as_slice().len(),))?;
        interface.set_item("typestr", "|u1")?;
        interface.set_item("data", (self.as_slice().as_ptr().addr(), true))?;
        interface.set_item("strides", py.None())?;
        Ok(interface)
    }

    /// The bytes as a DLPack tensor: one dimension of uint8, read-only unless copied.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<&Bound<'py, PyAny>>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wanted = dlpack::Wanted { has_stream: stream.is_some(), max_version, device: dl_device, copy };
        dlpack::export(py, self.inner(), &wanted)
    }

    /// Where the bytes are for DLPack: in the CPU's memory.
    #[expect(clippy::unused_self, reason = "Python calls it on an object")]
    fn __dlpack_device__(&self) -> (i32, i32) {
        dlpack::CPU
    }

    fn __reduce_ex__<'py>(slf: &Bound<'py, Self>, protocol: i32) -> PyResult<Bound<'py, PyTuple>> {
        pickling::reduce(slf, protocol)
    }

    /// The object itself, because it does not change. Of a subclass, another one with the same attributes.
    fn __copy__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        pickling::shallow_copy(slf)
    }

    /// An object with memory of its own.
    fn __deepcopy__<'py>(slf: &Bound<'py, Self>, memo: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        pickling::deep_copy(slf, memo)
    }

    /// Where `sub` is first, or -1.
    #[pyo3(signature = (sub, start=None, end=None, /))]
    fn find(&self, sub: &Bound<'_, PyAny>, start: Option<Position>, end: Option<Position>) -> PyResult<isize> {
        or_minus_one(within(self.as_slice(), sub, Bounds(start, end), search::first))
    }

    /// Where `sub` is last, or -1.
    #[pyo3(signature = (sub, start=None, end=None, /))]
    fn rfind(&self, sub: &Bound<'_, PyAny>, start: Option<Position>, end: Option<Position>) -> PyResult<isize> {
        or_minus_one(within(self.as_slice(), sub, Bounds(start, end), search::last))
    }

    /// Where `sub` is first, or `ValueError`.
    #[pyo3(signature = (sub, start=None, end=None, /))]
    fn index(&self, sub: &Bound<'_, PyAny>, start: Option<Position>, end: Option<Position>) -> PyResult<usize> {
        or_error(within(self.as_slice(), sub, Bounds(start, end), search::first))
    }

    /// Where `sub` is last, or `ValueError`.
    #[pyo3(signature = (sub, start=None, end=None, /))]
    fn rindex(&self, sub: &Bound<'_, PyAny>, start: Option<Position>, end: Option<Position>) -> PyResult<usize> {
        or_error(within(self.as_slice(), sub, Bounds(start, end), search::last))
    }

    /// How often `sub` is there, without overlaps.
    #[pyo3(signature = (sub, start=None, end=None, /))]
    fn count(&self, sub: &Bound<'_, PyAny>, start: Option<Position>, end: Option<Position>) -> PyResult<usize> {
        let sub: Needle<'_> = sub.extract()?;
        let part = Bounds(start, end).of(self.as_slice().len());
        Ok(part.map_or(0, |part| search::count(&self.as_slice()[part], &sub)))
    }

    /// Whether the bytes begin with `prefix`, or with one of a tuple of them.
    #[pyo3(signature = (prefix, start=None, end=None, /))]
    fn startswith(&self, prefix: &Bound<'_, PyAny>, start: Option<Position>, end: Option<Position>) -> PyResult<bool> {
        search::fits("startswith", self.as_slice(), prefix, Bounds(start, end), <[u8]>::starts_with)
    }

    /// Whether the bytes end with `suffix`, or with one of a tuple of them.
    #[pyo3(signature = (suffix, start=None, end=None, /))]
    fn endswith(&self, suffix: &Bound<'_, PyAny>, start: Option<Position>, end: Option<Position>) -> PyResult<bool> {
        search::fits("endswith", self.as_slice(), suffix, Bounds(start, end), <[u8]>::ends_with)
    }

    /// The parts between separators, or between white space, as views of the same memory.
    #[pyo3(signature = (sep=None, maxsplit=-1), text_signature = "($self, sep=None, maxsplit=-1)")]
    fn split<'py>(
        &self,
        py: Python<'py>,
        sep: Option<&Bound<'py, PyAny>>,
        maxsplit: isize,
    ) -> PyResult<Bound<'py, PyList>> {
        let sep = sep.map(View::new).transpose()?;
        self.list(
            py,
            match separator(sep.as_ref())? {
                None => split::words(self.as_slice(), limit(maxsplit)),
                Some(separator) => split::split(self.as_slice(), separator, limit(maxsplit)),
            },
        )
    }

    /// As `split`, beginning at the end.
    #[pyo3(signature = (sep=None, maxsplit=-1), text_signature = "($self, sep=None, maxsplit=-1)")]
    fn rsplit<'py>(
        &self,
        py: Python<'py>,
        sep: Option<&Bound<'py, PyAny>>,
        maxsplit: isize,
    ) -> PyResult<Bound<'py, PyList>> {
        let sep = sep.map(View::new).transpose()?;
        self.list(
            py,
            match separator(sep.as_ref())? {
                None => split::rwords(self.as_slice(), limit(maxsplit)),
                Some(separator) => split::rsplit(self.as_slice(), separator, limit(maxsplit)),
            },
        )
    }

    /// The lines, as views of the same memory.
    #[pyo3(signature = (keepends=Source::Nothing), text_signature = "($self, keepends=False)")]
    fn splitlines<'py>(&self, py: Python<'py>, keepends: Source<'py>) -> PyResult<Bound<'py, PyList>> {
        let keepends = match keepends {
            Source::Nothing => false,
            Source::Object(keepends) => {
                // Which objects will do differs between versions of Python.
                Builtin::new(py, b"").call_method1("splitlines", (&keepends,))?;
                keepends.is_truthy()?
            }
        };
        self.list(py, split::lines(self.as_slice(), keepends))
    }

    /// What is before the first `sep`, the separator, and what is behind it.
    #[pyo3(signature = (sep, /))]
    fn partition(&self, sep: View<'_>) -> PyResult<(Self, Self, Self)> {
        let found = search::first(self.as_slice(), separator(Some(&sep))?.unwrap_or_default());
        Ok(match found {
            None => (self.clone(), Self::default(), Self::default()),
            Some(found) => self.around(found..found + sep.len()),
        })
    }

    /// What is before the last `sep`, the separator, and what is behind it.
    #[pyo3(signature = (sep, /))]
    fn rpartition(&self, sep: View<'_>) -> PyResult<(Self, Self, Self)> {
        let found = search::last(self.as_slice(), separator(Some(&sep))?.unwrap_or_default());
        Ok(match found {
            None => (Self::default(), Self::default(), self.clone()),
            Some(found) => self.around(found..found + sep.len()),
        })
    }

    /// The bytes without those of `bytes`, or white space, at both ends.
    #[pyo3(signature = (bytes=None, /))]
    fn strip(&self, bytes: Option<View<'_>>) -> Self {
        self.part(split::strip(self.as_slice(), Ends::Both, bytes.as_deref()))
    }

    /// The bytes without those of `bytes`, or white space, in front.
    #[pyo3(signature = (bytes=None, /))]
    fn lstrip(&self, bytes: Option<View<'_>>) -> Self {
        self.part(split::strip(self.as_slice(), Ends::Left, bytes.as_deref()))
    }

    /// The bytes without those of `bytes`, or white space, at the end.
    #[pyo3(signature = (bytes=None, /))]
    fn rstrip(&self, bytes: Option<View<'_>>) -> Self {
        self.part(split::strip(self.as_slice(), Ends::Right, bytes.as_deref()))
    }

    /// The bytes behind `prefix`, or all where they do not begin with it.
    #[pyo3(signature = (prefix, /))]
    fn removeprefix(&self, prefix: View<'_>) -> Self {
        let start = if self.as_slice().starts_with(&prefix) { prefix.len() } else { 0 };
        self.part(start..self.as_slice().len())
    }

    /// The bytes before `suffix`, or all where they do not end with it.
    #[pyo3(signature = (suffix, /))]
    fn removesuffix(&self, suffix: View<'_>) -> Self {
        let cut = if self.as_slice().ends_with(&suffix) { suffix.len() } else { 0 };
        self.part(0..self.as_slice().len() - cut)
    }

    /// The text that the bytes encode.
    #[pyo3(signature = (encoding="utf-8", errors="strict"))]
    fn decode<'py>(slf: &Bound<'py, Self>, encoding: &str, errors: &str) -> PyResult<Bound<'py, PyString>> {
        let name = |text| CString::new(text).map_err(|_| PyValueError::new_err("embedded null character"));
        PyString::from_encoded_object(slf.as_any(), Some(&name(encoding)?), Some(&name(errors)?))
    }

    /// The bytes as hexadecimal digits.
    #[pyo3(signature = (*arguments, **keywords), text_signature = "($self, sep=..., bytes_per_sep=1)")]
    fn hex<'py>(
        slf: &Bound<'py, Self>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        PyMemoryView::from(slf.as_any())?.call_method("hex", arguments, keywords)
    }

    /// Whether there are bytes, and all are ASCII letters or digits.
    fn isalnum(&self) -> bool {
        characters::all(self.as_slice(), u8::is_ascii_alphanumeric)
    }

    /// Whether there are bytes, and all are ASCII letters.
    fn isalpha(&self) -> bool {
        characters::all(self.as_slice(), u8::is_ascii_alphabetic)
    }

    /// Whether all bytes are ASCII.
    fn isascii(&self) -> bool {
        self.as_slice().is_ascii()
    }

    /// Whether there are bytes, and all are ASCII digits.
    fn isdigit(&self) -> bool {
        characters::all(self.as_slice(), u8::is_ascii_digit)
    }

    /// Whether there are ASCII letters, and all are small.
    fn islower(&self) -> bool {
        characters::one_case(self.as_slice(), u8::is_ascii_lowercase, u8::is_ascii_uppercase)
    }

    /// Whether there are ASCII letters, and all are capitals.
    fn isupper(&self) -> bool {
        characters::one_case(self.as_slice(), u8::is_ascii_uppercase, u8::is_ascii_lowercase)
    }

    /// Whether there are bytes, and all are ASCII white space.
    fn isspace(&self) -> bool {
        characters::all(self.as_slice(), |byte| characters::is_space(*byte))
    }

    /// Whether there are words of ASCII letters, and each begins, alone, with a capital.
    fn istitle(&self) -> bool {
        characters::is_title(self.as_slice())
    }

    /// New bytes with small ASCII letters.
    #[pyo3(signature = ())]
    fn lower(slf: &Bound<'_, Self>) -> PyResult<Self> {
        through(slf, "lower", &PyTuple::empty(slf.py()), None)
    }

    /// New bytes with capital ASCII letters.
    #[pyo3(signature = ())]
    fn upper(slf: &Bound<'_, Self>) -> PyResult<Self> {
        through(slf, "upper", &PyTuple::empty(slf.py()), None)
    }

    /// New bytes with capitals where there were small ASCII letters, and the other way round.
    fn swapcase(slf: &Bound<'_, Self>) -> PyResult<Self> {
        through(slf, "swapcase", &PyTuple::empty(slf.py()), None)
    }

    /// New bytes with a capital for the first, and the other ASCII letters small.
    fn capitalize(slf: &Bound<'_, Self>) -> PyResult<Self> {
        through(slf, "capitalize", &PyTuple::empty(slf.py()), None)
    }

    /// New bytes with a capital for the first ASCII letter of each word, and the others small.
    fn title(slf: &Bound<'_, Self>) -> PyResult<Self> {
        through(slf, "title", &PyTuple::empty(slf.py()), None)
    }

    /// New bytes with these in the middle.
    #[pyo3(signature = (*arguments), text_signature = "($self, width, fillchar=b' ', /)")]
    fn center<'py>(slf: &Bound<'py, Self>, arguments: &Bound<'py, PyTuple>) -> PyResult<Self> {
        through(slf, "center", arguments, None)
    }

    /// New bytes with these on the left.
    #[pyo3(signature = (*arguments), text_signature = "($self, width, fillchar=b' ', /)")]
    fn ljust<'py>(slf: &Bound<'py, Self>, arguments: &Bound<'py, PyTuple>) -> PyResult<Self> {
        through(slf, "ljust", arguments, None)
    }

    /// New bytes with these on the right.
    #[pyo3(signature = (*arguments), text_signature = "($self, width, fillchar=b' ', /)")]
    fn rjust<'py>(slf: &Bound<'py, Self>, arguments: &Bound<'py, PyTuple>) -> PyResult<Self> {
        through(slf, "rjust", arguments, None)
    }

    /// New bytes with zeros between a sign and these.
    #[pyo3(signature = (*arguments), text_signature = "($self, width, /)")]
    fn zfill<'py>(slf: &Bound<'py, Self>, arguments: &Bound<'py, PyTuple>) -> PyResult<Self> {
        through(slf, "zfill", arguments, None)
    }

    /// New bytes with spaces for tabs.
    #[pyo3(signature = (*arguments, **keywords), text_signature = "($self, tabsize=8)")]
    fn expandtabs<'py>(
        slf: &Bound<'py, Self>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        through(slf, "expandtabs", arguments, keywords)
    }

    /// New bytes with `new` for `old`, everywhere or in the first `count` places.
    #[pyo3(signature = (*arguments, **keywords), text_signature = "($self, old, new, count=-1, /)")]
    fn replace<'py>(
        slf: &Bound<'py, Self>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        through(slf, "replace", arguments, keywords)
    }

    /// New bytes without those in `delete`, and the others as the table says.
    #[pyo3(signature = (*arguments, **keywords), text_signature = "($self, table, /, delete=b'')")]
    fn translate<'py>(
        slf: &Bound<'py, Self>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        through(slf, "translate", arguments, keywords)
    }

    /// New bytes of all items, with these between them.
    #[pyo3(signature = (*arguments), text_signature = "($self, iterable_of_bytes, /)")]
    fn join<'py>(slf: &Bound<'py, Self>, arguments: &Bound<'py, PyTuple>) -> PyResult<Self> {
        through(slf, "join", arguments, None)
    }
}

impl PyBytes {
    /// A part in the same memory. Where it is empty it holds none.
    fn part(&self, range: Range<usize>) -> Self {
        Self::new(self.inner().slice(range))
    }

    fn list<'py>(&self, py: Python<'py>, parts: Vec<Range<usize>>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, parts.into_iter().map(|part| self.part(part)))
    }

    fn around(&self, middle: Range<usize>) -> (Self, Self, Self) {
        let end = self.as_slice().len();
        (self.part(0..middle.start), self.part(middle.clone()), self.part(middle.end..end))
    }
}

/// A separator, which may not be empty.
fn separator<'view>(given: Option<&'view View<'_>>) -> PyResult<Option<&'view [u8]>> {
    match given.map(|view| &**view) {
        Some([]) => Err(PyValueError::new_err("empty separator")),
        separator => Ok(separator),
    }
}
