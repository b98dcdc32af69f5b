//! What every table begins with: plain data, checked before anything in the table is called.

use core::ffi::c_void;
use core::fmt;

use crate::Str;

/// The first field of every table. Its layout is the same for every version of every table, for ever.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// What kind of table this is, eight bytes that are read as one number of this machine: a table from a machine of the other
    /// byte order has another magic.
    pub magic: u64,
    /// Tables with another major version have another meaning. Refuse them.
    pub abi_major: u16,
    /// Tables with a higher minor version have more at their end.
    pub abi_minor: u16,
    /// Bytes of the whole table, this header included. What lies at or beyond is not there.
    pub struct_size: u32,
    /// Bits that say what the exporter can do; unknown ones mean nothing.
    pub features: u64,
    /// The address of a private static of the exporter: two tables with one address come from one binary.
    pub exporter: *const c_void,
    /// Who made this, for people: `"package 1.2.3 (rustc 1.95.0)"`. Lives as long as the process.
    pub info: Str,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Header>() == 48);
    assert!(core::mem::offset_of!(Header, abi_major) == 8);
    assert!(core::mem::offset_of!(Header, struct_size) == 12);
    assert!(core::mem::offset_of!(Header, features) == 16);
    assert!(core::mem::offset_of!(Header, exporter) == 24);
    assert!(core::mem::offset_of!(Header, info) == 32);
};

/// What a reader can use.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The kind of table.
    pub magic: u64,
    /// The one major version that the reader knows.
    pub abi_major: u16,
    /// The lowest minor version that has all the reader cannot do without.
    pub abi_minor: u16,
    /// The bytes that the reader cannot do without.
    pub struct_size: u32,
}

/// Why a table cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// There is nothing, or it is not where such a table can be.
    NoTable,
    /// It is something else, or comes from a machine of the other byte order.
    Magic {
        /// What is there.
        found: u64,
    },
    /// Another major version.
    Major {
        /// What the reader knows.
        expected: u16,
        /// What is there.
        found: u16,
    },
    /// The exporter is older than what the reader cannot do without.
    Minor {
        /// What the reader cannot do without.
        expected: u16,
        /// What is there.
        found: u16,
    },
    /// The table ends too early for its version.
    Short {
        /// The bytes that the reader cannot do without.
        expected: u32,
        /// What is there.
        found: u32,
    },
}

impl Header {
    /// Checks the table at `table` as data; nothing is called.
    ///
    /// # Errors
    ///
    /// Says in what the table is not the one `expected`.
    ///
    /// # Safety
    ///
    /// `table` must be null or lead to readable memory of at least the size of a header that lives as long as the process, as what
    /// lies in a capsule of the right name does. What follows the header is not read.
    pub unsafe fn check(table: *const Self, expected: &Expected) -> Result<&'static Self, HeaderError> {
        if table.is_null() || !table.is_aligned() {
            return Err(HeaderError::NoTable);
        }
        // SAFETY: not null, aligned, and the caller promised a readable header that stays.
        let header = unsafe { &*table };
        if header.magic != expected.magic {
            Err(HeaderError::Magic { found: header.magic })
        } else if header.abi_major != expected.abi_major {
            Err(HeaderError::Major { expected: expected.abi_major, found: header.abi_major })
        } else if header.abi_minor < expected.abi_minor {
            Err(HeaderError::Minor { expected: expected.abi_minor, found: header.abi_minor })
        } else if header.struct_size < expected.struct_size {
            Err(HeaderError::Short { expected: expected.struct_size, found: header.struct_size })
        } else {
            Ok(header)
        }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTable => write!(formatter, "there is no table"),
            Self::Magic { found } => write!(formatter, "this is no such table (it begins with {found:#018x})"),
            Self::Major { expected, found } => {
                write!(formatter, "its interface has version {found}, and version {expected} is needed")
            }
            Self::Minor { expected, found } => {
                write!(formatter, "its interface has minor version {found}, and {expected} or later is needed")
            }
            Self::Short { expected, found } => {
                write!(formatter, "its table has {found} bytes, and {expected} are needed")
            }
        }
    }
}

impl core::error::Error for HeaderError {}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expected = Expected { magic: 7, abi_major: 1, abi_minor: 2, struct_size: 64 };

    const GOOD: Header = Header {
        magic: 7,
        abi_major: 1,
        abi_minor: 3,
        struct_size: 72,
        features: 0,
        exporter: core::ptr::null(),
        info: Str::new("test"),
    };

    fn check(header: &'static Header) -> Result<(), HeaderError> {
        // SAFETY: a static header.
        unsafe { Header::check(header, &EXPECTED) }.map(|_| ())
    }

    #[test]
    fn a_newer_minor_version_is_good_and_everything_else_is_refused_by_name() {
        assert_eq!(check(&GOOD), Ok(()));
        assert_eq!(check(const { &Header { magic: 8, ..GOOD } }), Err(HeaderError::Magic { found: 8 }));
        assert_eq!(
            check(const { &Header { abi_major: 2, ..GOOD } }),
            Err(HeaderError::Major { expected: 1, found: 2 })
        );
        assert_eq!(
            check(const { &Header { abi_minor: 1, ..GOOD } }),
            Err(HeaderError::Minor { expected: 2, found: 1 })
        );
        assert_eq!(
            check(const { &Header { struct_size: 63, ..GOOD } }),
            Err(HeaderError::Short { expected: 64, found: 63 })
        );
        // SAFETY: null is allowed, and what is not aligned is not read.
        let nothing = unsafe {
            [Header::check(core::ptr::null(), &EXPECTED), Header::check(core::ptr::without_provenance(1), &EXPECTED)]
        };
        assert!(nothing.iter().all(|result| matches!(result, Err(HeaderError::NoTable))));
    }
}
