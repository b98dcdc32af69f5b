//! The rows of a listing in Arrow's columnar format.

use std::ffi::{CStr, c_void};
use std::ptr;

use longshore_engine::Metadata;

/// A column: its name, its type as the C data interface writes it, and whether values can be absent.
pub(super) struct Field {
    pub(super) name: &'static CStr,
    pub(super) format: &'static CStr,
    pub(super) nullable: bool,
}

/// The columns of a listing, which are those of `ObjectMeta`.
pub(super) const FIELDS: [Field; 5] = [
    Field { name: c"path", format: c"u", nullable: false },
    Field { name: c"last_modified", format: c"tsu:UTC", nullable: false },
    Field { name: c"size", format: c"L", nullable: false },
    Field { name: c"e_tag", format: c"u", nullable: true },
    Field { name: c"version", format: c"u", nullable: true },
];

/// The columns, each as the buffers that Arrow wants.
pub(super) struct Columns {
    rows: usize,
    path: Texts,
    /// Microseconds since 1970.
    last_modified: Vec<i64>,
    size: Vec<u64>,
    e_tag: Texts,
    version: Texts,
}

impl Columns {
    /// `None` where a column would be longer than its offsets can say.
    pub(super) fn of(found: Vec<Metadata>) -> Option<Self> {
        let rows = found.len();
        let mut columns = Self {
            rows,
            path: Texts::new(rows),
            last_modified: Vec::with_capacity(rows),
            size: Vec::with_capacity(rows),
            e_tag: Texts::new(rows),
            version: Texts::new(rows),
        };
        for meta in found {
            columns.path.push(Some(&meta.key))?;
            columns.last_modified.push(meta.last_modified.timestamp_micros());
            columns.size.push(meta.size);
            columns.e_tag.push(meta.e_tag.as_deref())?;
            columns.version.push(meta.version.as_deref())?;
        }
        Some(columns)
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many values of a column are absent, and where its buffers are: validity, then values, or offsets and text.
    pub(super) fn column(&self, index: usize) -> (usize, Vec<*const c_void>) {
        match index {
            0 => self.path.buffers(),
            1 => (0, vec![ptr::null(), self.last_modified.as_ptr().cast()]),
            2 => (0, vec![ptr::null(), self.size.as_ptr().cast()]),
            3 => self.e_tag.buffers(),
            _ => self.version.buffers(),
        }
    }
}

/// A column of texts.
struct Texts {
    offsets: Vec<i32>,
    text: String,
    /// A bit for each row, the lowest first: whether it has a value.
    validity: Vec<u8>,
    absent: usize,
}

impl Texts {
    fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, text: String::new(), validity: vec![0; rows.div_ceil(8)], absent: 0 }
    }

    fn push(&mut self, text: Option<&str>) -> Option<()> {
        let row = self.offsets.len() - 1;
        match text {
            Some(text) => {
                self.text.push_str(text);
                self.validity[row / 8] |= 1 << (row % 8);
            }
            None => self.absent += 1,
        }
        self.offsets.push(i32::try_from(self.text.len()).ok()?);
        Some(())
    }

    fn buffers(&self) -> (usize, Vec<*const c_void>) {
        let validity = if self.absent == 0 { ptr::null() } else { self.validity.as_ptr().cast() };
        (self.absent, vec![validity, self.offsets.as_ptr().cast(), self.text.as_ptr().cast()])
    }
}
