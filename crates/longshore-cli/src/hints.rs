//! What to write here for what other tools call otherwise: said where the arguments are not understood.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// `error`, with a tip where what was typed is known from another tool.
pub(crate) fn hinted(mut error: clap::Error) -> clap::Error {
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => text(&error, ContextKind::InvalidSubcommand).and_then(|word| command(&word)),
        ErrorKind::UnknownArgument => text(&error, ContextKind::InvalidArg).and_then(|word| {
            let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
            option(&word, &usage)
        }),
        ErrorKind::ValueValidation => text(&error, ContextKind::InvalidArg)
            .filter(|argument| argument.starts_with("--retry-count"))
            .and_then(|_| text(&error, ContextKind::InvalidValue))
            .filter(|value| value.parse::<f64>().is_err())
            .map(|_| format!("-r is --retry-count; {FOLDER}")),
        _ => None,
    };
    if let Some(tip) = tip {
        // What is only spelt alike would be misleading beside it.
        for kind in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg] {
            error.remove(kind);
        }
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
}

/// `error` in one line, with the tips that come with it.
pub(crate) fn in_a_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let reason = text.trim_start_matches("error: ").lines().next().unwrap_or_default();
    let tips = text.lines().filter_map(|line| line.trim_start().strip_prefix("tip: "));
    std::iter::once(reason).chain(tips).collect::<Vec<_>>().join("; ")
}

const FOLDER: &str = "a folder needs no option: written with a / at its end it is everything in it";

/// Commands of s5cmd, the AWS command line, rclone, gsutil and people, and what to write for them.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["pipe", "rcat"], "`longshore cp - URI` writes standard input to an object"),
    (&["copy", "copyto", "get", "download", "upload"], "`longshore cp` copies, from any store to any store"),
    (&["move", "moveto", "rename"], "`longshore mv` moves and renames"),
    (&["delete", "deletefile", "del", "remove", "purge", "unlink"], "`longshore rm` deletes"),
    (&["list", "dir", "la", "lsd"], "`longshore ls` lists"),
    (&["find", "lsf", "lsl", "tree"], "`longshore ls --all` lists all that is below"),
    (&["lsjson"], "`longshore --json ls` lists as JSON"),
    (&["mirror", "rsync"], "`longshore sync` makes a folder like another one"),
    (&["check", "diff"], "`longshore --dry-run sync --checksum` tells what differs"),
    (&["size"], "`longshore du` sums up sizes"),
    (&["info", "describe", "exists", "head-object"], "`longshore stat` describes an object"),
    (&["mkdir", "create-bucket"], "`longshore mb` makes a bucket"),
    (&["rmdir", "delete-bucket"], "`longshore rb` removes an empty bucket"),
    (&["gen", "generate"], "`longshore put` generates objects"),
    (&["benchmark"], "`longshore bench` measures"),
    (&["completion"], "`longshore completions SHELL` writes a script"),
    (&["version"], "`longshore --version` tells it"),
];

fn command(word: &str) -> Option<String> {
    if matches!(word, "s3" | "s3api") {
        return Some(format!("leave out `{word}`: `longshore ls`, `longshore cp`, and so on"));
    }
    COMMANDS.iter().find(|(words, _)| words.contains(&word)).map(|(_, tip)| (*tip).into())
}

/// What to write for an option, or a word too many, of the command whose usage is given.
fn option(word: &str, usage: &str) -> Option<String> {
    let is_of =
        |name: &str| usage.contains(&format!("longshore {name} ")) || usage.contains(&format!("Usage: {name} "));
    let instead = match word.split('=').next().unwrap_or(word) {
        "--recursive" | "-R" if is_of("ls") => "`longshore ls --all` lists all that is below",
        "--recursive" | "-R" if is_of("rm") || is_of("cp") || is_of("mv") || is_of("cat") => FOLDER,
        "--recursive" | "-R" if is_of("sync") || is_of("du") => "it takes all that is below, without an option",
        "--force" if is_of("rb") => "`longshore rm --all` empties a bucket, which `rb` then removes",
        "--concurrency" | "--transfers" | "--jobs" => "-j, or --max-in-flight, is how many requests are in flight",
        "--progress" => "on a terminal there is a progress line; --show-progress, for cp, mv and sync, shows it alone",
        "--no-verify-ssl" => "--ca-bundle FILE trusts a certificate of your own",
        extra if is_of("put") && !extra.starts_with('-') => "`put` generates objects; `longshore cp` copies files",
        _ => return None,
    };
    Some(instead.into())
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    error.get(kind).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::CommandLine;
    use clap::CommandFactory;

    #[test]
    fn every_tip_is_for_a_word_that_is_no_command_and_names_one_that_is() {
        let all = CommandLine::command();
        let is_command = |name: &str| all.find_subcommand(name).is_some();
        for (words, tip) in COMMANDS {
            assert!(words.iter().all(|word| !is_command(word)), "{words:?}");
            let (_, typed) = tip.split_once("`longshore ").unwrap();
            let mut typed = typed.split_once('`').unwrap().0.split(' ');
            assert!(typed.any(|word| is_command(word) || word == "--version"), "{tip}");
        }
    }
}
