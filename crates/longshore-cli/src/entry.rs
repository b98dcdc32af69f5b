//! From arguments to an exit code.

use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::mpsc;
use std::time::Duration;

use clap::error::ErrorKind as ClapKind;
use clap::{CommandFactory, Parser};
use longshore_config::masked;
use longshore_engine::ErrorKind;
use longshore_runtime::runtime;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::arguments::CommandLine;
use crate::commands;
use crate::error::Failed;
use crate::exit::Code;
use crate::hints::{hinted, in_a_line};
use crate::output::{self, ErrorLine};
use crate::session::Session;
use crate::signals::{self, Watch};

/// How long an interrupted command may take to remove what is half done.
const FAREWELL: Duration = Duration::from_millis(350);

enum Event {
    Ended(Code),
    Signal(i32),
}

/// Runs the command line `arguments`, the program's own name left out. Returns the exit code.
///
/// Takes over SIGINT and SIGTERM of the process until it returns. Blocks; must not be called on a runtime's worker.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let shown = shown(&arguments);
    let json = arguments.iter().any(|argument| argument == "--json");
    let program = std::iter::once(OsString::from("longshore"));
    let line = match CommandLine::try_parse_from(program.chain(arguments)) {
        Ok(line) => line,
        Err(error) => return refuse(&hinted(error), json),
    };
    let session = Session::new(line.global, line.command.name(), shown);
    let started = runtime::handle().and_then(|runtime| {
        let (tell, told) = mpsc::channel();
        Ok((runtime, Watch::begin(tell.clone(), Event::Signal, session.interruption())?, tell, told))
    });
    let (runtime, _watch, tell, told) = match started {
        Ok(started) => started,
        Err(error) => {
            session.failed(&Failed::new(ErrorKind::Generic, format!("cannot start: {error}")));
            return session.code() as i32;
        }
    };
    let (command, inner) = (line.command, session.clone());
    let task = runtime.spawn(async move {
        // Sent however the task ends: a panic was told on standard error by then.
        let mut ending = Ending { tell, code: Code::Failed };
        ending.code = commands::run(command, inner).await;
    });
    match told.recv() {
        Ok(Event::Ended(code)) => {
            session.output().flush();
            if code == Code::Done && session.output().is_lost() { Code::Failed as i32 } else { code as i32 }
        }
        Ok(Event::Signal(number)) => {
            if session.interruption().tell() {
                // However it ends now, it was interrupted.
                let _ = told.recv();
            }
            say_goodbye(&runtime, task, &session);
            session.output().show_bar(None);
            session.output().flush();
            // A server has no other end.
            if session.operation == "serve" { Code::Done as i32 } else { signals::exit_code(number) }
        }
        Err(_) => Code::Failed as i32,
    }
}

/// Tells the end of a command when it is dropped.
struct Ending {
    tell: mpsc::Sender<Event>,
    code: Code,
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Nobody listens after a signal.
        let _ = self.tell.send(Event::Ended(self.code));
    }
}

/// Waits until what was cancelled has been cleaned up, but not for long.
fn say_goodbye(runtime: &Handle, task: JoinHandle<()>, session: &Session) {
    task.abort();
    let (cleanup, (tell, told)) = (session.cleanup.clone(), mpsc::channel::<()>());
    runtime.spawn(async move {
        // Dropped at the end, which is what the other side waits for.
        let _tell = tell;
        // A task that is aborted ends in an error; what it held is gone by then.
        let _ = task.await;
        cleanup.wait().await;
    });
    // The time may be over, and then the process ends all the same.
    let _ = told.recv_timeout(FAREWELL);
}

/// Prints help, or what is wrong with the arguments.
fn refuse(error: &clap::Error, json: bool) -> i32 {
    let asked_for = matches!(error.kind(), ClapKind::DisplayHelp | ClapKind::DisplayVersion);
    let mut text = error.render().to_string();
    if json && !asked_for {
        let line = ErrorLine { operation: "", command: "", error: &in_a_line(error), kind: "InvalidArgument".into() };
        text = output::to_json(&line) + "\n";
    }
    // Where nobody reads it, there is nobody to tell.
    let _ = if asked_for { io::stdout().write_all(text.as_bytes()) } else { io::stderr().write_all(text.as_bytes()) };
    let _ = io::stdout().flush();
    if asked_for { 0 } else { Code::Usage as i32 }
}

/// The command as a person would type it, without global options before its name, and without what is secret.
fn shown(arguments: &[OsString]) -> String {
    const SECRET: &str = "--secret-key";
    let mut words: Vec<String> = Vec::new();
    for argument in &arguments[name_at(arguments)..] {
        let word = argument.to_string_lossy();
        if words.last().is_some_and(|last| last == SECRET) {
            words.push("****".into());
        } else if word.starts_with("--secret-key=") {
            words.push(format!("{SECRET}=****"));
        } else {
            words.push(commands::quoted(&masked(&word)));
        }
    }
    words.join(" ")
}

/// Where the command's name stands.
fn name_at(arguments: &[OsString]) -> usize {
    let all = CommandLine::command();
    let takes_value = |word: &str| {
        all.get_arguments().filter(|argument| argument.get_action().takes_values()).any(|argument| {
            let mut longs = argument.get_long().into_iter().chain(argument.get_visible_aliases().unwrap_or_default());
            let is_short = argument.get_short().is_some_and(|short| word == format!("-{short}"));
            is_short || word.strip_prefix("--").is_some_and(|word| longs.any(|long| long == word))
        })
    };
    let mut at = 0;
    while let Some(word) = arguments.get(at).map(|argument| argument.to_string_lossy()) {
        if !word.starts_with('-') {
            return at;
        }
        at += if takes_value(&word) { 2 } else { 1 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_typed_but_for_secrets() {
        let arguments = ["serve", "a b", "--secret-key", "hunter2", "--secret-key=hunter2"].map(OsString::from);
        assert_eq!(shown(&arguments), "serve 'a b' --secret-key **** --secret-key=****");
        let arguments = ["--json", "--profile", "ls", "-j", "4", "-q", "--region=x", "ls", "--all"].map(OsString::from);
        assert_eq!(shown(&arguments), "ls --all");
    }
}
