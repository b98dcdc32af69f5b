//! A gateway, a folder, and the binary with variables that make it reach both.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use longshore_gateway::{FaultAction, FaultRule, Gateway};
use tempfile::TempDir;

pub(crate) struct Place {
    pub(crate) gateway: Gateway,
    folder: TempDir,
}

/// What a command has done.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// A server with the buckets `bucket` and `other`, and an empty folder.
    pub(crate) fn new() -> Self {
        let gateway = Gateway::builder().memory().credentials("key", "secret").start().unwrap();
        let place = Self { gateway, folder: tempfile::tempdir().unwrap() };
        place.ok(&["mb", "s3://bucket", "s3://other"]);
        place.gateway.reset_stats();
        place
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longshore"));
        command.args(arguments).current_dir(self.folder()).env_clear();
        command.env("AWS_ENDPOINT_URL", self.gateway.endpoint());
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.ended(&mut self.command(arguments))
    }

    pub(crate) fn ended(&self, command: &mut Command) -> Ended {
        ended(command.stdin(Stdio::null()).output().unwrap())
    }

    /// Runs a command that must end well, and gives what it wrote.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}: {ended:?}");
        ended.out
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Writes files that contain their own names.
    pub(crate) fn write(&self, names: &[&str]) {
        for name in names {
            let path = self.folder().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
    }

    /// Every file below the folder, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path: PathBuf = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(self.folder()).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }

    pub(crate) fn fault(&self, method: &str, path: &str, action: FaultAction) -> u64 {
        let rule =
            FaultRule { method: Some(method.into()), path_contains: Some(path.into()), ..FaultRule::new(action) };
        self.gateway.faults().add(rule)
    }

    /// How many requests of each kind were answered, for example `GetObject`.
    pub(crate) fn requests(&self, operation: &str) -> u64 {
        self.gateway.stats().operation(operation)
    }
}

pub(crate) fn ended(output: Output) -> Ended {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
