//! The names of the formats, as people write them.

use std::fmt;
use std::str::FromStr;

/// The format of a generated object.
///
/// Parses from its name in any case and prints in upper case.
///
/// ```
/// use longshore_formats::ObjectType;
///
/// assert_eq!("tfrecord".parse(), Ok(ObjectType::TfRecord));
/// assert_eq!(ObjectType::TfRecord.to_string(), "TFRECORD");
/// assert!("parquet".parse::<ObjectType>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectType {
    /// NumPy's ZIP archive of `.npy` members: `x` (uint8) and `y` (int64 label), both stored.
    Npz,
    /// TensorFlow's record file: `tf.train.Example` messages with `image` (bytes) and `size` (int64).
    TfRecord,
    /// An HDF5 file with the data sets `records` (uint8) and `labels` (int64).
    Hdf5,
    /// Bytes without a format.
    Raw,
}

impl ObjectType {
    /// Every format, in the order in which messages list them.
    pub const ALL: [Self; 4] = [Self::Npz, Self::TfRecord, Self::Hdf5, Self::Raw];

    /// The upper-case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Npz => "NPZ",
            Self::TfRecord => "TFRECORD",
            Self::Hdf5 => "HDF5",
            Self::Raw => "RAW",
        }
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ObjectType {
    type Err = ParseObjectTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| ParseObjectTypeError { name: text.into() })
    }
}

/// The text names none of the formats; the message lists those there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown object type {name:?}: expected NPZ, TFRECORD, HDF5 or RAW, in any case")]
pub struct ParseObjectTypeError {
    name: String,
}

impl ParseObjectTypeError {
    /// The text that was given.
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_parses_in_any_case_and_prints_in_upper_case() {
        for kind in ObjectType::ALL {
            for text in [
                kind.name().to_owned(),
                kind.name().to_lowercase(),
                format!("{}{}", &kind.name()[..1], kind.name()[1..].to_lowercase()),
            ] {
                assert_eq!(text.parse(), Ok(kind), "{text}");
            }
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        for text in ["", "npz ", "csv", "ＮＰＺ"] {
            let message = text.parse::<ObjectType>().unwrap_err().to_string();
            for kind in ObjectType::ALL {
                assert!(message.contains(kind.name()), "{message}");
            }
        }
    }
}
