//! Serves memory, or a folder, until standard input closes; where it is closed from the start, until killed.
//!
//! `serve [--folder DIR] [--key KEY --secret SECRET] [--anonymous] [--region REGION] [--port PORT]`
//!
//! The first line of output is the endpoint. Without a key the credentials are `testkey` and `testsecret`.

use std::io::Read;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use longshore_gateway::Gateway;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Gateway::builder();
    let (mut key, mut secret, mut port) = ("testkey".to_owned(), "testsecret".to_owned(), 0);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--anonymous" {
            builder = builder.anonymous();
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--folder" => builder = builder.folder(value),
            "--key" => key = value,
            "--secret" => secret = value,
            "--region" => builder = builder.region(value),
            "--port" => port = value.parse()?,
            _ => return Err(format!("unknown argument {argument}").into()),
        }
    }
    let gateway = builder.credentials(key, secret).address(SocketAddr::from(([127, 0, 0, 1], port))).start()?;
    println!("{}", gateway.endpoint());
    // Serves while this waits.
    let started = Instant::now();
    std::io::stdin().read_to_end(&mut Vec::new())?;
    if started.elapsed() < Duration::from_millis(200) {
        loop {
            std::thread::park();
        }
    }
    gateway.stop();
    Ok(())
}
