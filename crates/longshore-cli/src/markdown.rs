//! The reference of the command line as Markdown, made from the same text as `--help`.

use std::fmt::Write;

use clap::{Arg, Command};

/// All of `command`, which has been built.
pub(crate) fn reference(command: &Command) -> String {
    let mut text = String::from("# The command line\n\n");
    paragraphs(&mut text, command);
    text.push_str("## Commands\n\n| command | what it does |\n|---|---|\n");
    let commands: Vec<_> = command.get_subcommands().filter(|command| !command.is_hide_set()).collect();
    for command in &commands {
        let (name, about) = (command.get_name(), command.get_about().map(ToString::to_string).unwrap_or_default());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| [`{name}`](#{name}) | {} |", cell(&about));
    }
    text.push_str("\n## Global options\n\nThey stand before the command's name or after it.\n\n");
    options(&mut text, command.get_arguments().filter(|argument| !is_automatic(argument)));
    if let Some(after) = command.get_after_long_help() {
        let after = after.to_string();
        let (title, rows) = after.split_once(":\n").unwrap_or(("", &after));
        let _ = write!(text, "## {title}\n\n```text\n{rows}\n```\n\n");
    }
    for command in commands {
        section(&mut text, command);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn section(text: &mut String, command: &Command) {
    let _ = write!(text, "## {}\n\n", command.get_name());
    paragraphs(text, command);
    let aliases: Vec<_> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
    if !aliases.is_empty() {
        let _ = write!(text, "Also called {}.\n\n", aliases.join(", "));
    }
    let usage = command.clone().render_usage().to_string();
    let _ = write!(text, "```text\n{}\n```\n\n", usage.trim_start_matches("Usage: "));
    let own = |argument: &&Arg| !argument.is_global_set() && !is_automatic(argument);
    options(text, command.get_arguments().filter(own));
    if let Some(after) = command.get_after_help() {
        let after = after.to_string();
        let (before, examples) = after.split_once("Examples:\n").unwrap_or((&after, ""));
        if !before.trim().is_empty() {
            let _ = write!(text, "{}\n\n", before.trim());
        }
        if !examples.is_empty() {
            let lines: Vec<_> = examples.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
            let _ = write!(text, "```sh\n{}\n```\n\n", lines.join("\n"));
        }
    }
}

fn paragraphs(text: &mut String, command: &Command) {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let stop = if about.ends_with(['.', ':']) { "" } else { "." };
    let _ = write!(text, "{about}{stop}\n\n");
}

fn options<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let arguments: Vec<_> = arguments.filter(|argument| !argument.is_hide_set()).collect();
    if arguments.is_empty() {
        return;
    }
    text.push_str("| argument | meaning |\n|---|---|\n");
    for argument in arguments {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "| {} | {}{} |", name(argument), cell(&help), values(argument));
    }
    text.push('\n');
}

fn name(argument: &Arg) -> String {
    let value = || {
        let names = argument.get_value_names().unwrap_or_default();
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    if argument.is_positional() {
        return format!("`{}`", value());
    }
    let mut names: Vec<String> = argument.get_short().map(|short| format!("-{short}")).into_iter().collect();
    let longs = argument.get_long().into_iter().chain(argument.get_visible_aliases().unwrap_or_default());
    names.extend(longs.map(|long| format!("--{long}")));
    let takes_value = argument.get_action().takes_values();
    let value = if takes_value { format!(" {}", value()) } else { String::new() };
    format!("`{}{value}`", names.join("`, `"))
}

fn values(argument: &Arg) -> String {
    let mut text = String::new();
    if !argument.get_action().takes_values() {
        return text;
    }
    let possible: Vec<_> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if !possible.is_empty() {
        let _ = write!(text, "; one of {}", possible.join(", "));
    }
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() {
        let _ = write!(text, "; default `{}`", defaults.join(" "));
    }
    text
}

fn is_automatic(argument: &Arg) -> bool {
    matches!(argument.get_id().as_str(), "help" | "version")
}

fn cell(text: &str) -> String {
    text.replace('|', r"\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_reference_has_every_command_option_and_exit_code() {
        let mut command = crate::arguments::CommandLine::command();
        command.build();
        let text = reference(&command);
        for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            assert!(text.contains(&format!("\n## {}\n", subcommand.get_name())), "{}", subcommand.get_name());
            for argument in
                subcommand.get_arguments().filter(|argument| !argument.is_hide_set() && !is_automatic(argument))
            {
                if let Some(long) = argument.get_long() {
                    assert!(text.contains(&format!("--{long}")), "--{long}");
                }
            }
        }
        assert!(text.contains("\n  143  ended by SIGTERM"));
        assert!(text.lines().all(|line| line == line.trim_end()), "space at the end of a line");
    }
}
