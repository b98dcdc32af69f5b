//! Exit codes: what a script can branch on.

use longshore_engine::ErrorKind;

/// How a command ended, worst first where several things happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Refused = 4,
    Unreachable = 5,
    Partly = 6,
    NotSupported = 7,
}

/// The table in `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    failed in a way that has no code of its own
  2    wrong usage; nothing was sent
  3    no such object, bucket or folder, or nothing matches
  4    refused: no permission, or no valid credentials
  5    the server cannot be reached, or is silent
  6    some of several objects or commands failed; each has its own line on standard error
  7    this kind of store cannot do that
  130  interrupted by Ctrl-C
  143  ended by SIGTERM";

impl Code {
    /// The code for one failure.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::PermissionDenied | ErrorKind::Unauthenticated => Self::Refused,
            ErrorKind::Timeout | ErrorKind::Connection => Self::Unreachable,
            ErrorKind::NotSupported | ErrorKind::NotImplemented => Self::NotSupported,
            ErrorKind::InvalidArgument | ErrorKind::UnknownOption => Self::Usage,
            _ => Self::Failed,
        }
    }

    /// The code for `failures` besides `successes`.
    pub(crate) fn of_all(successes: u64, failures: &[Self]) -> Self {
        match failures {
            [] => Self::Done,
            // Where all went wrong in the same way, that way says more.
            [first, rest @ ..] if successes == 0 && rest.iter().all(|code| code == first) => *first,
            _ => Self::Partly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_among_successes_is_partly_and_alike_failures_keep_their_code() {
        assert_eq!(Code::of_all(3, &[]), Code::Done);
        assert_eq!(Code::of_all(1, &[Code::NotFound]), Code::Partly);
        assert_eq!(Code::of_all(0, &[Code::NotFound, Code::NotFound]), Code::NotFound);
        assert_eq!(Code::of_all(0, &[Code::NotFound, Code::Refused]), Code::Partly);
    }

    #[test]
    fn every_code_is_in_the_help() {
        for code in 0..=7 {
            assert!(HELP.contains(&format!("\n  {code}    ")), "{code}");
        }
    }
}
