//! Archives made to mislead.

use std::io::{Cursor, Write};

use longshore_formats::{NpzArchive, NpzError};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A `.npy` file of unsigned bytes.
fn npy(shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    file.extend(data);
    file
}

fn archive(method: CompressionMethod, npy: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    zip.start_file("a.npy", options).unwrap();
    zip.write_all(npy).unwrap();
    zip.finish().unwrap().into_inner()
}

/// Changes a field of the only directory header.
fn patch(mut data: Vec<u8>, field: usize, bytes: &[u8]) -> Vec<u8> {
    let header = data.windows(4).rposition(|magic| magic == b"PK\x01\x02").unwrap();
    data[header + field..][..bytes.len()].copy_from_slice(bytes);
    data
}

const FLAGS: usize = 8;
const METHOD: usize = 10;
const CRC: usize = 16;
const STORED_SIZE: usize = 20;
const SIZE: usize = 24;

fn find(data: &[u8]) -> Result<Vec<u8>, NpzError> {
    NpzArchive::open(data)?.find(None)?.read()
}

#[test]
fn a_plain_archive_of_this_kind_reads() {
    // The control for everything below.
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let data = archive(method, &npy("(3,)", b"abc"));
        assert_eq!(find(&data).unwrap(), b"abc");
    }
}

#[test]
fn a_size_that_the_archive_cannot_back_is_refused_before_allocating() {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let data = archive(method, &npy("(3,)", b"abc"));
        let claims = 0xffff_fff0_u32.to_le_bytes();
        let lied = patch(data.clone(), SIZE, &claims);
        assert!(matches!(find(&lied), Err(NpzError::Damaged { .. })));
        let lied = patch(patch(data, SIZE, &claims), STORED_SIZE, &claims);
        assert!(matches!(find(&lied), Err(NpzError::Damaged { .. })));
    }
}

#[test]
fn a_shape_that_the_member_cannot_back_is_an_error() {
    for (shape, expected) in [
        ("(4,)", Some(4)),
        ("(2,)", Some(2)),
        ("()", Some(1)),
        ("(18446744073709551615,)", Some(u64::MAX)),
        ("(1099511627776, 1024)", Some(1 << 50)),
    ] {
        let data = archive(CompressionMethod::Stored, &npy(shape, b"abc"));
        let error = find(&data).unwrap_err();
        let NpzError::Length { expected: needed, actual, .. } = error else {
            panic!("{shape}: {error}");
        };
        assert_eq!((needed, actual), (expected, 3), "{shape}");
    }
}

#[test]
fn a_bomb_gives_no_more_than_it_claims() {
    // A megabyte in a kilobyte, which the directory calls 3 bytes of data or one byte more than there is.
    let bomb = npy("(1000000,)", &[0; 1_000_000]);
    let data = archive(CompressionMethod::Deflated, &bomb);
    assert!(data.len() < 4000);
    let header = npy("(1000000,)", b"").len();
    for claim in [header + 3, bomb.len() - 1, bomb.len() + 1] {
        let lied = patch(data.clone(), SIZE, &(claim as u32).to_le_bytes());
        assert!(matches!(find(&lied), Err(NpzError::Length { .. })));
    }
    // The same where the shape goes along with the lie.
    for (shape, claim) in [("(0000003,)", 3), ("(1000001,)", 1_000_001)] {
        let data = archive(CompressionMethod::Deflated, &npy(shape, &[0; 1_000_000]));
        let lied = patch(data, SIZE, &((header + claim) as u32).to_le_bytes());
        assert!(matches!(find(&lied), Err(NpzError::Damaged { .. })));
    }
}

#[test]
fn a_wrong_checksum_is_an_error_for_stored_deflated_and_empty_arrays() {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        for npy in [npy("(3,)", b"abc"), npy("(0,)", b"")] {
            let data = patch(archive(method, &npy), CRC, b"\0\0\0\0");
            assert!(matches!(find(&data), Err(NpzError::Damaged { .. })));
        }
    }
}

#[test]
fn an_encrypted_member_and_an_unknown_method_are_named() {
    let data = archive(CompressionMethod::Stored, &npy("(3,)", b"abc"));
    let encrypted = patch(data.clone(), FLAGS, &[1]);
    assert!(matches!(find(&encrypted), Err(NpzError::Encrypted { .. })));
    let unknown = patch(data, METHOD, &[200]);
    let error = find(&unknown).unwrap_err();
    assert!(matches!(error, NpzError::Compression { .. }));
    assert!(error.to_string().contains("200"), "{error}");
}

#[test]
fn overlapping_members_cost_what_each_of_them_costs() {
    // Two directory headers for one member, as bombs have them by the thousand.
    let data = archive(CompressionMethod::Stored, &npy("(3,)", b"abc"));
    let end = data.len() - 22;
    let start = data.windows(4).rposition(|m| m == b"PK\x01\x02").unwrap();
    let mut second = data[start..end].to_vec();
    second[46] = b'b';
    let mut doubled = [&data[..end], &second, &data[end..]].concat();
    let record = doubled.len() - 22;
    doubled[record + 8..record + 12].copy_from_slice(&[2, 0, 2, 0]);
    doubled[record + 12..record + 16].copy_from_slice(&(2 * second.len() as u32).to_le_bytes());
    let archive = NpzArchive::open(&doubled).unwrap();
    assert_eq!(archive.names(), ["a", "b"]);
    for name in archive.names() {
        assert_eq!(archive.find(Some(name)).unwrap().read().unwrap(), b"abc");
    }
}

#[test]
fn a_member_shorter_than_its_header_is_an_error() {
    let whole = npy("(3,)", b"abc");
    for length in 0..whole.len() {
        let data = archive(CompressionMethod::Deflated, &whole[..length]);
        assert!(find(&data).is_err(), "{length}");
    }
}

#[test]
fn a_header_length_beyond_the_member_is_an_error() {
    let mut file = b"\x93NUMPY\x02\x00".to_vec();
    file.extend(1_000_000_u32.to_le_bytes());
    file.extend(b"{}");
    let data = archive(CompressionMethod::Stored, &file);
    assert!(matches!(find(&data), Err(NpzError::Header { .. })));
}

#[test]
fn a_buffer_of_another_length_is_refused() {
    let data = archive(CompressionMethod::Stored, &npy("(3,)", b"abc"));
    let member = NpzArchive::open(&data).unwrap().find(None).unwrap();
    for length in [0, 2, 4] {
        assert!(matches!(member.read_into(&mut vec![0; length]), Err(NpzError::Buffer { array: 3, .. })));
    }
}
