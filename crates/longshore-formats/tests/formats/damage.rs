//! Damaged input is an error or reads as what it was, and never anything else.

use longshore_formats::{
    DataOptions, Example, Generator, NpzArchive, NpzError, ObjectType, TfRecordError, TfRecordReader,
};

use crate::fixtures::{COMPRESSED, NAMES, STORED, STREAMED, VERSIONS, ZIP64};

/// All arrays that can be read, in the directory's order.
fn arrays(data: &[u8]) -> Result<Vec<Vec<u8>>, NpzError> {
    let archive = NpzArchive::open(data)?;
    let mut arrays = Vec::new();
    for name in archive.names() {
        let Ok(member) = archive.find(Some(name)) else {
            continue;
        };
        assert!(member.data_len() <= 1032 * data.len(), "{} bytes for {}", member.data_len(), data.len());
        arrays.extend(member.read());
    }
    Ok(arrays)
}

#[test]
fn an_archive_cut_anywhere_is_an_error() {
    for data in [STORED, COMPRESSED, STREAMED, NAMES, VERSIONS, ZIP64] {
        for end in 0..data.len() {
            assert!(arrays(&data[..end]).is_err(), "{end} of {}", data.len());
        }
        for start in 1..data.len() {
            // An archive may start late, but then its first members are gone.
            _ = arrays(&data[start..]);
        }
    }
}

#[test]
fn an_archive_changed_anywhere_gives_the_old_arrays_or_errors() {
    for data in [STORED, COMPRESSED, STREAMED, NAMES, VERSIONS, ZIP64] {
        let whole = arrays(data).unwrap();
        assert!(whole.len() > 1, "the control");
        let mut changed = data.to_vec();
        for at in 0..data.len() {
            for change in [0x01, 0x80, 0xff] {
                changed[at] ^= change;
                for array in arrays(&changed).unwrap_or_default() {
                    assert!(whole.contains(&array), "byte {at} ^ {change:#x}");
                }
                changed[at] ^= change;
            }
        }
    }
}

fn tfrecord() -> Vec<u8> {
    let generator = Generator::new(ObjectType::TfRecord, 300_000, DataOptions::default()).unwrap();
    let large = generator.generate(0);
    let small = |size| {
        let generator = Generator::new(ObjectType::TfRecord, size, DataOptions::default());
        generator.unwrap().generate(0)
    };
    // Files join to a file.
    assert!(read(&[&large[..], &small(100)].concat()).is_ok());
    [small(49), small(120), small(90)].concat()
}

fn read(data: &[u8]) -> Result<usize, TfRecordError> {
    let mut records = 0;
    for record in TfRecordReader::new(data) {
        Example::parse(record?)?;
        records += 1;
    }
    Ok(records)
}

#[test]
fn a_record_file_cut_within_a_record_is_an_error() {
    let data = tfrecord();
    let mut boundaries = Vec::new();
    for end in 0..=data.len() {
        match read(&data[..end]) {
            Ok(records) => boundaries.push((end, records)),
            Err(error) => assert!(matches!(error, TfRecordError::Truncated { .. }), "{end}: {error}"),
        }
    }
    assert_eq!(boundaries, [(0, 0), (49, 1), (169, 2), (259, 3)]);
}

#[test]
fn a_record_file_changed_anywhere_is_an_error() {
    let mut data = tfrecord();
    for at in 0..data.len() {
        for change in 1..=u8::MAX {
            data[at] ^= change;
            assert!(read(&data).is_err(), "byte {at} ^ {change:#x}");
            data[at] ^= change;
        }
    }
    data.push(0);
    assert!(read(&data).is_err(), "a byte after the end");
}

#[test]
fn a_reader_ends_after_its_first_error() {
    let mut data = tfrecord();
    data[20] ^= 1;
    let results: Vec<_> = TfRecordReader::new(&data).collect();
    assert_eq!(results, [Err(TfRecordError::DataChecksum { offset: 0 })]);
}

#[test]
fn a_message_changed_anywhere_parses_or_is_an_error() {
    let data = tfrecord();
    for record in TfRecordReader::new(&data) {
        let mut message = record.unwrap().to_vec();
        for at in 0..message.len() {
            for change in 1..=u8::MAX {
                message[at] ^= change;
                _ = Example::parse(&message);
                message[at] ^= change;
            }
            _ = Example::parse(&message[..at]);
        }
    }
}

#[test]
fn messages_of_other_writers_parse() {
    let field = |tag: u8, inner: &[u8]| [&[tag, inner.len() as u8], inner].concat();
    // `size` first, its number not packed, and fields that nobody knows.
    let size = [field(0x0a, b"size"), field(0x12, &field(0x1a, b"\x08\x03"))].concat();
    let image = field(0x12, &field(0x0a, &field(0x0a, b"abc")));
    let image = [field(0x0a, b"image"), image, b"\x78\x01".to_vec()].concat();
    let features = [field(0x0a, &size), field(0x0a, &image)].concat();
    let message = [field(0x0a, &features), b"\x7d\0\0\0\0".to_vec()].concat();
    let example = Example::parse(&message).unwrap();
    assert_eq!((example.image, example.size), (&b"abc"[..], 3));
    for message in [&b""[..], b"\x0a\x00", b"\x0a\x02\x0a\x00"] {
        assert!(matches!(Example::parse(message), Err(TfRecordError::Feature { name: "image", .. })));
    }
}
