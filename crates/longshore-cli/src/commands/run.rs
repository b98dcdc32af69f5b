//! `run`: many commands from a file, in one process.

use std::io::Read;

use clap::{Args, Parser};
use futures::StreamExt;
use futures::stream;
use longshore_config::masked;

use crate::arguments::{Command, Line, at_least_one};
use crate::commands;
use crate::error::{Failed, Result};
use crate::exit::Code;
use crate::hints::{hinted, in_a_line};
use crate::session::Session;

/// Run the commands of a file, many at once
#[derive(Args, Debug)]
#[command(after_help = "\
A line is a command without the word longshore, quoted as in a shell. Empty lines and what follows a # are skipped. All lines \
are checked before the first is run. Commands run at the same time, in no order; --parallel 1 runs them one after the other. \
Global options stand before run and hold for all of them. With --dry-run each line is looked at by itself, as things are now.

Examples:
  longshore run commands.txt
  longshore --json ls 's3://bucket/*.tmp' | jq -r '\"rm -f --raw \" + (.key | @sh)' | longshore --dry-run run
  longshore run --parallel 1 steps.txt")]
pub(crate) struct Arguments {
    /// File with a command on each line; `-` or nothing is standard input
    file: Option<String>,
    /// Commands at once [default: as --max-in-flight]
    #[arg(long, value_name = "COUNT", value_parser = at_least_one)]
    parallel: Option<usize>,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    let name = arguments.file.as_deref().filter(|file| *file != "-").map(str::to_owned);
    let shown = name.clone().unwrap_or_else(|| "standard input".into());
    let reading = tokio::task::spawn_blocking(move || match name {
        Some(file) => std::fs::read_to_string(file),
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
    });
    let context = session.context(shown.as_str());
    let text =
        reading.await.map_err(|error| context.io_error(error.into()))?.map_err(|error| context.io_error(error))?;
    let lines = parse(&text, &shown)?;
    let at_once = arguments.parallel.unwrap_or(session.in_flight()).min(lines.len().max(1));
    let mut codes = stream::iter(lines)
        .map(|(command, words)| {
            let inner = session.another(command.name(), words, at_once);
            commands::run(command, inner)
        })
        .buffer_unordered(at_once);
    while let Some(code) = codes.next().await {
        match code {
            Code::Done => session.succeeded(1),
            code => session.count_failure(code),
        }
    }
    Ok(())
}

/// The commands of `text`, each with its words as messages show them. The first line that is wrong is an error.
fn parse(text: &str, file: &str) -> Result<Vec<(Command, String)>> {
    let mut commands = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = |reason: &str| Failed::usage(format!("{file}, line {}: {reason}; nothing was run", number + 1));
        let words = shlex::split(line).ok_or_else(|| wrong("a quote or a backslash has no end"))?;
        if words.is_empty() {
            continue;
        }
        let shown = words.iter().map(|word| commands::quoted(&masked(word))).collect::<Vec<_>>().join(" ");
        let parsed =
            Line::try_parse_from(words).map_err(|error| wrong(&format!("{shown}: {}", in_a_line(&hinted(error)))))?;
        if matches!(parsed.command, Command::Run(_) | Command::Serve(_)) {
            return Err(wrong(&format!("{} cannot be run from a file", parsed.command.name())));
        }
        commands.push((parsed.command, shown));
    }
    Ok(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_a_shell_reads_them() {
        let text = "\n# a comment\nls 's3://b/a b*' # more\n  rm --all \"s3://b\"\n";
        let commands = parse(text, "f").unwrap();
        let shown: Vec<_> = commands.iter().map(|(_, shown)| shown.as_str()).collect();
        assert_eq!(shown, ["ls 's3://b/a b*'", "rm --all s3://b"]);
    }

    #[test]
    fn a_wrong_line_is_named_and_nothing_is_run() {
        for (text, words) in [
            ("ls\n\nlss", "line 3"),
            ("ls 'a", "no end"),
            ("run x", "cannot be run"),
            ("serve", "cannot be run"),
            ("ls --json", "--json"),
        ] {
            let message = parse(text, "f").unwrap_err().message;
            assert!(message.contains(words) && message.contains("nothing was run"), "{message}");
        }
    }
}
