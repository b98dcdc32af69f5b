//! `serve`: a folder, or memory, over the S3 protocol.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::Args;
use longshore_engine::ErrorKind;
use longshore_gateway::Gateway;

use super::quoted;
use crate::error::{Failed, Result};
use crate::exit::Code;
use crate::session::Session;

/// Serve a folder, or memory, over the S3 protocol until Ctrl-C
#[derive(Args, Debug)]
#[command(after_help = "\
The first line of output is the endpoint; the lines after it set the variables that S3 clients read. With --json, one line \
has them all. It serves one pair of keys over plain HTTP: it is for tests and for this machine, not for the open network.

Examples:
  longshore serve
  longshore serve ./buckets --port 9000 --access-key test --secret-key secret
  longshore serve --anonymous --host 0.0.0.0 --port 9000")]
pub(crate) struct Arguments {
    /// Folder to serve, each of its folders a bucket; a folder .longshore in it holds what files cannot. Without it, memory
    folder: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    host: String,
    /// Port to listen on; 0 takes any free one
    #[arg(long, default_value = "0", allow_negative_numbers = true)]
    port: String,
    /// Access key that clients must use [default: made up]
    #[arg(long, value_name = "KEY")]
    access_key: Option<String>,
    /// Secret key that clients must use [default: made up]
    #[arg(long, value_name = "KEY")]
    secret_key: Option<String>,
    /// Accept unsigned requests too
    #[arg(long)]
    anonymous: bool,
}

/// Serves until the command is interrupted, which counts as done.
pub(crate) async fn run(arguments: Arguments, session: &Session) -> Code {
    match start(arguments, session) {
        Ok(_server) => std::future::pending().await,
        Err(failed) => {
            // No command beside it failed, so the line needs no name of one.
            session.output().complain("serve", &format!("cannot serve: {failed}"), failed.kind);
            failed.code()
        }
    }
}

fn start(arguments: Arguments, session: &Session) -> Result<Gateway> {
    let (host, port) = (arguments.host.as_str(), arguments.port.as_str());
    let port: u16 = port.parse().map_err(|_| Failed::usage(format!("port must be from 0 to 65535, not {port}")))?;
    let address: SocketAddr = (host, port)
        .to_socket_addrs()
        .map_err(|error| Failed::usage(format!("the host {host:?} has no address: {error}")))?
        .next()
        .ok_or_else(|| Failed::usage(format!("the host {host:?} has no address")))?;
    let access_key = match arguments.access_key {
        Some(key) => key,
        None => format!("test{}", made_up(1)?),
    };
    let secret_key = match arguments.secret_key {
        Some(key) => key,
        None => made_up(3)?,
    };
    let region = session.global().region.as_deref().unwrap_or("us-east-1");
    let builder = Gateway::builder().address(address).region(region).credentials(&access_key, &secret_key);
    let builder = match arguments.folder {
        Some(folder) if folder.exists() && !folder.is_dir() => {
            return Err(Failed::usage(format!("this is no folder: {}", folder.display())));
        }
        Some(folder) if !folder.is_dir() => {
            let folder = folder.display();
            return Err(Failed::not_found(format!("there is no such folder to serve: {folder}; make it first")));
        }
        Some(folder) => builder.folder(folder),
        None => builder.memory(),
    };
    let builder = if arguments.anonymous { builder.anonymous() } else { builder };
    let server = builder.start().map_err(|error| Failed::new(ErrorKind::Generic, format!("{address}: {error}")))?;
    announce(&server, (&access_key, &secret_key), region, session);
    Ok(server)
}

fn announce(server: &Gateway, (access_key, secret_key): (&str, &str), region: &str, session: &Session) {
    let endpoint = server.endpoint();
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        // Where it is set already, it would win over the one above.
        ("AWS_ENDPOINT_URL_S3", &endpoint),
        ("AWS_ACCESS_KEY_ID", access_key),
        ("AWS_SECRET_ACCESS_KEY", secret_key),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
    ];
    let text = || {
        let exports = variables.map(|(name, value)| format!("\nexport {name}={}", quoted(value)));
        format!("{endpoint}{}", exports.concat())
    };
    let environment: serde_json::Map<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let json = serde_json::json!({ "endpoint": endpoint, "environment": environment });
    session.output().line(text, &json);
    session.output().flush();
}

/// Hexadecimal digits from the operating system, 16 for each word.
fn made_up(words: usize) -> Result<String> {
    let word = || getrandom::u64().map(|word| format!("{word:016x}"));
    let words: std::result::Result<Vec<_>, _> = (0..words).map(|_| word()).collect();
    words
        .map(|words| words.concat())
        .map_err(|error| Failed::new(ErrorKind::Generic, format!("no random numbers: {error}")))
}
