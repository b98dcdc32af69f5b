//! The command line as a whole: global options, the commands, and what their arguments have in common.

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    bench, cat, completions, cp, doctor, du, help, ls, mb, mv, put, rb, rm, run, serve, stat, stubs, sync,
};
use crate::exit;

/// Objects in any store, from a shell: list, copy, sync, delete, generate, serve.
///
/// A place is a URI, such as s3://bucket/key, file:///path or memory:///key, or a plain path. Where many objects may be meant,
/// `*` stands for any characters, `/` included, and `?` for one; put such a place in quotes. A backslash before them takes
/// their meaning away, and --raw all meanings. A place that ends in `/` is a folder: everything in it.
#[derive(Parser, Debug)]
#[command(
    name = "longshore",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "`longshore COMMAND --help` explains a command, with examples.",
    after_long_help = exit::HELP
)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A line of `run`, which shares the global options of its caller.
#[derive(Parser, Debug)]
#[command(name = "longshore", no_binary_name = true, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Line {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command. They stand before the command's name or after it.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Write a JSON line for each result to standard output, and for each failure to standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Write no line for each object that was handled, no notes and no progress; failures are still told
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say what would be done, and change nothing
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Requests or objects in flight at once
    #[arg(
        short = 'j',
        long,
        visible_alias = "numworkers",
        value_name = "COUNT",
        default_value_t = 64,
        value_parser = at_least_one,
        global = true
    )]
    pub(crate) max_in_flight: usize,
    /// Address of the S3 service, such as http://127.0.0.1:9000 [default: AWS_ENDPOINT_URL, or AWS itself]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) endpoint_url: Option<String>,
    /// Profile of the AWS configuration files [default: AWS_PROFILE]
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) profile: Option<String>,
    /// Region of the buckets [default: AWS_REGION, or us-east-1]
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) region: Option<String>,
    /// Send requests unsigned, for buckets that anybody may read
    #[arg(long, global = true)]
    pub(crate) no_sign_request: bool,
    /// Who pays for the requests: `requester`
    #[arg(long, value_name = "WHO", value_parser = ["requester"], global = true)]
    pub(crate) request_payer: Option<String>,
    /// PEM file of certificates to trust besides the system's [default: AWS_CA_BUNDLE]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) ca_bundle: Option<String>,
    /// How often a failed request is repeated; 0 also keeps copies from waiting a minute for a server that goes away
    /// [default: 8]
    #[arg(short, long, value_name = "COUNT", global = true)]
    pub(crate) retry_count: Option<usize>,
    /// Longest silence of a server before a request counts as failed, such as 10s or 2m [default: 60s]
    #[arg(long, value_name = "TIME", global = true)]
    pub(crate) timeout: Option<String>,
}

/// The commands. Each has a file under `commands`.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Ls(ls::Arguments),
    Cat(cat::Arguments),
    Cp(cp::Arguments),
    Mv(mv::Arguments),
    Sync(sync::Arguments),
    Rm(rm::Arguments),
    #[command(visible_alias = "head")]
    Stat(stat::Arguments),
    Du(du::Arguments),
    Put(put::Arguments),
    Mb(mb::Arguments),
    Rb(rb::Arguments),
    Run(run::Arguments),
    Serve(serve::Arguments),
    Doctor(doctor::Arguments),
    Bench(bench::Arguments),
    Completions(completions::Arguments),
    Stubs(stubs::Arguments),
    #[command(hide = true)]
    Help(help::Arguments),
}

impl Command {
    /// Its name, as results and failures give it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ls(_) => "ls",
            Self::Cat(_) => "cat",
            Self::Stat(_) => "stat",
            Self::Cp(_) => "cp",
            Self::Mv(_) => "mv",
            Self::Sync(_) => "sync",
            Self::Rm(_) => "rm",
            Self::Du(_) => "du",
            Self::Put(_) => "put",
            Self::Run(_) => "run",
            Self::Mb(_) => "mb",
            Self::Rb(_) => "rb",
            Self::Serve(_) => "serve",
            Self::Doctor(_) => "doctor",
            Self::Bench(_) => "bench",
            Self::Completions(_) => "completions",
            Self::Stubs(_) => "stubs",
            Self::Help(_) => "help",
        }
    }
}

/// Which of several objects a command is about.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Filters {
    /// Only objects whose name matches; names begin after the source's last folder without a wildcard; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(crate) include: Vec<String>,
    /// Not the objects whose name matches; may be repeated, and wins over --include
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
}

/// How sources are reached, where that is not how targets are.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SourceOptions {
    /// Address of the S3 service that sources are in [default: as for targets]
    #[arg(long, value_name = "URL")]
    pub(crate) source_endpoint_url: Option<String>,
    /// Region of the sources' buckets [default: as for targets]
    #[arg(long, value_name = "NAME")]
    pub(crate) source_region: Option<String>,
    /// Profile whose keys read the sources [default: as for targets]
    #[arg(long, value_name = "NAME")]
    pub(crate) source_profile: Option<String>,
    /// Read the sources with unsigned requests
    #[arg(long)]
    pub(crate) source_no_sign_request: bool,
}

impl SourceOptions {
    pub(crate) fn is_empty(&self) -> bool {
        self.source_endpoint_url.is_none()
            && self.source_region.is_none()
            && self.source_profile.is_none()
            && !self.source_no_sign_request
    }
}

/// Reads a whole number from 1 up.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("must be a whole number of at least 1".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
        Line::command().debug_assert();
    }

    #[test]
    fn global_options_stand_on_either_side_of_the_command() {
        let before = CommandLine::try_parse_from(["longshore", "--json", "--numworkers", "8", "ls"]).unwrap();
        let after = CommandLine::try_parse_from(["longshore", "ls", "--json", "-j8"]).unwrap();
        assert_eq!(before.global, after.global);
        assert_eq!((before.global.json, before.global.max_in_flight), (true, 8));
    }

    #[test]
    fn every_command_has_a_sentence_and_examples() {
        for command in CommandLine::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name}");
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Examples:\n  longshore "), "{name}: {after}");
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                assert!(argument.get_help().is_some(), "{name} {}", argument.get_id());
            }
        }
    }
}
