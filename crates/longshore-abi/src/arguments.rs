//! Reading argument structs whose writer may be older or newer.
//!
//! The rule is that of Linux's `openat2`: what an older caller does not know is zero, which always means "as before"; what a newer
//! caller says beyond the end of what we know must be zero, too, or the call is refused. So a condition that only the caller knows is
//! never dropped in silence.

use core::mem::MaybeUninit;

use crate::raw::{
    ALLOW_INLINE, COPY_IF_ABSENT, COPY_RENAME, CopyArgs, DeleteArgs, ERROR_INVALID_ARGUMENT, ERROR_NOT_SUPPORTED,
    EndArgs, GET_HEAD, GetArgs, LIST_DELIMITER, ListArgs, NextArgs, PartArgs, PutArgs, RangesArgs, SignArgs,
    UploadArgs,
};

/// No argument struct is longer, whatever version: what says so is not one.
const LONGEST: usize = 4096;

mod sealed {
    pub trait Sealed {}
}

/// One of the argument structs: plain data that begins with its size and flags, and for which zeros are good.
pub trait Args: sealed::Sealed + Copy {
    /// The flags that have a meaning.
    const FLAGS: u32;
}

macro_rules! args {
    ($($type:ident $flags:expr),* $(,)?) => {
        $(impl sealed::Sealed for $type {}
        impl Args for $type {
            const FLAGS: u32 = $flags;
        }

        impl $type {
            /// Nothing said, and the size of this version.
            pub const EMPTY: Self = {
                // SAFETY: integers and raw pointers, for which zeros are a value.
                let mut empty: Self = unsafe { MaybeUninit::zeroed().assume_init() };
                empty.struct_size = size_of::<Self>() as u32;
                empty
            };
        })*
    };
}

args! {
    GetArgs ALLOW_INLINE | GET_HEAD,
    RangesArgs ALLOW_INLINE,
    PutArgs ALLOW_INLINE,
    UploadArgs ALLOW_INLINE,
    PartArgs ALLOW_INLINE,
    EndArgs ALLOW_INLINE,
    ListArgs LIST_DELIMITER,
    NextArgs ALLOW_INLINE,
    DeleteArgs ALLOW_INLINE,
    CopyArgs ALLOW_INLINE | COPY_IF_ABSENT | COPY_RENAME,
    SignArgs ALLOW_INLINE,
}

/// Reads arguments of any version as this one's.
///
/// # Errors
///
/// `-ERROR_INVALID_ARGUMENT` where there are none, or their size makes no sense; `-ERROR_NOT_SUPPORTED` where they say something
/// that this version has no name for.
///
/// # Safety
///
/// `arguments` must be null or lead to as many readable bytes as its first four say.
pub unsafe fn read<T: Args>(arguments: *const T) -> core::result::Result<T, i32> {
    let start = arguments.cast::<u8>();
    // A shorter struct of an older caller may be less aligned than ours.
    if start.is_null() || !start.cast::<u32>().is_aligned() {
        return Err(-ERROR_INVALID_ARGUMENT);
    }
    // SAFETY: the caller promised at least the four bytes that say how many there are; they are aligned.
    let said = unsafe { start.cast::<u32>().read() } as usize;
    if !(2 * size_of::<u32>()..=LONGEST).contains(&said) {
        return Err(-ERROR_INVALID_ARGUMENT);
    }
    let known = size_of::<T>().min(said);
    // SAFETY: the caller promised `said` readable bytes.
    let beyond = unsafe { core::slice::from_raw_parts(start.add(known), said - known) };
    if beyond.iter().any(|byte| *byte != 0) {
        return Err(-ERROR_NOT_SUPPORTED);
    }
    let mut read = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are there on both sides, and the sides are different memory.
    unsafe { core::ptr::copy_nonoverlapping(start, read.as_mut_ptr().cast::<u8>(), known) };
    // SAFETY: the trait is sealed: integers and raw pointers only, for which any bytes are a value, zeros where nothing was said.
    let read = unsafe { read.assume_init() };
    // SAFETY: every struct of the trait begins with two `u32`, as `layout` asserts.
    let flags = unsafe { (&raw const read).cast::<u32>().add(1).read() };
    if flags & !T::FLAGS != 0 {
        return Err(-ERROR_NOT_SUPPORTED);
    }
    Ok(read)
}

/// Lends `count` values at `start`.
///
/// # Errors
///
/// `-ERROR_INVALID_ARGUMENT` where there are some at no address.
///
/// # Safety
///
/// Unless `count` is 0 or `start` is null, `start` must lead to `count` readable values that nobody writes while the result is in use.
pub unsafe fn slice<'a, T>(start: *const T, count: usize) -> core::result::Result<&'a [T], i32> {
    if count == 0 {
        return Ok(&[]);
    }
    if start.is_null() || !start.is_aligned() || count > (isize::MAX as usize) / size_of::<T>().max(1) {
        return Err(-ERROR_INVALID_ARGUMENT);
    }
    // SAFETY: not null, aligned, and the caller promised the values.
    Ok(unsafe { core::slice::from_raw_parts(start, count) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    struct Longer {
        known: NextArgs,
        tail: [u64; 2],
    }

    fn longer(tail: [u64; 2]) -> Longer {
        let mut known = NextArgs::EMPTY;
        known.struct_size = size_of::<Longer>() as u32;
        known.target_bytes = 7;
        Longer { known, tail }
    }

    fn read_as<T: Args, From>(from: &From) -> core::result::Result<T, i32> {
        // SAFETY: each test's struct is as long as it says, or says a length that is refused before it is used.
        unsafe { read(core::ptr::from_ref(from).cast()) }
    }

    #[test]
    fn a_newer_callers_tail_is_good_as_long_as_it_says_nothing() {
        assert_eq!(read_as::<NextArgs, _>(&longer([0, 0])).map(|args| args.target_bytes), Ok(7));
        assert_eq!(read_as::<NextArgs, _>(&longer([0, 1])).map(|args| args.target_bytes), Err(-ERROR_NOT_SUPPORTED));
        assert_eq!(read_as::<NextArgs, _>(&longer([1 << 63, 0])).map(|_| ()), Err(-ERROR_NOT_SUPPORTED));
    }

    #[test]
    fn what_an_older_caller_does_not_know_is_zero() {
        let older = EndArgs { struct_size: 8, flags: ALLOW_INLINE };
        let read = read_as::<SignArgs, _>(&older);
        assert_eq!(read.map(|args| (args.flags, args.path_count, args.expires_ns)), Ok((ALLOW_INLINE, 0, 0)));
    }

    #[test]
    fn unknown_flags_and_senseless_sizes_are_refused() {
        let said = |struct_size, flags| read_as::<EndArgs, _>(&[struct_size, flags]).map(|_| ());
        assert_eq!(said(8, 0), Ok(()));
        assert_eq!(said(8, 1 << 31), Err(-ERROR_NOT_SUPPORTED));
        assert_eq!(said(8, GET_HEAD), Err(-ERROR_NOT_SUPPORTED));
        for size in [0, 4, 7, 4097, u32::MAX] {
            assert_eq!(said(size, 0), Err(-ERROR_INVALID_ARGUMENT), "{size}");
        }
        // SAFETY: null is allowed.
        assert_eq!(unsafe { read::<EndArgs>(core::ptr::null()) }.map(|_| ()), Err(-ERROR_INVALID_ARGUMENT));
    }

    #[test]
    fn values_at_no_address_are_refused() {
        // SAFETY: null is allowed.
        unsafe {
            assert_eq!(slice::<u64>(core::ptr::null(), 0), Ok(&[][..]));
            assert_eq!(slice::<u64>(core::ptr::null(), 1), Err(-ERROR_INVALID_ARGUMENT));
        }
    }
}
