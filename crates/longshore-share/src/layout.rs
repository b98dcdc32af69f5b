//! The hash by which two modules know that they mean the same layout. It is made while compiling, in both of them.

use crate::wire::Stable;

const PRIME: u64 = 0x0100_0000_01b3;
pub(crate) const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

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
pub const fn field<T: Stable>(hash: u64, name: &str, offset: usize) -> u64 {
    let hash = number_of(text(hash, name), offset);
    (hash ^ T::LAYOUT).wrapping_mul(PRIME)
}

/// Goes on over a number.
#[must_use]
pub const fn number_of(hash: u64, number: usize) -> u64 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SharedVec;

    #[test]
    fn texts_that_are_cut_elsewhere_have_other_hashes() {
        assert_ne!(text(text(OFFSET, "ab"), "c"), text(text(OFFSET, "a"), "bc"));
        assert_ne!(start("ab", ""), start("a", "b"));
    }

    #[test]
    fn a_field_that_moved_or_has_another_type_or_name_has_another_hash() {
        let hash = field::<f64>(1, "x", 0);
        assert_ne!(hash, field::<f64>(1, "x", 8));
        assert_ne!(hash, field::<u64>(1, "x", 0));
        assert_ne!(hash, field::<[f64; 1]>(1, "x", 0));
        assert_ne!(hash, field::<SharedVec<f64>>(1, "x", 0));
        assert_ne!(hash, field::<f64>(1, "y", 0));
    }
}
