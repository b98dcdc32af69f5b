//! A failure of a command, as a person and as a program reads it.

use std::fmt;

use longshore_config::ConfigError;
use longshore_engine::{Context, Error, ErrorKind};

use crate::exit::Code;

/// What went wrong. It says what was attempted, on what, and where it helps, what to do.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
}

/// What commands return.
pub(crate) type Result<T> = std::result::Result<T, Failed>;

impl Failed {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A mistake in the arguments. Nothing was sent.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// As the engine would say it.
    pub(crate) fn config(operation: &'static str, uri: &str, error: ConfigError) -> Self {
        Context::new(operation, uri).config_error(error).into()
    }

    pub(crate) fn code(&self) -> Code {
        Code::of(self.kind)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { kind: error.kind(), message: error.to_string() }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
