//! Every size from the least up is made exactly, and strict readers accept it.

use std::io::{Cursor, Read};

use longshore_formats::{DataOptions, Example, FormatError, Generator, NpzArchive, ObjectType, TfRecordReader};

fn generator(kind: ObjectType, size: u64) -> Generator {
    Generator::new(kind, size, DataOptions::default()).unwrap()
}

/// All sizes near the least, around each power of two, and some others.
fn sizes(kind: ObjectType) -> impl Iterator<Item = u64> {
    let minimum = Generator::minimum_size(kind);
    let powers = (10..=22).flat_map(|power| around(1 << power, if power < 18 { 40 } else { 8 }));
    // Where the last records of a TFRecord file change their number.
    let records = if kind == ObjectType::TfRecord { 1..=4 } else { 0..=0 };
    let multiples = records.flat_map(|records| around(records << 18, 200));
    (minimum..minimum + 2000)
        .chain(powers)
        .chain(multiples)
        .chain([1_000_000, 3_000_001, 5_242_880, 10_000_019])
        .filter(move |&size| size >= minimum)
}

fn around(size: u64, distance: u64) -> std::ops::Range<u64> {
    size.saturating_sub(distance)..size + distance
}

/// Reads the whole object as strictly as its format allows, and returns the length of its payload.
fn payload(kind: ObjectType, object: &[u8], index: i64) -> usize {
    match kind {
        ObjectType::Raw => object.len(),
        ObjectType::Npz => npz_payload(object, index),
        ObjectType::TfRecord => tfrecord_payload(object),
        ObjectType::Hdf5 => hdf5_payload(object, index),
    }
}

fn npz_payload(object: &[u8], index: i64) -> usize {
    // No comment: the end record is the last thing, and the directory ends where it starts.
    let end = &object[object.len() - 22..];
    assert_eq!(end[..4], *b"PK\x05\x06");
    let word = |at: usize| u32::from_le_bytes(end[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(word(12) + word(16), object.len() - 22);

    let mut zip = zip::ZipArchive::new(Cursor::new(object)).unwrap();
    zip.validate_header_consistency().unwrap();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        assert_eq!(file.compression(), zip::CompressionMethod::Stored);
        file.read_to_end(&mut Vec::new()).unwrap();
    }

    let archive = NpzArchive::open(object).unwrap();
    assert_eq!(archive.names(), ["x", "y"]);
    let x = archive.find(None).unwrap();
    assert_eq!(x.header().descr, "'|u1'");
    assert_eq!(x.header().shape, [x.data_len() as u64]);
    let data = x.read().unwrap();
    let start = object.windows(data.len()).position(|at| at == data);
    if object.len() >= 64 << 10 {
        assert_eq!(start.unwrap() % 4096, 0, "{} bytes", object.len());
    }
    let y = archive.find(Some("y")).unwrap();
    assert_eq!(y.header().descr, "'<i8'");
    assert_eq!(y.header().shape, [1]);
    assert_eq!(y.read().unwrap(), index.to_le_bytes());
    data.len()
}

fn tfrecord_payload(object: &[u8]) -> usize {
    let mut total = 0;
    for record in TfRecordReader::new(object) {
        let record = record.unwrap();
        assert!(record.len() <= 256 << 10, "{}", record.len());
        let example = Example::parse(record).unwrap();
        assert_eq!(example.size, example.image.len() as i64);
        assert!(!example.image.is_empty());
        total += example.image.len();
    }
    total
}

fn hdf5_payload(object: &[u8], index: i64) -> usize {
    // The end of file, by superblock version 3.
    assert_eq!(object[28..36], object.len().to_le_bytes());
    let file = hdf5_pure::File::from_bytes(object.to_vec()).unwrap();
    let labels = file.dataset("labels").unwrap();
    assert_eq!(labels.read_i64().unwrap(), [index]);
    let records = file.dataset("records").unwrap().read_u8().unwrap();
    assert!(object.ends_with(&records));
    records.len()
}

fn every_size_is_exact(kind: ObjectType) {
    for size in sizes(kind) {
        let object = generator(kind, size).generate(size);
        assert_eq!(object.len() as u64, size, "{kind}");
        assert!(payload(kind, &object, size as i64) > 0 || size == 0);
    }
}

#[test]
fn every_npz_size_is_exact_and_readable() {
    every_size_is_exact(ObjectType::Npz);
}

#[test]
fn every_tfrecord_size_is_exact_and_readable() {
    every_size_is_exact(ObjectType::TfRecord);
}

#[test]
fn every_hdf5_size_is_exact_and_readable() {
    every_size_is_exact(ObjectType::Hdf5);
}

#[test]
fn every_raw_size_is_exact() {
    every_size_is_exact(ObjectType::Raw);
}

#[test]
fn most_of_an_object_is_payload() {
    for kind in ObjectType::ALL {
        let object = generator(kind, 1 << 20).generate(0);
        let payload = payload(kind, &object, 0);
        assert!(payload > (1 << 20) - 5000, "{kind}: {payload}");
    }
}

#[test]
fn the_least_size_holds_one_byte_and_a_smaller_one_names_it() {
    for kind in ObjectType::ALL {
        let minimum = Generator::minimum_size(kind);
        let object = generator(kind, minimum).generate(0);
        let expected = usize::from(kind != ObjectType::Raw);
        assert_eq!(payload(kind, &object, 0), expected, "{kind}");
        for size in 0..minimum {
            let error = Generator::new(kind, size, DataOptions::default()).unwrap_err();
            assert_eq!(error, FormatError::TooSmall { object_type: kind, size, minimum });
            let message = error.to_string();
            assert!(message.contains(&minimum.to_string()), "{message}");
            assert!(message.contains(kind.name()), "{message}");
        }
    }
}

#[test]
fn a_size_beyond_memory_is_an_error() {
    for kind in ObjectType::ALL {
        for size in [1 << 60, u64::MAX] {
            let error = Generator::new(kind, size, DataOptions::default()).unwrap_err();
            assert_eq!(error, FormatError::TooLarge { size }, "{kind}");
        }
    }
}

/// Takes 9 GiB of memory: `cargo test --release -- --ignored`.
#[test]
#[ignore = "takes 9 GiB of memory"]
fn sizes_around_the_limit_of_32_bits_are_exact_and_readable() {
    for kind in [ObjectType::Npz, ObjectType::TfRecord] {
        for size in [(1 << 32) - 2, (1 << 32) - 1, 1 << 32, (1 << 32) + 400] {
            let object = generator(kind, size).generate(1);
            assert_eq!(object.len() as u64, size);
            match kind {
                ObjectType::TfRecord => _ = tfrecord_payload(&object),
                _ => {
                    let archive = NpzArchive::open(&object).unwrap();
                    for (name, length) in [(None, size - 5000), (Some("y"), 8)] {
                        let member = archive.find(name).unwrap();
                        assert!(member.data_len() as u64 >= length);
                        member.read().unwrap();
                    }
                }
            }
        }
    }
}
