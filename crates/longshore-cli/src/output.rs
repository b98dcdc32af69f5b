//! Standard output and standard error: text for people, JSON lines for programs.
//!
//! A line is written whole or not at all. Where nobody reads standard output any more, writing goes on in silence, and whoever
//! only writes is told so by [`Output::is_closed`].
//!
//! A terminal takes control characters as orders, and anybody may have put some into a key. There they are shown, not obeyed.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;
use longshore_engine::ErrorKind;
use serde::Serialize;
use tokio::sync::Notify;

use crate::error::Failed;

/// Where lines go, and in which form.
pub(crate) struct Output {
    pub(crate) json: bool,
    quiet: bool,
    to_terminal: bool,
    out: Mutex<BufWriter<Stdout>>,
    /// The progress line that is on the terminal now. It makes room for other lines.
    bar: Mutex<Option<ProgressBar>>,
    closed: AtomicBool,
    on_close: Notify,
    lost: AtomicBool,
}

/// A failure as JSON.
#[derive(Serialize)]
pub(crate) struct ErrorLine<'a> {
    pub(crate) operation: &'a str,
    pub(crate) command: &'a str,
    pub(crate) error: &'a str,
    /// The name of an `ErrorKind`.
    pub(crate) kind: String,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self {
            json,
            quiet,
            to_terminal: io::stdout().is_terminal(),
            out: Mutex::new(BufWriter::with_capacity(1 << 16, io::stdout())),
            bar: Mutex::new(None),
            closed: AtomicBool::new(false),
            on_close: Notify::new(),
            lost: AtomicBool::new(false),
        }
    }

    /// Whether a progress line is wanted, and there is a terminal for it.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.json && !self.quiet && io::stderr().is_terminal()
    }

    /// One line about something that was done. Left out with `--quiet`.
    pub(crate) fn done(&self, text: impl FnOnce() -> String, json: &impl Serialize) {
        if !self.quiet {
            self.line(text, json);
            self.flush();
        }
    }

    /// One line of what was asked for. Buffered: call [`flush`](Self::flush) where a reader could be waiting.
    pub(crate) fn line(&self, text: impl FnOnce() -> String, json: &impl Serialize) {
        self.coloured(|| self.shown(text()), json);
    }

    /// As [`line`](Self::line), for text with colours, in which whatever came from elsewhere is [`harmless`].
    pub(crate) fn coloured(&self, text: impl FnOnce() -> String, json: &impl Serialize) {
        let mut line = if self.json { to_json(json) } else { text() };
        line.push('\n');
        self.bytes(line.as_bytes());
    }

    /// Text for people, whatever the form of output, and all of it ours.
    pub(crate) fn text(&self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn shown(&self, text: String) -> String {
        if self.to_terminal { harmless(text) } else { text }
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        if self.is_closed() {
            return;
        }
        let written = self.beside_the_bar(self.to_terminal, || {
            let mut out = lock(&self.out);
            let written = out.write_all(bytes);
            if self.to_terminal { written.and_then(|()| out.flush()) } else { written }
        });
        self.check(written);
    }

    /// Hands over what was written so far.
    pub(crate) fn flush(&self) {
        if self.is_closed() {
            return;
        }
        let flushed = lock(&self.out).flush();
        self.check(flushed);
    }

    /// A failure of `command`, on standard error.
    pub(crate) fn error(&self, operation: &str, command: &str, failed: &Failed) {
        self.flush();
        let line = if self.json {
            let kind = format!("{:?}", failed.kind);
            to_json(&ErrorLine { operation, command, error: &failed.message, kind })
        } else {
            format!("ERROR \"{command}\": {failed}")
        };
        self.to_stderr(&line);
    }

    /// A failure in words of its own.
    pub(crate) fn complain(&self, operation: &str, message: &str, kind: ErrorKind) {
        let kind = format!("{kind:?}");
        let line = ErrorLine { operation, command: operation, error: message, kind };
        self.to_stderr(&if self.json { to_json(&line) } else { message.to_owned() });
    }

    /// Something to know, on standard error. Left out with `--quiet` and with `--json`.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet && !self.json {
            self.to_stderr(text);
        }
    }

    fn to_stderr(&self, line: &str) {
        let is_orderly = self.json || !io::stderr().is_terminal();
        let line = if is_orderly { line.to_owned() } else { harmless(line.to_owned()) };
        // Nobody can be told that standard error is gone.
        self.beside_the_bar(true, || drop(writeln!(io::stderr().lock(), "{line}")));
    }

    /// Whether nobody reads standard output any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether output was lost that somebody still wanted: a disk is full, say.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until nobody reads standard output any more.
    pub(crate) async fn closed(&self) {
        let told = self.on_close.notified();
        if !self.is_closed() {
            told.await;
        }
    }

    /// Has other lines make room for `bar`, or for none.
    pub(crate) fn show_bar(&self, bar: Option<ProgressBar>) {
        *lock(&self.bar) = bar;
    }

    fn beside_the_bar<T>(&self, on_terminal: bool, write: impl FnOnce() -> T) -> T {
        let bar = if on_terminal { lock(&self.bar).clone() } else { None };
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// A reader that has gone is no failure. A disk that is full is one.
    fn check(&self, written: io::Result<()>) {
        let Err(error) = written else { return };
        if !self.closed.swap(true, Ordering::Relaxed) && error.kind() != io::ErrorKind::BrokenPipe {
            self.lost.store(true, Ordering::Relaxed);
            self.to_stderr(&format!("ERROR cannot write to standard output: {error}"));
        }
        self.on_close.notify_waiters();
    }
}

pub(crate) fn to_json(value: &impl Serialize) -> String {
    // Nothing that is shown has a map with keys other than text, which is all that could fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// `text` with its control characters written out. The ends of lines are ours, or look like it and do no more.
pub(crate) fn harmless(text: String) -> String {
    let is_order = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_order) {
        return text;
    }
    text.chars().fold(String::new(), |mut shown, c| {
        if is_order(c) {
            shown.extend(c.escape_default())
        } else {
            shown.push(c)
        }
        shown
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_orders_from_the_names_of_objects() {
        for (name, shown) in [
            ("a\u{1b}]0;title\u{7}b", r"a\u{1b}]0;title\u{7}b"),
            ("\u{9b}31mred", r"\u{9b}31mred"),
            ("over\rwritten\u{8}\u{7f}", r"over\rwritten\u{8}\u{7f}"),
            ("größe\tand\nlines", "größe\tand\nlines"),
        ] {
            assert_eq!(harmless(name.into()), shown);
        }
    }
}
