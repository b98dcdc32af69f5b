//! Which bytes of an object are there already.

use std::ops::Range;

/// A set of bytes, as ranges in order that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans(Vec<Range<u64>>);

impl Spans {
    /// Adds `range`, and joins what it touches.
    pub(crate) fn add(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.0.partition_point(|span| span.end < range.start);
        let last = self.0.partition_point(|span| span.start <= range.end);
        let joined =
            self.0[first..last].iter().fold(range, |all, span| all.start.min(span.start)..all.end.max(span.end));
        self.0.splice(first..last, [joined]);
    }

    /// What is missing of `size` bytes, in order.
    pub(crate) fn missing(&self, size: u64) -> Vec<Range<u64>> {
        let starts = std::iter::once(0).chain(self.0.iter().map(|span| span.end));
        let ends = self.0.iter().map(|span| span.start).chain([size]);
        starts.zip(ends).filter(|(start, end)| start < end).map(|(start, end)| start..end).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Range<u64>> {
        self.0.iter()
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is what is meant")]
mod tests {
    use super::*;

    #[test]
    fn spans_join_and_what_is_missing_is_the_rest() {
        let mut spans = Spans::default();
        assert_eq!(spans.missing(10), [0..10]);
        assert!(spans.missing(0).is_empty());
        spans.add(2..4);
        spans.add(6..8);
        spans.add(5..5);
        assert_eq!(spans.missing(10), [0..2, 4..6, 8..10]);
        spans.add(4..6);
        assert_eq!((spans.0.clone(), spans.missing(10)), (vec![2..8], vec![0..2, 8..10]));
        spans.add(0..1);
        spans.add(9..10);
        spans.add(1..9);
        assert_eq!((spans.0.clone(), spans.missing(10)), (vec![0..10], vec![]));
    }

    #[test]
    fn any_order_of_the_same_pieces_gives_the_same() {
        for _ in 0..200 {
            let mut pieces: Vec<u64> = (0..20).collect();
            fastrand::shuffle(&mut pieces);
            let mut spans = Spans::default();
            for (count, piece) in pieces.iter().enumerate() {
                spans.add(piece * 5..piece * 5 + 5);
                let there: u64 = spans.iter().map(|span| span.end - span.start).sum();
                assert_eq!(there, 5 * (count as u64 + 1), "{spans:?}");
                assert!(spans.0.is_sorted_by(|one, next| one.end < next.start), "{spans:?}");
            }
            assert_eq!(spans.0, [0..100]);
        }
    }
}
