//! Archives written by NumPy read as what NumPy wrote; `tests/data/make.py` made them.

use longshore_formats::{NpyError, NpzArchive, NpzError};

pub(crate) const STORED: &[u8] = include_bytes!("../data/stored.npz");
pub(crate) const COMPRESSED: &[u8] = include_bytes!("../data/compressed.npz");
pub(crate) const STREAMED: &[u8] = include_bytes!("../data/streamed.npz");
pub(crate) const NAMES: &[u8] = include_bytes!("../data/names.npz");
pub(crate) const VERSIONS: &[u8] = include_bytes!("../data/versions.npz");
pub(crate) const ZIP64: &[u8] = include_bytes!("../data/zip64.npz");
const BZIP2: &[u8] = include_bytes!("../data/bzip2.npz");
const LZMA: &[u8] = include_bytes!("../data/lzma.npz");
const MIXED: &[u8] = include_bytes!("../data/mixed.npz");
const NO_ARRAYS: &[u8] = include_bytes!("../data/no_arrays.npz");
const OBJECT: &[u8] = include_bytes!("../data/object.npz");

/// An array as its header describes it: descr, Fortran order, shape, data.
type Array = (&'static str, bool, &'static [u64], Vec<u8>);

fn bytes<const N: usize>(items: impl IntoIterator<Item = [u8; N]>) -> Vec<u8> {
    items.into_iter().flatten().collect()
}

fn arrays() -> Vec<(&'static str, Array)> {
    let structured = [(1_i32, b"ab\0", [1_u16, 2_u16]), (2_i32, b"c\0\0", [3_u16, 4_u16])]
        .map(|(a, b, c)| [&a.to_le_bytes()[..], b, &c[0].to_le_bytes(), &c[1].to_le_bytes()].concat())
        .concat();
    let unicode = bytes("ab\0çde".chars().map(|c| u32::from(c).to_le_bytes()));
    let datetime = bytes([1_577_836_800_000_000_000, i64::MIN].map(i64::to_le_bytes));
    vec![
        ("float32", ("'<f4'", false, &[2, 3], bytes([0., 1., 2., 3., 4., 5.].map(f32::to_le_bytes)))),
        ("fortran", ("'<f8'", true, &[2, 3], bytes([0., 3., 1., 4., 2., 5.].map(f64::to_le_bytes)))),
        ("big_endian", ("'>i4'", false, &[4], bytes((0..4).map(i32::to_be_bytes)))),
        ("structured", ("[('a', '<i4'), ('b', '|S3'), ('c', '<u2', (2,))]", false, &[2], structured)),
        ("unicode", ("'<U3'", false, &[2], unicode)),
        ("datetime", ("'<M8[ns]'", false, &[2], datetime)),
        ("scalar", ("'<i8'", false, &[], 7_i64.to_le_bytes().to_vec())),
        ("empty", ("'<f4'", false, &[0, 3], Vec::new())),
        ("boolean", ("'|b1'", false, &[3], vec![1, 0, 1])),
        ("complex", ("'<c16'", false, &[1], bytes([1., 2.].map(f64::to_le_bytes)))),
        ("zeros", ("'|u1'", false, &[5000], vec![0; 5000])),
    ]
}

#[track_caller]
fn assert_array(archive: &NpzArchive<'_>, name: &str, array: &Array) {
    let member = archive.find(Some(name)).unwrap();
    let (descr, fortran_order, shape, data) = array;
    assert_eq!(member.header().descr, *descr, "{name}");
    assert_eq!(member.header().fortran_order, *fortran_order, "{name}");
    assert_eq!(member.header().shape, *shape, "{name}");
    assert_eq!(member.data_len(), data.len(), "{name}");
    assert_eq!(member.read().unwrap(), *data, "{name}");
}

#[test]
fn arrays_of_every_type_and_order_read_as_numpy_wrote_them() {
    for data in [STORED, COMPRESSED] {
        let archive = NpzArchive::open(data).unwrap();
        let arrays = arrays();
        let names: Vec<_> = arrays.iter().map(|(name, _)| *name).collect();
        assert_eq!(archive.names(), names);
        assert_eq!(archive.find(None).unwrap().name(), "float32");
        for (name, array) in &arrays {
            assert_array(&archive, name, array);
            assert_array(&archive, &format!("{name}.npy"), array);
        }
    }
}

#[test]
fn archives_read_whether_streamed_or_in_64_bits() {
    for data in [STREAMED, ZIP64] {
        let archive = NpzArchive::open(data).unwrap();
        assert_eq!(archive.names(), ["first", "second"]);
        let longs = |count| bytes((0..count).map(i64::to_le_bytes));
        assert_array(&archive, "first", &("'<i8'", false, &[3], longs(3)));
        assert_array(&archive, "second", &("'<i8'", false, &[2], longs(2)));
    }
}

#[test]
fn archives_read_with_data_in_front_and_a_comment_behind() {
    let mut commented = STORED.to_vec();
    let length = commented.len() - 2;
    commented[length..].copy_from_slice(&11_u16.to_le_bytes());
    commented.extend(b"a comment\0\xff");
    for data in [commented.clone(), [b"#!/bin/sh\n", STORED].concat()] {
        let archive = NpzArchive::open(&data).unwrap();
        for (name, array) in &arrays() {
            assert_array(&archive, name, array);
        }
    }
}

#[test]
fn every_version_of_the_header_reads() {
    let archive = NpzArchive::open(VERSIONS).unwrap();
    let shorts = bytes((0..3).map(i16::to_le_bytes));
    let five = 5_i32.to_le_bytes().to_vec();
    for (name, array) in [
        ("one", ("'<i2'", false, &[3][..], shorts.clone())),
        ("two", ("'<i2'", false, &[3], shorts)),
        ("three", ("[('Ωμ', '<i4')]", false, &[1], five.clone())),
        ("latin", ("[('é', '<i4')]", false, &[1], five)),
        ("python2", ("'<i8'", false, &[2], bytes((0..2).map(i64::to_le_bytes)))),
    ] {
        assert_array(&archive, name, &array);
    }
}

#[test]
fn names_work_as_in_numpy() {
    let archive = NpzArchive::open(NAMES).unwrap();
    assert_eq!(archive.names(), ["x.npy", "dir/x", "größe", "arr_0"]);
    for (name, value) in [("x.npy", 1), ("x.npy.npy", 1), ("dir/x", 2), ("größe", 3), ("größe.npy", 3), ("arr_0", 0)]
    {
        let member = archive.find(Some(name)).unwrap();
        assert_eq!(member.read().unwrap(), [value], "{name}");
    }
    for name in ["x", "", ".npy", "X.npy", "dir"] {
        let error = archive.find(Some(name)).unwrap_err();
        let NpzError::Missing { name: missing, names } = &error else {
            panic!("{error}");
        };
        assert_eq!((missing.as_str(), names.len()), (name, 4));
        assert!(error.to_string().contains("\"größe\""), "{error}");
    }
}

#[test]
fn members_that_are_no_arrays_are_skipped_or_named() {
    let archive = NpzArchive::open(MIXED).unwrap();
    assert_eq!(archive.names(), ["a", "text"]);
    assert_eq!(archive.find(None).unwrap().name(), "a");
    for name in ["text", "README.txt"] {
        let error = archive.find(Some(name)).unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.downcast_ref(), Some(&NpyError::Magic), "{error}");
    }
    let archive = NpzArchive::open(NO_ARRAYS).unwrap();
    for name in [None, Some("a")] {
        assert!(matches!(archive.find(name).unwrap_err(), NpzError::NoArrays));
    }
}

#[test]
fn a_method_that_is_not_supported_is_named() {
    for (data, name) in [(BZIP2, "bzip2"), (LZMA, "lzma")] {
        let error = NpzArchive::open(data).unwrap().find(None).unwrap_err();
        let message = error.to_string().to_lowercase();
        assert!(matches!(error, NpzError::Compression { .. }));
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn an_array_of_python_objects_shows_in_its_type() {
    let member = NpzArchive::open(OBJECT).unwrap().find(None).unwrap();
    assert_eq!(member.header().descr, "'|O'");
    assert_eq!(member.header().itemsize(), None);
}

#[test]
fn what_is_no_archive_is_an_error() {
    for data in [&b""[..], b"PK\x05\x06", b"\x93NUMPY\x01\x00", &[0; 4000]] {
        assert!(matches!(NpzArchive::open(data).unwrap_err(), NpzError::Archive(_)));
    }
}
