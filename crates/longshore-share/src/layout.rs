//! The hash by which two modules know that they mean the same layout. It is made while compiling, in both of them.

use crate::wire::Stable;

const PRIME: u64 = 0x0100_0000_01b3;
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of a class, or of a value, that has nothing yet. Machines with other pointers begin elsewhere.
#[must_use]
pub const fn start(name: &str, data: &str) -> u64 {
    let hash = text(OFFSET, name);
    let hash = text(hash, data);
    number_of(hash, size_of::<usize>())
}

/// Goes on over a text (FNV-1a), and its end.
#[must_use]
pub const fn text(mut hash: u64, text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(PRIME);
        index += 1;
    }
    (hash ^ 0xff).wrapping_mul(PRIME)
}

/// Goes on over a field.
#[must_use]
pub const fn field(hash: u64, named: &str, offset: usize, size: usize) -> u64 {
    number_of(number_of(text(hash, named), offset), size)
}

const fn number_of(hash: u64, number: usize) -> u64 {
    (hash ^ number as u64).wrapping_mul(PRIME)
}

/// Reads a part of a version, as Cargo writes it.
///
/// # Panics
///
/// While compiling, where it is no number.
#[must_use]
pub const fn number(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("a part of the version is no number"),
    }
}

/// Compiles only for types with a layout of their own.
pub fn stable<T: Stable>() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_cut_elsewhere_have_other_hashes() {
        assert_ne!(text(text(OFFSET, "ab"), "c"), text(text(OFFSET, "a"), "bc"));
        assert_ne!(start("ab", ""), start("a", "b"));
    }

    #[test]
    fn a_field_that_moved_or_grew_has_another_hash() {
        let hash = field(1, "x:f64", 0, 8);
        assert_ne!(hash, field(1, "x:f64", 8, 8));
        assert_ne!(hash, field(1, "x:f64", 0, 16));
        assert_ne!(hash, field(1, "y:f64", 0, 8));
    }
}
