//! `stubs`: type hints for an extension module that has the store classes.

use std::path::PathBuf;

use clap::Args;
use longshore_engine::ErrorKind;

use super::DoneLine;
use crate::error::{Failed, Result};
use crate::session::Session;

/// Write type hints into the package of an extension module that has longshore's store classes
#[derive(Args, Debug)]
#[command(after_help = "\
The names are those that the module registers them by. A file py.typed is made where the package has none.

Examples:
  longshore stubs python/my_module my_module
  longshore stubs python/my_module my_module --store _store --exceptions errors
  longshore stubs python/my_module my_module --bytes _bytes")]
pub(crate) struct Arguments {
    /// The folder of the package, in which the hints are put
    package: PathBuf,
    /// The name that the module is imported by
    module: String,
    /// The name of its module of stores
    #[arg(long, value_name = "NAME", default_value = "store")]
    store: String,
    /// The name of its module of exceptions
    #[arg(long, value_name = "NAME", default_value = "exceptions")]
    exceptions: String,
    /// A module for the class Bytes, whose hints are written too
    #[arg(long, value_name = "NAME")]
    bytes: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    let Arguments { package, module, store, exceptions, bytes } = arguments;
    if !session.global().dry_run {
        let written = longshore_stubs::write(package, module, store, exceptions)
            .and_then(|()| bytes.iter().try_for_each(|name| longshore_stubs::write_bytes(package, name)));
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidInput => Failed::usage(error.to_string()),
            _ => Failed::new(ErrorKind::Generic, format!("{}: {error}", package.display())),
        })?;
    }
    for name in [store, exceptions].into_iter().chain(bytes) {
        let path = package.join(format!("{name}.pyi")).display().to_string();
        let json =
            DoneLine { operation: "stubs", success: true, source: module, destination: Some(&path), object: None };
        session.output().done(|| format!("stubs {path}"), &json);
        session.succeeded(1);
    }
    Ok(())
}
