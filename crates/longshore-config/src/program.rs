//! Programs that print credentials: run, and ended when nobody waits for them any more.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// Credentials are shorter. Who prints more prints something else, perhaps without end.
const MOST: usize = 1 << 20;
/// So much of the end of what a program says on standard error is kept.
const SAID: usize = 64 << 10;

/// What a program left behind.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) printed: Vec<u8>,
    pub(crate) said: Vec<u8>,
}

/// Runs `command` to its end. It is killed where the future is dropped.
///
/// # Errors
///
/// A program that cannot be run, and one that prints more than credentials.
pub(crate) async fn run(mut command: Command) -> io::Result<Ended> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (printed, said) = tokio::try_join!(all(out), end(err))?;
    Ok(Ended { status: child.wait().await?, printed, said })
}

async fn all(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut printed = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MOST as u64 + 1).read_to_end(&mut printed).await?;
    }
    if printed.len() > MOST {
        return Err(io::Error::other(format!("it printed more than {MOST} bytes, which are no credentials")));
    }
    Ok(printed)
}

async fn end(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut said = Vec::new();
    let Some(mut pipe) = pipe else { return Ok(said) };
    while pipe.read_buf(&mut said).await? > 0 {
        if said.len() > 2 * SAID {
            said.drain(..said.len() - SAID);
        }
    }
    Ok(said)
}
