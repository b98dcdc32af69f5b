//! The header of NumPy's `.npy` format, versions 1.0, 2.0 and 3.0.
//!
//! Format source: `numpy/lib/format.py` and NEP 1. A header is a Python dictionary literal with exactly the keys
//! `descr`, `fortran_order` and `shape`; [`literal`] parses it.

mod literal;

use literal::Value;

/// Magic and version.
const PREFIX_BYTES: usize = 8;
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Enough of a file to tell how long its header is; no valid file is shorter.
pub(crate) const PROBE_BYTES: usize = 12;

/// A header longer than this is refused. NumPy itself stops at 10 000 bytes unless told to trust the file; a
/// structured type of some thousand fields still fits.
const HEADER_LIMIT: usize = 1 << 20;

/// As many dimensions as NumPy 2 allows.
const DIMENSIONS_LIMIT: usize = 64;

/// NumPy starts the data at a multiple of this.
const ALIGNMENT: usize = 64;

/// What a `.npy` file says about its array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyHeader {
    /// The element type: the text of the Python literal under `descr`, exactly as in the header, with its quotes or
    /// brackets. `'<f4'` for a plain type, `[('a', '<i4'), ('b', '|S3')]` for a structured one.
    pub descr: String,
    /// Whether the first index varies fastest.
    pub fortran_order: bool,
    /// The length of each dimension; empty for a single value. The product fits in 64 bits.
    pub shape: Vec<u64>,
    /// Where the array's bytes start, counted from the start of the `.npy` file.
    pub data_offset: usize,
}

/// Bytes that are not a `.npy` header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The first bytes are not the format's.
    #[error("not a .npy file: it does not start with \\x93NUMPY")]
    Magic,
    /// A version that did not exist when this was written.
    #[error("version {major}.{minor} of .npy is not supported; 1.0, 2.0 and 3.0 are")]
    Version {
        /// The version's first number.
        major: u8,
        /// The version's second number.
        minor: u8,
    },
    /// The file ends within its header.
    #[error("the .npy header is cut short")]
    Truncated,
    /// The header claims an absurd length.
    #[error("the .npy header claims {length} bytes; at most {HEADER_LIMIT} are accepted")]
    TooLong {
        /// The length it claims.
        length: u64,
    },
    /// The header is not the dictionary that the format asks for.
    #[error("invalid .npy header: {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
}

impl NpyError {
    fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid { reason: reason.into() }
    }
}

impl NpyHeader {
    /// Parses the header at the start of `data`, which may end anywhere after it.
    ///
    /// Allocates in proportion to the header that is there, whatever length it claims.
    ///
    /// ```
    /// use longshore_formats::NpyHeader;
    ///
    /// let mut file = b"\x93NUMPY\x01\x00\x3b\x00".to_vec();
    /// file.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
    /// let header = NpyHeader::parse(&file)?;
    /// assert_eq!(header.descr, "'<f4'");
    /// assert_eq!(header.shape, [2, 3]);
    /// assert_eq!(header.itemsize(), Some(4));
    /// # Ok::<(), longshore_formats::NpyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Another format or version, a header cut short, and any dictionary that NumPy would refuse: missing, repeated or
    /// unknown keys, values of the wrong kind, a negative dimension, more elements than 64 bits count.
    pub fn parse(data: &[u8]) -> Result<Self, NpyError> {
        let Extent { text, end, utf8 } = extent(data)?;
        let text = data.get(text..end).ok_or(NpyError::Truncated)?;
        let text = if utf8 {
            String::from_utf8(text.to_vec()).map_err(|_| NpyError::invalid("it is not UTF-8"))?
        } else {
            // Versions 1.0 and 2.0 are Latin-1, whose bytes are Unicode's first 256 characters.
            text.iter().copied().map(char::from).collect()
        };
        Self::from_text(&text, end)
    }

    fn from_text(text: &str, data_offset: usize) -> Result<Self, NpyError> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        for (key, value, source) in literal::dictionary(text)? {
            let repeated = match &*key {
                "descr" => match value {
                    Value::Text(_) | Value::List(_) | Value::Tuple(_) => descr.replace(source.to_owned()).is_some(),
                    _ => return Err(NpyError::invalid("'descr' does not describe a type")),
                },
                "fortran_order" => match value {
                    Value::Bool(fortran) => fortran_order.replace(fortran).is_some(),
                    _ => return Err(NpyError::invalid("'fortran_order' is not True or False")),
                },
                "shape" => shape.replace(dimensions(value)?).is_some(),
                _ => return Err(NpyError::invalid(format!("unknown key {key:?}"))),
            };
            if repeated {
                return Err(NpyError::invalid(format!("key {key:?} occurs twice")));
            }
        }
        let missing = |key| NpyError::invalid(format!("key {key:?} is missing"));
        Ok(Self {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
            data_offset,
        })
    }

    /// The number of elements: the product of the shape.
    pub fn elements(&self) -> u64 {
        // `parse` checked the product of the dimensions other than zero.
        self.shape.iter().try_fold(1_u64, |product, &length| product.checked_mul(length)).unwrap_or(0)
    }

    /// Bytes per element, for the types whose `descr` says it outright: `'<f4'`, `'|b1'`, `'<U5'`, `'<M8[ns]'`.
    ///
    /// `None` for structured types, for Python objects, and for any spelling that NumPy does not write itself.
    pub fn itemsize(&self) -> Option<usize> {
        let Ok(Value::Text(text)) = literal::value(&self.descr) else {
            return None;
        };
        let code = text.strip_prefix(['<', '>', '|', '='])?;
        let kind = code.chars().next()?;
        let (digits, unit) = match code[kind.len_utf8()..].split_once('[') {
            Some((digits, unit)) if unit.ends_with(']') => (digits, true),
            Some(_) => return None,
            None => (&code[kind.len_utf8()..], false),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let count: usize = digits.parse().ok()?;
        match kind {
            'M' | 'm' if count == 8 => Some(8),
            _ if unit => None,
            'b' if count == 1 => Some(1),
            'i' | 'u' if matches!(count, 1 | 2 | 4 | 8) => Some(count),
            'f' if matches!(count, 2 | 4 | 8 | 12 | 16) => Some(count),
            'c' if matches!(count, 8 | 16 | 24 | 32) => Some(count),
            'S' | 'V' => Some(count),
            'U' => count.checked_mul(4),
            _ => None,
        }
    }
}

/// Where a header's text lies in its file.
struct Extent {
    text: usize,
    end: usize,
    utf8: bool,
}

fn extent(data: &[u8]) -> Result<Extent, NpyError> {
    let magic = data.len().min(MAGIC.len());
    if data[..magic] != MAGIC[..magic] {
        return Err(NpyError::Magic);
    }
    let (major, minor) = match data.get(MAGIC.len()..PREFIX_BYTES) {
        Some(&[major, minor]) => (major, minor),
        _ => return Err(NpyError::Truncated),
    };
    let rest = &data[PREFIX_BYTES..];
    let (length, text, utf8) = match (major, minor) {
        (1, 0) => {
            let length = rest.first_chunk().ok_or(NpyError::Truncated)?;
            (u32::from(u16::from_le_bytes(*length)), 10, false)
        }
        (2 | 3, 0) => {
            let length = rest.first_chunk().ok_or(NpyError::Truncated)?;
            (u32::from_le_bytes(*length), 12, major == 3)
        }
        _ => return Err(NpyError::Version { major, minor }),
    };
    match usize::try_from(length) {
        Ok(short) if short <= HEADER_LIMIT => Ok(Extent { text, end: text + short, utf8 }),
        _ => Err(NpyError::TooLong { length: length.into() }),
    }
}

/// The length of the header at the start of `probe`, of which [`PROBE_BYTES`] are enough.
pub(crate) fn header_bytes(probe: &[u8]) -> Result<usize, NpyError> {
    extent(probe).map(|extent| extent.end)
}

fn dimensions(value: Value) -> Result<Vec<u64>, NpyError> {
    let not_a_shape = || NpyError::invalid("'shape' is not a tuple of whole numbers");
    let Value::Tuple(values) = value else {
        return Err(not_a_shape());
    };
    if values.len() > DIMENSIONS_LIMIT {
        return Err(NpyError::invalid(format!(
            "'shape' has {} dimensions; at most {DIMENSIONS_LIMIT} are accepted",
            values.len()
        )));
    }
    let mut shape = Vec::with_capacity(values.len());
    for value in values {
        let Value::Integer(length) = value else {
            return Err(not_a_shape());
        };
        let length =
            u64::try_from(length).map_err(|_| NpyError::invalid(format!("a dimension of 'shape' is {length}")))?;
        shape.push(length);
    }
    // An empty array has no elements, however long its other dimensions; NumPy still wants their product to fit.
    shape
        .iter()
        .filter(|&&length| length != 0)
        .try_fold(1_u64, |product, &length| product.checked_mul(length))
        .ok_or_else(|| NpyError::invalid("'shape' has more elements than 64 bits count"))?;
    Ok(shape)
}

/// A version 1.0 header for `length` elements in one dimension, padded as NumPy pads it. Its length is the same for
/// every `length`.
pub(crate) fn write_header(descr: &str, length: u64) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({length},), }}");
    // 20 digits are the longest length there is, and the header ends with a newline.
    let longest = text.len() - length.to_string().len() + 20 + 1;
    let total = (PREFIX_BYTES + 2 + longest).next_multiple_of(ALIGNMENT);
    let mut header = Vec::with_capacity(total);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&[1, 0]);
    header.extend_from_slice(&((total - PREFIX_BYTES - 2) as u16).to_le_bytes());
    header.extend_from_slice(text.as_bytes());
    header.resize(total - 1, b' ');
    header.push(b'\n');
    header
}

#[cfg(test)]
mod tests;
