//! `doctor`: says what counts for a URI and where it comes from, and tries each step on the way to an object.

use std::io::IsTerminal;

use clap::Args;
use longshore_config::Setting;
use longshore_engine::ErrorKind;
use longshore_engine::doctor::{Finding, State, Step, examine};

use crate::error::{Failed, Result};
use crate::output::harmless;
use crate::place::{Place, What};
use crate::session::Session;

/// Find out why a place does not work
#[derive(Args, Debug)]
#[command(after_help = "\
Shows every setting and who set it: a keyword (an option of this command), the URI, a variable, a profile, or nobody. Secrets \
are masked. Then it tries, in this order: the host's name, a connection, TLS, an answer over HTTP, the clocks, the credentials, \
the bucket, a listing, and one byte of the object that is named or of the first that is there. For a local path it looks at the \
path and its space. It writes nothing. The exit code is that of the first step that failed.

Examples:
  longshore doctor s3://bucket/key
  longshore --profile work doctor s3://bucket
  longshore --json doctor file:///data/")]
pub(crate) struct Arguments {
    /// A bucket, a folder or an object
    place: String,
    /// Leave out settings that nobody set
    #[arg(long)]
    short: bool,
}

/// A setting as JSON.
#[derive(serde::Serialize)]
struct SettingLine<'a> {
    operation: &'static str,
    setting: &'a str,
    value: &'a str,
    origin: String,
}

/// A step as JSON.
#[derive(serde::Serialize)]
struct StepLine<'a> {
    operation: &'static str,
    step: &'a str,
    state: &'a str,
    said: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    let uri = match arguments.place.contains("://") {
        true => arguments.place.clone(),
        false => {
            let place = Place::parse(&arguments.place, true)?;
            match &place.what {
                What::Object(key) | What::Folder(key) => place.location.uri_of(key),
                // There are no wildcards in what is taken as it stands.
                What::Pattern(..) => place.location.to_string(),
            }
        }
    };
    let scheme = longshore_config::Location::parse(&uri).ok().map(|location| location.scheme());
    let options = scheme.map(|scheme| session.options(scheme)).unwrap_or_default();
    let colour = !session.output().json && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let tell = |finding: Finding<'_>| match finding {
        Finding::Settings(settings) => settings.iter().for_each(|setting| show(setting, arguments.short, session)),
        Finding::Step(step) => report(step, colour, session),
    };
    let found = examine(&uri, options, session.environment(), &tell).await;
    match found.failure() {
        None => session.succeeded(1),
        // It has been told: the code is all that is left.
        Some(step) => {
            let kind = step.kind.unwrap_or(ErrorKind::Generic);
            session.count_failure(Failed::new(kind, step.said.as_str()).code());
        }
    }
    Ok(())
}

fn show(setting: &Setting, short: bool, session: &Session) {
    if short && setting.origin == longshore_config::Origin::Default {
        return;
    }
    let origin = setting.origin.to_string();
    let text = || {
        let value = if setting.value.is_empty() { "-" } else { &setting.value };
        format!("  {:<30} {value:<34} {origin}", setting.name)
    };
    let json =
        SettingLine { operation: "doctor", setting: setting.name, value: &setting.value, origin: origin.clone() };
    session.output().line(text, &json);
    session.output().flush();
}

fn report(step: &Step, colour: bool, session: &Session) {
    let text = || {
        let (before, after) = match (colour, step.state) {
            (true, State::Ok) => ("\x1b[32m", "\x1b[0m"),
            (true, State::Failed) => ("\x1b[31m", "\x1b[0m"),
            (true, State::Skipped) => ("\x1b[2m", "\x1b[0m"),
            (false, _) => ("", ""),
        };
        let took = match step.state {
            State::Skipped => String::new(),
            _ => format!("{:.1} ms", step.took.as_secs_f64() * 1e3),
        };
        let (state, said) = (step.state.name(), harmless(step.said.clone()));
        let mut text = format!("{before}{state:<8}{after} {:<12} {took:>10}  {said}", step.name);
        if let Some(advice) = &step.advice {
            text.push_str(&format!("\n{:34}-> {}", "", harmless(advice.clone())));
        }
        text
    };
    let json = StepLine {
        operation: "doctor",
        step: step.name,
        state: step.state.name(),
        said: &step.said,
        advice: step.advice.as_deref(),
        seconds: step.took.as_secs_f64(),
        kind: step.kind.map(|kind| format!("{kind:?}")),
    };
    session.output().coloured(text, &json);
    session.output().flush();
}
