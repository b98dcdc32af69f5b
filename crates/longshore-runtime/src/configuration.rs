//! What a process may use at most: decided once, before the first call.
//!
//! A forked child keeps what its parent has decided.

use std::fmt;
use std::sync::OnceLock;

use crate::fork;

/// What was decided, and whether by whoever came first with something else to do. There is no moment between the two.
static DECIDED: OnceLock<(Configuration, bool)> = OnceLock::new();

/// The least memory that can be configured: a mebibyte. With less, any object of a usual size would be handled alone, one after
/// another.
pub const LEAST_MEMORY: u64 = 1 << 20;

/// What a process may use. What is `None` is left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Threads that do the work; by default as many as there are processors. Decoding and file work have others.
    pub threads: Option<usize>,
    /// Bytes of bodies that one call holds at once, [`LEAST_MEMORY`] or more; by default a gibibyte.
    pub memory: Option<u64>,
    /// Requests at once to one host, each on a connection of its own; by default as many as there are in flight.
    pub connections: Option<usize>,
}

/// Why nothing was configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It was configured before.
    Again,
    /// Its threads run, or its connections are made, already.
    Late,
    /// A number is zero.
    Zero,
    /// The memory is less than [`LEAST_MEMORY`]: most likely it was meant in another unit.
    Little,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Again => "longshore is configured already: configure it once, where the program begins",
            Self::Late => "longshore is in use already: configure it before the first call, where the program begins",
            Self::Zero => "threads, memory and connections must be at least 1",
            Self::Little => "memory must be at least 1048576 bytes (1 MiB); it is a number of bytes, as in 256 << 20",
        })
    }
}

impl std::error::Error for Refusal {}

impl Configuration {
    /// Makes this what counts in this process and its children.
    ///
    /// # Errors
    ///
    /// [`Refusal`]; nothing has changed then.
    pub fn apply(self) -> Result<(), Refusal> {
        if self.threads == Some(0) || self.memory == Some(0) || self.connections == Some(0) {
            return Err(Refusal::Zero);
        }
        if self.memory.is_some_and(|memory| memory < LEAST_MEMORY) {
            return Err(Refusal::Little);
        }
        let _no_fork = fork::shared();
        DECIDED.set((self, false)).map_err(|_| match DECIDED.get() {
            Some((_, true)) => Refusal::Late,
            _ => Refusal::Again,
        })
    }

    /// What counts in this process so far.
    pub fn current() -> Self {
        DECIDED.get().map(|(decided, _)| *decided).unwrap_or_default()
    }

    /// What counts in this process from now on, for what is made once and does not change afterwards.
    pub fn settled() -> Self {
        if let Some((decided, _)) = DECIDED.get() {
            return *decided;
        }
        let _no_fork = fork::shared();
        DECIDED.get_or_init(|| (Self::default(), true)).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_is_decided_and_what_cannot_be_meant_is_refused() {
        Configuration::settled();
        assert_eq!(Configuration { threads: Some(1), ..Configuration::default() }.apply(), Err(Refusal::Late));
        assert_eq!(Configuration { threads: Some(0), ..Configuration::default() }.apply(), Err(Refusal::Zero));
        let memory = |bytes| Configuration { memory: Some(bytes), ..Configuration::default() }.apply();
        for (bytes, refusal) in [(0, Refusal::Zero), (1, Refusal::Little), (LEAST_MEMORY - 1, Refusal::Little)] {
            assert_eq!(memory(bytes), Err(refusal), "{bytes}");
        }
        assert!(Refusal::Little.to_string().contains(&LEAST_MEMORY.to_string()));
        // As much as is needed is refused for being late alone.
        assert_eq!(memory(LEAST_MEMORY), Err(Refusal::Late));
        assert_eq!(Configuration::current(), Configuration::default());
    }
}
