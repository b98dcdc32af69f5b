//! Splitting and stripping, as `bytes` does it: each answers with ranges, so that nothing is copied.

use std::ops::Range;

use memchr::memmem;

use crate::characters::is_space;

/// As many splits as there may be: `None` for any number.
pub(crate) fn limit(maxsplit: isize) -> Option<usize> {
    usize::try_from(maxsplit).ok()
}

/// The parts between separators, from the front.
pub(crate) fn split(bytes: &[u8], separator: &[u8], limit: Option<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for found in memmem::find_iter(bytes, separator).take(limit.unwrap_or(usize::MAX)) {
        parts.push(start..found);
        start = found + separator.len();
    }
    parts.push(start..bytes.len());
    parts
}

/// The parts between separators, found from the back, in order.
pub(crate) fn rsplit(bytes: &[u8], separator: &[u8], limit: Option<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut end = bytes.len();
    for found in memmem::rfind_iter(bytes, separator).take(limit.unwrap_or(usize::MAX)) {
        parts.push(found + separator.len()..end);
        end = found;
    }
    parts.push(0..end);
    parts.reverse();
    parts
}

/// The words between white space, from the front. Where there may be no more, the rest is one.
pub(crate) fn words(bytes: &[u8], limit: Option<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut rest = 0;
    while let Some(start) = position(bytes, rest, |byte| !is_space(byte)) {
        if Some(parts.len()) == limit {
            parts.push(start..bytes.len());
            break;
        }
        rest = position(bytes, start, is_space).unwrap_or(bytes.len());
        parts.push(start..rest);
    }
    parts
}

/// The words between white space, from the back, in order. Where there may be no more, the rest is one.
pub(crate) fn rwords(bytes: &[u8], limit: Option<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut rest = bytes.len();
    while let Some(last) = bytes[..rest].iter().rposition(|byte| !is_space(*byte)) {
        if Some(parts.len()) == limit {
            parts.push(0..last + 1);
            break;
        }
        rest = bytes[..last].iter().rposition(|byte| is_space(*byte)).map_or(0, |space| space + 1);
        parts.push(rest..last + 1);
        rest = rest.saturating_sub(1);
    }
    parts.reverse();
    parts
}

/// The lines, which end with `\n`, `\r` or `\r\n`.
pub(crate) fn lines(bytes: &[u8], keepends: bool) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let end = memchr::memchr2(b'\n', b'\r', &bytes[start..]).map_or(bytes.len(), |found| start + found);
        let next = match bytes[end..] {
            [] => end,
            [b'\r', b'\n', ..] => end + 2,
            _ => end + 1,
        };
        parts.push(start..if keepends { next } else { end });
        start = next;
    }
    parts
}

/// Which ends to strip.
#[derive(Clone, Copy)]
pub(crate) enum Ends {
    Both,
    Left,
    Right,
}

/// What is left without the `strange` bytes at the ends; without white space where they are not given.
pub(crate) fn strip(bytes: &[u8], ends: Ends, strange: Option<&[u8]>) -> Range<usize> {
    let stays = |byte: &u8| !strange.map_or_else(|| is_space(*byte), |strange| strange.contains(byte));
    let start = match ends {
        Ends::Right => 0,
        Ends::Both | Ends::Left => bytes.iter().position(stays).unwrap_or(bytes.len()),
    };
    let end = match ends {
        Ends::Left => bytes.len(),
        Ends::Both | Ends::Right => bytes[start..].iter().rposition(stays).map_or(start, |found| start + found + 1),
    };
    start..end
}

fn position(bytes: &[u8], from: usize, is: impl Fn(u8) -> bool) -> Option<usize> {
    bytes[from..].iter().position(|byte| is(*byte)).map(|found| from + found)
}
