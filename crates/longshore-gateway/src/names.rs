//! Turns any S3 key into a store path and back.
//!
//! A key is any UTF-8 text of up to 1024 bytes; a store path is a list of non-empty segments without `.`, `..` or
//! control characters. [`encode`] is the identity for ordinary keys, so that a served folder looks natural, and
//! injective for all of them. What it escapes:
//!
//! | in a key | in a path | because |
//! |---|---|---|
//! | an empty segment (`/a`, `a//b`, `a/`) | `%2F` | paths have no empty segments |
//! | the segments `.` and `..` | `%2E`, `%2E%2E` | they would walk the folder tree |
//! | a control character | `%00` … `%1F`, `%7F` | paths refuse them |
//! | the `#` before digits that end a segment | `%23` | the local file store uses such names for its own staging |
//! | a `%` that would read as one of these escapes | `%25` | so that decoding is exact |
//!
//! [`flat`] is the second encoding: one or more segments that never collide with each other whatever the keys are. The
//! hidden area uses it, and so do keys that a folder cannot hold under their own name.

use object_store::path::Path;
use s3s::{S3Result, s3_error};

/// Longest segment a folder can hold, leaving room for the suffix of a staged file.
const LONGEST_SEGMENT: usize = 200;

/// The store path of `key`, relative to its bucket.
pub(crate) fn encode(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 8);
    for (index, segment) in key.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        encode_segment(segment, &mut out);
    }
    out
}

/// The key stored at `path`, or `None` when no key encodes to it: a foreign file with an escape-like name.
pub(crate) fn decode(path: &str) -> Option<String> {
    if !path.contains(['%', '#']) {
        return Some(path.to_owned());
    }
    let mut out = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        if segment == "%2F" {
            continue;
        }
        let mut rest = segment;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            match escape_at(&rest[at..]) {
                Some(byte) => {
                    out.push(char::from(byte));
                    rest = &rest[at + 3..];
                }
                None => {
                    out.push('%');
                    rest = &rest[at + 1..];
                }
            }
        }
        out.push_str(rest);
    }
    (encode(&out) == path).then_some(out)
}

/// Whether a file system can hold every segment of this encoded path.
pub(crate) fn fits_a_folder(encoded: &str) -> bool {
    encoded.split('/').all(|segment| segment.len() <= LONGEST_SEGMENT)
}

/// A path for `key` that no other key's path contains or extends.
pub(crate) fn flat(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 2);
    let mut length = 0;
    for &byte in key.as_bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let width = if plain { 1 } else { 3 };
        if length + width > LONGEST_SEGMENT {
            out.push('/');
            length = 0;
        }
        if plain {
            out.push(char::from(byte));
        } else {
            push_escape(byte, &mut out);
        }
        length += width;
    }
    // Only a last segment ends in `~`, so no path is a folder of another.
    out.push('~');
    out
}

/// The key whose [`flat`] path this is.
pub(crate) fn unflat(path: &str) -> Option<String> {
    let text = path.strip_suffix('~')?.replace('/', "");
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(&text).collect();
    String::from_utf8(bytes).ok()
}

/// A store path from an encoded one.
pub(crate) fn path(encoded: &str) -> S3Result<Path> {
    Path::parse(encoded).map_err(|error| s3_error!(error, InvalidURI, "the key cannot be stored"))
}

fn encode_segment(segment: &str, out: &mut String) {
    match segment {
        "" => return out.push_str("%2F"),
        "." => return out.push_str("%2E"),
        ".." => return out.push_str("%2E%2E"),
        _ => {}
    }
    let staging_mark = segment
        .find('#')
        .filter(|at| *at + 1 < segment.len() && segment[at + 1..].bytes().all(|byte| byte.is_ascii_digit()));
    for (at, symbol) in segment.char_indices() {
        let escape = symbol.is_ascii_control()
            || (symbol == '#' && Some(at) == staging_mark)
            || (symbol == '%' && escape_at(&segment[at..]).is_some());
        if escape {
            let mut buffer = [0; 4];
            for byte in symbol.encode_utf8(&mut buffer).bytes() {
                push_escape(byte, out);
            }
        } else {
            out.push(symbol);
        }
    }
}

/// The byte an escape at the start of `text` stands for, if [`encode`] ever writes that escape.
fn escape_at(text: &str) -> Option<u8> {
    let digits = text.as_bytes().get(1..3)?;
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let byte = value(digits[0])? * 16 + value(digits[1])?;
    (byte.is_ascii_control() || matches!(byte, b'#' | b'%' | b'.' | b'/')).then_some(byte)
}

fn push_escape(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &[&str] = &[
        "",
        "/",
        "//",
        "a/",
        "/a",
        "a//b",
        ".",
        "..",
        "../../etc/passwd",
        "a/./b",
        "a/../b",
        "%2E%2E/x",
        "%",
        "100%.txt",
        "%2",
        "%25",
        "%2F",
        "a%2Fb",
        "%2f",
        "a b",
        "a+b",
        "é/ü",
        "日本",
        "a\nb",
        "\u{7f}",
        "x#1",
        "x#1a",
        "x##12",
        "#",
        "#1",
        "%23",
        "a%2525",
        "\\",
        "a\\..\\b",
        "c:/x",
        "a~b",
        "~",
        "...",
        "a/..b",
        "\u{0}",
        "%00",
    ];

    #[test]
    fn ordinary_keys_are_their_own_path() {
        for key in
            ["a", "train/part-00001.npz", "A b+c&d=e@f:g,h;i!j'(k)*?", "100%.txt", "a%20b", "é/日本", ".hidden", "a#b"]
        {
            assert_eq!(encode(key), key);
            assert_eq!(decode(key).as_deref(), Some(key));
        }
    }

    #[test]
    fn every_key_comes_back_and_no_two_share_a_path() {
        let mut seen = std::collections::HashMap::new();
        for key in ODD {
            let encoded = encode(key);
            assert_eq!(decode(&encoded).as_deref(), Some(*key), "{encoded}");
            assert_eq!(unflat(&flat(key)).as_deref(), Some(*key));
            assert_eq!(seen.insert(encoded.clone(), key), None, "{encoded}");
            Path::parse(&encoded).unwrap_or_else(|error| panic!("{key:?}: {error}"));
            Path::parse(flat(key)).unwrap_or_else(|error| panic!("{key:?}: {error}"));
        }
    }

    #[test]
    fn no_encoded_segment_navigates() {
        for key in ODD {
            for path in [encode(key), flat(key)] {
                assert!(path.split('/').all(|segment| !matches!(segment, "" | "." | "..")), "{path}");
            }
        }
    }

    #[test]
    fn a_file_name_no_key_encodes_to_is_not_listed() {
        assert_eq!(decode("a%2Eb"), None);
        assert_eq!(decode("x#1"), None);
    }

    #[test]
    fn flat_paths_never_nest() {
        let short = "k".repeat(LONGEST_SEGMENT);
        let long = "k".repeat(LONGEST_SEGMENT + 1);
        assert!(!flat(&long).starts_with(&format!("{}/", flat(&short))));
        assert!(flat(&"é".repeat(512)).split('/').all(|segment| segment.len() <= LONGEST_SEGMENT + 1));
    }
}
