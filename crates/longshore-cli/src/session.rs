//! What a command runs in: the global options, the stores, where output goes, and the tally of what failed.

use std::sync::{Arc, Mutex, PoisonError};

use longshore_config::{Environment, Location, Options, Scheme, Store, open};
use longshore_engine::{Cleanup, Context, Limits, Object};

use crate::arguments::{Global, SourceOptions};
use crate::error::{Failed, Result};
use crate::exit::Code;
use crate::output::Output;
use crate::signals::Interruption;

/// One command on its way. Clones are the same command.
#[derive(Clone)]
pub(crate) struct Session {
    settings: Arc<Settings>,
    output: Arc<Output>,
    /// The command's name.
    pub(crate) operation: &'static str,
    /// The command as it was given, for messages.
    command: Arc<str>,
    tally: Arc<Mutex<Tally>>,
    in_flight: usize,
    /// How many commands there are at once, to share what one may hold in memory.
    at_once: usize,
    /// Knows what is being put away after an interruption.
    pub(crate) cleanup: Cleanup,
    /// Whether it is one of several, and shows no progress of its own.
    pub(crate) is_one_of_several: bool,
    interruption: Interruption,
}

/// What decides how stores are reached.
struct Settings {
    global: Global,
    environment: Environment,
}

#[derive(Default)]
struct Tally {
    successes: u64,
    failures: Vec<Code>,
}

impl Session {
    /// The session of one command. `command` is how messages call it.
    pub(crate) fn new(global: Global, operation: &'static str, command: String) -> Self {
        let output = Arc::new(Output::new(global.json, global.quiet));
        Self {
            in_flight: global.max_in_flight,
            at_once: 1,
            settings: Arc::new(Settings { global, environment: Environment::read() }),
            output,
            operation,
            command: command.into(),
            tally: Arc::default(),
            cleanup: Cleanup::default(),
            is_one_of_several: false,
            interruption: Interruption::default(),
        }
    }

    /// The session of another command with the same options and output, and a tally of its own; one of so many at once.
    pub(crate) fn another(&self, operation: &'static str, command: String, at_once: usize) -> Self {
        let (command, tally) = (command.into(), Arc::default());
        // Together they keep to what one command may do, within reason.
        let in_flight = (self.in_flight / at_once.max(1)).max(8.min(self.in_flight));
        Self { operation, command, tally, in_flight, at_once, is_one_of_several: true, ..self.clone() }
    }

    /// The same command, as far as it reaches its sources.
    pub(crate) fn of_source(&self, source: &SourceOptions) -> Self {
        if source.is_empty() {
            return self.clone();
        }
        let mut global = self.global().clone();
        let replace = |value: &Option<String>, by: &Option<String>| by.clone().or_else(|| value.clone());
        global.endpoint_url = replace(&global.endpoint_url, &source.source_endpoint_url);
        global.region = replace(&global.region, &source.source_region);
        global.profile = replace(&global.profile, &source.source_profile);
        global.no_sign_request |= source.source_no_sign_request;
        Self { settings: Arc::new(Settings { global, environment: Environment::read() }), ..self.clone() }
    }

    pub(crate) fn global(&self) -> &Global {
        &self.settings.global
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.settings.environment
    }

    /// How the command wants to be interrupted.
    pub(crate) fn interruption(&self) -> &Interruption {
        &self.interruption
    }

    pub(crate) fn output(&self) -> &Output {
        &self.output
    }

    /// Requests or objects at once.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What a transfer may use.
    pub(crate) fn limits(&self) -> Limits {
        let limits = Limits::in_flight(self.in_flight);
        Limits { memory: limits.memory / self.at_once.max(1) as u64, ..limits }
    }

    /// What the engine says when something goes wrong with `uri`.
    pub(crate) fn context(&self, uri: impl Into<String>) -> Context {
        Context::new(self.operation, uri)
    }

    /// The store that `location` is in, as the options and the environment describe it.
    pub(crate) fn store(&self, location: &Location) -> Result<Arc<Store>> {
        self.store_called(location, &location.to_string())
    }

    /// As [`store`](Self::store). `shown` is how messages call it.
    pub(crate) fn store_called(&self, location: &Location, shown: &str) -> Result<Arc<Store>> {
        open(location, self.options(location.scheme()), &self.settings.environment)
            .map_err(|error| Failed::config(self.operation, shown, error))
    }

    /// The object that `key` names in the store of `location`. `shown` is how messages call it.
    pub(crate) fn object(&self, location: &Location, key: impl Into<String>, shown: &str) -> Result<Object> {
        Ok(Object { store: self.store(location)?, key: key.into(), uri: shown.into() })
    }

    /// What the global options say about stores of that kind.
    pub(crate) fn options(&self, scheme: Scheme) -> Options {
        let global = self.global();
        let mut options = Options::default();
        if matches!(scheme, Scheme::File | Scheme::Memory) {
            return options;
        }
        let (s3, web) = (scheme == Scheme::S3, scheme == Scheme::Http);
        for (name, value, known) in [
            ("endpoint", &global.endpoint_url, !web),
            ("profile", &global.profile, s3),
            ("region", &global.region, s3),
            ("ca_bundle", &global.ca_bundle, true),
            ("timeout", &global.timeout, true),
        ] {
            if let (Some(value), true) = (value, known) {
                options.set(name, value);
            }
        }
        if global.no_sign_request && !web {
            options.set("skip_signature", "true");
        }
        if global.request_payer.is_some() && s3 {
            options.set("request_payer", "true");
        }
        if let Some(count) = global.retry_count {
            options.set("max_retries", count.to_string());
        }
        options
    }

    /// Counts something that was done.
    pub(crate) fn succeeded(&self, count: u64) {
        self.tally().successes += count;
    }

    /// Tells a failure, and counts it.
    pub(crate) fn failed(&self, failed: &Failed) {
        self.output().error(self.operation, &self.command, failed);
        self.count_failure(failed.code());
    }

    /// As [`failed`](Self::failed), about one of the things that the command does.
    pub(crate) fn failed_on(&self, step: &str, failed: &Failed) {
        self.output().error(self.operation, step, failed);
        self.count_failure(failed.code());
    }

    /// Counts a failure that was told already.
    pub(crate) fn count_failure(&self, code: Code) {
        self.tally().failures.push(code);
    }

    /// Whether something failed so far.
    pub(crate) fn has_failures(&self) -> bool {
        !self.tally().failures.is_empty()
    }

    /// The exit code, as things stand.
    pub(crate) fn code(&self) -> Code {
        let tally = self.tally();
        Code::of_all(tally.successes, &tally.failures)
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::CommandLine;
    use clap::Parser;

    #[test]
    fn commands_that_run_together_hold_no_more_than_one_would() {
        let line = CommandLine::try_parse_from(["longshore", "-j64", "ls"]).unwrap();
        let session = Session::new(line.global, "run", "run".into());
        let (alone, one) = (session.limits(), session.another("cp", "cp".into(), 16).limits());
        assert_eq!((alone.in_flight, one.in_flight), (64, 8));
        assert_eq!(one.memory, alone.memory / 16);
    }
}
