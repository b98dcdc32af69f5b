use super::*;

/// A version 1.0 file with this dictionary.
fn file(text: &str) -> Vec<u8> {
    versioned(1, text.as_bytes())
}

fn versioned(major: u8, text: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend([major, 0]);
    match major {
        1 => file.extend((text.len() as u16).to_le_bytes()),
        _ => file.extend((text.len() as u32).to_le_bytes()),
    }
    file.extend(text);
    file
}

fn parse(text: &str) -> Result<NpyHeader, NpyError> {
    NpyHeader::parse(&file(text))
}

fn with_shape(shape: &str) -> Result<Vec<u64>, NpyError> {
    parse(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}")).map(|header| header.shape)
}

fn with_descr(descr: &str) -> Result<NpyHeader, NpyError> {
    parse(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': ()}}"))
}

#[test]
fn a_dictionary_may_come_in_any_order_and_spacing() {
    for text in [
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }   \n",
        "{'shape':(2,3),'fortran_order':True,'descr':'<f4'}",
        " { \"fortran_order\" : True , \"descr\"\t: '<f4' ,\n 'shape' : ( 2 , 3 , ) , } ",
        "{u'descr': '<f4', b'shape': (2L, 3l), 'fortran\\x5forder': True}",
    ] {
        let header = parse(text).unwrap();
        assert_eq!(header.descr, "'<f4'", "{text}");
        assert!(header.fortran_order, "{text}");
        assert_eq!(header.shape, [2, 3], "{text}");
        assert_eq!(header.data_offset, 10 + text.len(), "{text}");
    }
}

#[test]
fn every_version_has_its_own_length_and_encoding() {
    let text = "{'descr': [('é', '<i4')], 'fortran_order': False, 'shape': (1,)}";
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    for (major, bytes, offset) in [(1, &*latin, 10), (2, &latin, 12), (3, text.as_bytes(), 12)] {
        let header = NpyHeader::parse(&versioned(major, bytes)).unwrap();
        assert_eq!(header.descr, "[('é', '<i4')]", "version {major}");
        assert_eq!(header.data_offset, offset + bytes.len());
    }
    assert!(NpyHeader::parse(&versioned(3, &latin)).is_err());
    assert_eq!(NpyHeader::parse(b"\x93NUMPY\x04\x00\0\0\0\0"), Err(NpyError::Version { major: 4, minor: 0 }));
}

#[test]
fn a_type_keeps_the_text_that_it_has_in_the_header() {
    for descr in [
        "'<f4'",
        "\"|u1\"",
        "[('a', '<i4'), ('b', '|S3', (2, 2)), (('title', 'c'), [('d', '>f8')]), ]",
        "[('it\\'s', '<i4')]",
        "[('tab\\there \\u03a9 \\101 \\N', '<i4')]".replace(" \\N", "").as_str(),
        "('|V8', (3,))",
    ] {
        assert_eq!(with_descr(descr).unwrap().descr, descr);
    }
}

#[test]
fn a_header_that_numpy_would_refuse_is_an_error() {
    for text in [
        "",
        "{}",
        "()",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}",
        "{'descr': 4, 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()} x",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()",
        "{'descr': '<f4' 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4, 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4\\', 'fortran_order': False, 'shape': ()}",
        "{descr: '<f4', 'fortran_order': False, 'shape': ()}",
        "{1: '<f4', 'fortran_order': False, 'shape': ()}",
        "{,}",
    ] {
        assert!(matches!(parse(text), Err(NpyError::Invalid { .. })), "{text}: {:?}", parse(text));
    }
}

#[test]
fn a_shape_is_a_tuple_of_lengths_whose_product_can_be_counted() {
    assert_eq!(with_shape("()").unwrap(), []);
    assert_eq!(with_shape("(5,)").unwrap(), [5]);
    assert_eq!(with_shape("(0, 3)").unwrap(), [0, 3]);
    let most = u64::MAX.to_string();
    assert_eq!(with_shape(&format!("({most},)")).unwrap(), [u64::MAX]);
    for shape in [
        "(5)",
        "5",
        "[5]",
        "(-1,)",
        "(2, -3)",
        "(1.0,)",
        "(1e3,)",
        "(True,)",
        "(None,)",
        "('1',)",
        "(,)",
        "(1,,)",
        "(1 2)",
        "(0x10,)",
        "(1_000,)",
        &format!("({most}0,)"),
        &format!("({},)", "9".repeat(60)),
        &format!("({most}, 2)"),
        &format!("({most}, {most}, 0)"),
        &format!("({})", "1,".repeat(DIMENSIONS_LIMIT + 1)),
    ] {
        assert!(with_shape(shape).is_err(), "{shape}");
    }
}

#[test]
fn the_item_size_is_known_for_the_types_numpy_writes_plainly() {
    for (descr, itemsize) in [
        ("'<f4'", Some(4)),
        ("'>f8'", Some(8)),
        ("'<f2'", Some(2)),
        ("'|u1'", Some(1)),
        ("'|i1'", Some(1)),
        ("'|b1'", Some(1)),
        ("'<c16'", Some(16)),
        ("'<U5'", Some(20)),
        ("'|S3'", Some(3)),
        ("'|S0'", Some(0)),
        ("'|V10'", Some(10)),
        ("'<M8[ns]'", Some(8)),
        ("'>m8[25s]'", Some(8)),
        ("'<m8'", Some(8)),
        ("'|O'", None),
        ("'|O8'", None),
        ("'<f3'", None),
        ("'float32'", None),
        ("'<f4[ns]'", None),
        ("'<'", None),
        ("''", None),
        ("'<é4'", None),
        ("'<U99999999999999999999'", None),
        ("[('a', '<i4')]", None),
    ] {
        assert_eq!(with_descr(descr).unwrap().itemsize(), itemsize, "{descr}");
    }
}

#[test]
fn a_header_cut_anywhere_is_an_error() {
    for major in [1, 2, 3] {
        let file = versioned(major, b"{'descr': '<f4', 'fortran_order': False, 'shape': ()}");
        assert!(NpyHeader::parse(&file).is_ok());
        for end in 0..file.len() {
            let error = NpyHeader::parse(&file[..end]).unwrap_err();
            assert_eq!(error, NpyError::Truncated, "{end} bytes");
        }
    }
}

#[test]
fn a_header_changed_anywhere_parses_or_is_an_error() {
    let file =
        file("{'descr': [('a\\x41', '<i4'), ('b', '|S3', (2,))], 'fortran_order': False, 'shape': (12, 3L), }\n");
    for at in 0..file.len() {
        for byte in 0..=u8::MAX {
            let mut changed = file.clone();
            changed[at] = byte;
            if let Ok(header) = NpyHeader::parse(&changed) {
                assert!(header.data_offset <= changed.len());
                header.itemsize();
                header.elements();
            }
        }
    }
}

#[test]
fn an_absurd_length_is_refused_before_anything_is_read() {
    let mut file = versioned(2, b"");
    file[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(NpyHeader::parse(&file), Err(NpyError::TooLong { length: u32::MAX.into() }));
}

#[test]
fn nesting_has_a_limit_that_spares_the_stack() {
    let nested = |depth: usize| format!("{}'<f4'{}", "[".repeat(depth), "]".repeat(depth));
    assert!(with_descr(&nested(DEPTH)).is_ok());
    let text = format!("{{'descr': {}, 'fortran_order': False, 'shape': ()}}", nested(100_000));
    let error = NpyHeader::parse(&versioned(2, text.as_bytes())).unwrap_err();
    assert!(error.to_string().contains("nested"), "{error}");
}

const DEPTH: usize = 32;

#[test]
fn a_written_header_is_aligned_and_as_long_for_every_length() {
    for length in [0, 1, 12_345, u64::MAX] {
        let header = write_header("|u1", length);
        assert_eq!(header.len(), 128, "{length}");
        assert_eq!(header.last(), Some(&b'\n'));
        let parsed = NpyHeader::parse(&header).unwrap();
        assert_eq!((parsed.shape, parsed.data_offset), (vec![length], 128));
        assert_eq!(parsed.descr, "'|u1'");
    }
}
