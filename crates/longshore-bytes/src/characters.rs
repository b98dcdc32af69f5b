//! What kind of text the bytes are, as `bytes` answers it: ASCII only, and nothing is of no kind.

/// White space for `bytes`, which counts the vertical tab.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0b' | b'\x0c')
}

/// Whether there are bytes and all are of a kind.
pub(crate) fn all(bytes: &[u8], is: impl Fn(&u8) -> bool) -> bool {
    !bytes.is_empty() && bytes.iter().all(is)
}

/// Whether there are letters and all of them are of one case.
pub(crate) fn one_case(bytes: &[u8], this: impl Fn(&u8) -> bool, other: impl Fn(&u8) -> bool) -> bool {
    let mut any = false;
    for byte in bytes {
        if other(byte) {
            return false;
        }
        any = any || this(byte);
    }
    any
}

/// Whether there are words, and each begins, alone, with a capital.
pub(crate) fn is_title(bytes: &[u8]) -> bool {
    let mut any = false;
    let mut inside = false;
    for byte in bytes {
        if byte.is_ascii_uppercase() && inside || byte.is_ascii_lowercase() && !inside {
            return false;
        }
        inside = byte.is_ascii_alphabetic();
        any = any || inside;
    }
    any
}
