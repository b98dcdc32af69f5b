//! What was said about a store, so that it can be shown, and said again.

use std::fmt;

use crate::Origin;

/// A setting that keyword, URI or variable said, and that counts.
///
/// These are what a store's configuration is to a person, and what opens an equal one elsewhere: as keywords of
/// [`open_bucket`](crate::open_bucket) or [`open_web`](crate::open_web), in an environment without variables of its own. What a
/// profile said is not among them, but the profile's name is; what nobody said is left out.
#[derive(Clone, PartialEq, Eq)]
pub struct Configured {
    /// The keyword it goes by.
    pub name: &'static str,
    /// Its value as it was said, also of a secret.
    pub value: String,
    /// Whether the value is to be shown to nobody.
    pub secret: bool,
    /// Who said it.
    pub origin: Origin,
}

/// Without secrets.
impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.secret { "****" } else { &self.value };
        write!(f, "{}={value:?} ({})", self.name, self.origin)
    }
}
