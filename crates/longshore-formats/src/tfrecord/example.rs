//! The two features of a `tf.train.Example` that our data sets have.

use super::TfRecordError;

/// An image and the length that its record states for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example<'a> {
    /// The feature `image`: one byte string.
    pub image: &'a [u8],
    /// The feature `size`: one int64.
    pub size: i64,
}

/// One field of a protocol buffer.
enum Field<'a> {
    Bytes(&'a [u8]),
    Number(u64),
    /// Fixed-width numbers, which these messages use for nothing.
    Other,
}

impl<'a> Example<'a> {
    /// Reads the features out of one record's data. Other features and unknown fields are skipped, as protocol
    /// buffers ask; where a feature occurs twice, the last one counts.
    ///
    /// # Errors
    ///
    /// [`TfRecordError::Message`] for bytes that are no such message, [`TfRecordError::Feature`] when a feature is
    /// missing or does not have exactly one value of its type.
    pub fn parse(record: &'a [u8]) -> Result<Self, TfRecordError> {
        let (mut image, mut size) = (None, None);
        for features in Fields(record).bytes_of(1) {
            for entry in Fields(features?).bytes_of(1) {
                let entry = entry?;
                match last(entry, 1)?.unwrap_or_default() {
                    b"image" => image = last(entry, 2)?,
                    b"size" => size = last(entry, 2)?,
                    _ => {}
                }
            }
        }
        Ok(Self { image: one_bytes(image)?, size: one_int64(size)? })
    }
}

fn one_bytes(feature: Option<&[u8]>) -> Result<&[u8], TfRecordError> {
    let missing = TfRecordError::Feature { name: "image", kind: "byte string" };
    let list = last(feature.ok_or(missing)?, 1)?.ok_or(missing)?;
    let mut values = Fields(list).bytes_of(1);
    match (values.next().transpose()?, values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(missing),
    }
}

fn one_int64(feature: Option<&[u8]>) -> Result<i64, TfRecordError> {
    let missing = TfRecordError::Feature { name: "size", kind: "int64" };
    let list = last(feature.ok_or(missing)?, 3)?.ok_or(missing)?;
    let mut value = None;
    for field in Fields(list) {
        let (1, field) = field? else { continue };
        match field {
            Field::Number(number) if value.is_none() => value = Some(number),
            // Packed, as every current writer has it.
            Field::Bytes(mut packed) if value.is_none() => {
                value = Some(varint(&mut packed)?);
                if !packed.is_empty() {
                    return Err(missing);
                }
            }
            _ => return Err(missing),
        }
    }
    value.map(u64::cast_signed).ok_or(missing)
}

/// The last field `number` of a message that is a byte string or a message itself.
fn last(message: &[u8], number: u64) -> Result<Option<&[u8]>, TfRecordError> {
    let mut last = None;
    for bytes in Fields(message).bytes_of(number) {
        last = Some(bytes?);
    }
    Ok(last)
}

/// Iterates over a message's fields and their numbers; ends after the first error.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes_of(self, wanted: u64) -> impl Iterator<Item = Result<&'a [u8], TfRecordError>> {
        self.filter_map(move |field| match field {
            Ok((number, Field::Bytes(bytes))) if number == wanted => Some(Ok(bytes)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }

    fn field(&mut self) -> Result<(u64, Field<'a>), TfRecordError> {
        let tag = varint(&mut self.0)?;
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut self.0)?),
            1 => self.take(8).map(|_| Field::Other)?,
            2 => {
                let length = varint(&mut self.0)?;
                Field::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Field::Other)?,
            _ => return Err(TfRecordError::Message("a field has an unknown wire type")),
        };
        match tag >> 3 {
            0 => Err(TfRecordError::Message("a field has the number 0")),
            number => Ok((number, field)),
        }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], TfRecordError> {
        let (taken, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.0.split_at_checked(length))
            .ok_or(TfRecordError::Message("a field is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), TfRecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

fn varint(bytes: &mut &[u8]) -> Result<u64, TfRecordError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(TfRecordError::Message("a number is cut short"))?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if (bits << shift) >> shift != bits {
            return Err(TfRecordError::Message("a number is too large"));
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(TfRecordError::Message("a number is too long"))
}
