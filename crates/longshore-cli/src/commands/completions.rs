//! `completions`: scripts that make a shell complete commands and options.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::arguments::CommandLine;
use crate::error::Result;
use crate::session::Session;

/// Write a script that completes commands and options in a shell
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  longshore completions bash > ~/.local/share/bash-completion/completions/longshore
  longshore completions zsh > ~/.zfunc/_longshore
  longshore completions fish > ~/.config/fish/completions/longshore.fish")]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut CommandLine::command(), "longshore", &mut script);
    session.output().bytes(&script);
    Ok(())
}
