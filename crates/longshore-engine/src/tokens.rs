//! The way from page to page of a listing, which must not lead in a circle.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};

use crate::error::{Context, Error, ErrorKind};

/// What names the pages of one listing so far. It keeps their hashes: tokens are long, and listings have many pages.
#[derive(Default)]
pub(crate) struct Tokens {
    hasher: RandomState,
    /// Two tokens of one hash are as good as impossible: one in ten billion, after sixty thousand pages.
    seen: HashSet<u64>,
}

impl Tokens {
    /// Passes on what names the next page.
    ///
    /// # Errors
    ///
    /// Where it has named an earlier one: such a listing would never end.
    pub(crate) fn require_new<T: Hash>(&mut self, next: T, context: &Context) -> Result<T, Error> {
        if self.seen.insert(self.hasher.hash_one(&next)) {
            return Ok(next);
        }
        let reason = format!(
            "the server repeats a continuation token after {} pages, so its listing would never end; ask its operator",
            self.seen.len()
        );
        Err(context.error(ErrorKind::Generic, reason))
    }
}
