//! `help`: what `--help` says; and the whole of it as Markdown, of which the reference is made.

use clap::{Args, CommandFactory};

use crate::arguments::CommandLine;
use crate::error::{Failed, Result};
use crate::markdown;
use crate::session::Session;

/// Explain longshore, or one of its commands
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The command
    command: Option<String>,
    /// Write the whole reference as Markdown
    #[arg(long, conflicts_with = "command")]
    markdown: bool,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    let mut all = CommandLine::command();
    all.build();
    if arguments.markdown {
        session.output().text(&markdown::reference(&all));
        return Ok(());
    }
    let command = match &arguments.command {
        None => &mut all,
        Some(name) => all
            .find_subcommand_mut(name)
            .ok_or_else(|| Failed::usage(format!("there is no command {name:?}; `longshore --help` lists them")))?,
    };
    let text = command.render_long_help().to_string();
    session.output().text(&text);
    Ok(())
}
