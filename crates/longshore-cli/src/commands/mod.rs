//! The commands, a file for each: its arguments with their help, and what it does.

pub(crate) mod bench;
pub(crate) mod cat;
pub(crate) mod completions;
pub(crate) mod cp;
pub(crate) mod doctor;
pub(crate) mod du;
pub(crate) mod help;
pub(crate) mod ls;
pub(crate) mod mb;
pub(crate) mod mv;
pub(crate) mod put;
pub(crate) mod rb;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod stat;
pub(crate) mod stubs;
pub(crate) mod sync;

use std::pin::Pin;

use crate::arguments::Command;
use crate::exit::Code;
use crate::session::Session;

/// Runs `command`, tells how it failed, and gives its exit code.
///
/// Boxed, because `run` has commands that are run in the same way.
pub(crate) fn run(command: Command, session: Session) -> Pin<Box<dyn Future<Output = Code> + Send>> {
    Box::pin(async move {
        let ended = match command {
            Command::Ls(arguments) => ls::run(arguments, &session).await,
            Command::Cat(arguments) => cat::run(arguments, &session).await,
            Command::Stat(arguments) => stat::run(arguments, &session).await,
            Command::Cp(arguments) => cp::run(arguments, &session).await,
            Command::Mv(arguments) => mv::run(arguments, &session).await,
            Command::Sync(arguments) => sync::run(arguments, &session).await,
            Command::Rm(arguments) => rm::run(arguments, &session).await,
            Command::Du(arguments) => du::run(arguments, &session).await,
            Command::Put(arguments) => put::run(arguments, &session).await,
            Command::Run(arguments) => run::run(arguments, &session).await,
            Command::Mb(arguments) => mb::run(arguments, &session).await,
            Command::Rb(arguments) => rb::run(arguments, &session).await,
            Command::Serve(arguments) => return serve::run(arguments, &session).await,
            Command::Doctor(arguments) => doctor::run(arguments, &session).await,
            Command::Bench(arguments) => bench::run(arguments, &session).await,
            Command::Completions(arguments) => completions::run(&arguments, &session),
            Command::Stubs(arguments) => stubs::run(&arguments, &session),
            Command::Help(arguments) => help::run(&arguments, &session),
        };
        if let Err(failed) = ended {
            session.failed(&failed);
        }
        session.output().flush();
        session.code()
    })
}

/// `word` as a shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,{}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    // A NUL cannot be quoted, nor typed.
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), |quoted| quoted.into_owned())
}

/// One thing that was done, in the keys that every command has.
#[derive(serde::Serialize)]
pub(crate) struct DoneLine<'a> {
    pub(crate) operation: &'a str,
    pub(crate) success: bool,
    pub(crate) source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<ObjectLine<'a>>,
}

/// An object, in the keys that listings and results share.
#[derive(Default, serde::Serialize)]
pub(crate) struct ObjectLine<'a> {
    pub(crate) key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_modified: Option<String>,
    /// `file` or `directory`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<&'a str>,
}

/// A time as JSON has it.
pub(crate) fn timestamp(time: chrono::DateTime<chrono::Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// An ETag without the quotes of HTTP.
pub(crate) fn bare(e_tag: &str) -> &str {
    e_tag.strip_prefix("W/").unwrap_or(e_tag).trim_matches('"')
}
