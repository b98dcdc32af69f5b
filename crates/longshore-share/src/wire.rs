//! How arguments and results cross: numbers as they are, text and slices as an address and a length, and what is owned with a
//! function that gives it back to the module that made it.

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use longshore_abi::Buffer;

use crate::layout;

/// A number whose bytes mean the same in every module.
///
/// # Safety
///
/// Every pattern of bits is a value, and there is no padding.
pub unsafe trait Number: Stable + Copy + Send + Sync + 'static {}

/// A type with one layout, in whatever module, by whatever compiler.
///
/// # Safety
///
/// The layout is that of C, and whoever drops a value gives what it owns back to its maker.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no layout that two modules agree on",
    label = "cannot be in data that modules share",
    note = "use numbers, arrays of numbers, and `SharedVec<number>` for `Vec` and `String`"
)]
pub unsafe trait Stable: Send + Sync + 'static {
    /// The hash of the layout.
    const LAYOUT: u64;
}

/// What a method takes.
///
/// # Safety
///
/// `from_wire` undoes `into_wire`.
pub unsafe trait Argument: Sized {
    /// The type in which it crosses.
    type Wire: Copy;

    /// Lends it.
    fn into_wire(self) -> Self::Wire;

    /// Takes it.
    ///
    /// # Safety
    ///
    /// It was made by `into_wire`, and what it lends is used no longer than the call takes.
    unsafe fn from_wire(wire: Self::Wire) -> Self;
}

/// What a method returns.
///
/// # Safety
///
/// `from_wire` undoes `into_wire`.
pub unsafe trait Returned: Sized {
    /// The type in which it crosses.
    type Wire;

    /// Gives it away.
    fn into_wire(self) -> Self::Wire;

    /// Takes it over.
    ///
    /// # Safety
    ///
    /// It was made by `into_wire`, and is taken once.
    unsafe fn from_wire(wire: Self::Wire) -> Self;
}

/// Lent elements, or lent text.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    pointer: *const c_void,
    length: usize,
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        // SAFETY: a primitive number.
        unsafe impl Number for $number {}
        // SAFETY: a primitive number.
        unsafe impl Stable for $number {
            const LAYOUT: u64 = layout::text(layout::OFFSET, stringify!($number));
        }

        // SAFETY: the same number.
        unsafe impl Argument for $number {
            type Wire = Self;
            fn into_wire(self) -> Self { self }
            unsafe fn from_wire(wire: Self) -> Self { wire }
        }

        // SAFETY: the same number.
        unsafe impl Returned for $number {
            type Wire = Self;
            fn into_wire(self) -> Self { self }
            unsafe fn from_wire(wire: Self) -> Self { wire }
        }
    )*};
}

numbers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64);

// SAFETY: an array of numbers has no padding either.
unsafe impl<T: Number, const N: usize> Stable for [T; N] {
    const LAYOUT: u64 = layout::number_of(layout::text(T::LAYOUT, "array"), N);
}
// SAFETY: `repr(C)`, and its drop calls the maker.
unsafe impl<T: Number> Stable for SharedVec<T> {
    const LAYOUT: u64 = layout::text(T::LAYOUT, "SharedVec");
}

// SAFETY: 0 and 1. A `bool` of another value would be undefined, so it does not cross as one.
unsafe impl Argument for bool {
    type Wire = u8;

    fn into_wire(self) -> u8 {
        self.into()
    }

    unsafe fn from_wire(wire: u8) -> Self {
        wire != 0
    }
}

// SAFETY: as for the argument.
unsafe impl Returned for bool {
    type Wire = u8;

    fn into_wire(self) -> u8 {
        self.into()
    }

    unsafe fn from_wire(wire: u8) -> Self {
        wire != 0
    }
}

// SAFETY: nothing crosses; the byte is there because C has no type without a size.
unsafe impl Returned for () {
    type Wire = u8;

    fn into_wire(self) -> u8 {
        0
    }

    unsafe fn from_wire(_: u8) {}
}

// SAFETY: the same elements.
unsafe impl<T: Number> Argument for &[T] {
    type Wire = Slice;

    fn into_wire(self) -> Slice {
        Slice { pointer: self.as_ptr().cast(), length: self.len() }
    }

    unsafe fn from_wire(wire: Slice) -> Self {
        if wire.length == 0 {
            return &[];
        }
        // SAFETY: made of a slice of that length, which the importer lends.
        unsafe { std::slice::from_raw_parts(wire.pointer.cast(), wire.length) }
    }
}

// SAFETY: the same text.
unsafe impl Argument for &str {
    type Wire = Slice;

    fn into_wire(self) -> Slice {
        self.as_bytes().into_wire()
    }

    unsafe fn from_wire(wire: Slice) -> Self {
        // SAFETY: made of a `str`, which the importer lends.
        unsafe { std::str::from_utf8_unchecked(<&[u8]>::from_wire(wire)) }
    }
}

// SAFETY: the same text; it is copied into memory of the module that takes it.
unsafe impl Returned for String {
    type Wire = SharedVec<u8>;

    fn into_wire(self) -> SharedVec<u8> {
        self.into_bytes().into()
    }

    unsafe fn from_wire(wire: SharedVec<u8>) -> Self {
        // SAFETY: made of a `String`.
        unsafe { Self::from_utf8_unchecked(wire.to_vec()) }
    }
}

// SAFETY: itself.
unsafe impl<T: Number> Returned for SharedVec<T> {
    type Wire = Self;

    fn into_wire(self) -> Self {
        self
    }

    unsafe fn from_wire(wire: Self) -> Self {
        wire
    }
}

/// Numbers in memory of the module that made them, which is given back to it when this is dropped, in whatever module that is, on
/// whatever thread.
///
/// Made of a `Vec`, without a copy; read as a slice.
///
/// ```
/// let shared = longshore_share::SharedVec::from(vec![1.0, 2.0]);
/// assert_eq!(*shared, [1.0, 2.0]);
/// ```
#[repr(C)]
pub struct SharedVec<T: Number> {
    buffer: Buffer,
    elements: PhantomData<T>,
}

// SAFETY: numbers that nobody writes; `Buffer` promises a `release` for any thread.
unsafe impl<T: Number> Send for SharedVec<T> {}
// SAFETY: as above.
unsafe impl<T: Number> Sync for SharedVec<T> {}

impl<T: Number> From<Vec<T>> for SharedVec<T> {
    fn from(elements: Vec<T>) -> Self {
        unsafe extern "C" fn release<T>(owner: *mut c_void) {
            // SAFETY: made below of a box of this type, and called once.
            drop(unsafe { Box::from_raw(owner.cast::<Vec<T>>()) });
        }
        let (ptr, len) = (elements.as_ptr().cast(), size_of_val(elements.as_slice()));
        let owner = Box::into_raw(Box::new(elements)).cast();
        Self { buffer: Buffer { ptr, len, owner, release: Some(release::<T>) }, elements: PhantomData }
    }
}

impl<T: Number> Default for SharedVec<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T: Number> Clone for SharedVec<T> {
    fn clone(&self) -> Self {
        self.to_vec().into()
    }
}

impl<T: Number> Deref for SharedVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        if self.buffer.len == 0 {
            return &[];
        }
        // SAFETY: `from` took them from a `Vec` of this type, which nobody changes until `drop`.
        unsafe { std::slice::from_raw_parts(self.buffer.ptr.cast(), self.buffer.len / size_of::<T>()) }
    }
}

impl<T: Number> Drop for SharedVec<T> {
    fn drop(&mut self) {
        if let Some(release) = self.buffer.release {
            // SAFETY: the maker's own function and owner, called once, here.
            unsafe { release(self.buffer.owner) };
        }
    }
}

impl<T: Number + fmt::Debug> fmt::Debug for SharedVec<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deref().fmt(formatter)
    }
}

impl<T: Number + PartialEq> PartialEq for SharedVec<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_crosses_without_a_copy_and_comes_back_whole() {
        let elements = vec![1_u16, 2, 3];
        let address = elements.as_ptr();
        let shared = SharedVec::from(elements);
        assert_eq!((shared.as_ptr(), shared.len()), (address, 3));
        // SAFETY: taken once.
        let back = unsafe { SharedVec::<u16>::from_wire(shared.into_wire()) };
        assert_eq!(*back, [1, 2, 3]);
        assert!(SharedVec::<f64>::default().is_empty());
    }

    #[test]
    fn texts_slices_and_truth_come_back_as_they_were() {
        // SAFETY: what is lent is alive.
        unsafe {
            assert_eq!(<&str>::from_wire("größer".into_wire()), "größer");
            assert_eq!(<&[f32]>::from_wire([1.5_f32].as_slice().into_wire()), [1.5]);
            assert_eq!(<&[f32]>::from_wire(Slice { pointer: std::ptr::null(), length: 0 }), [0.0_f32; 0]);
            assert_eq!(String::from_wire("größer".to_owned().into_wire()), "größer");
            assert!(<bool as Argument>::from_wire(Argument::into_wire(true)));
            assert!(!<bool as Returned>::from_wire(Returned::into_wire(false)));
        }
    }
}
