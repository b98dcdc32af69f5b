//! Once a second: a line on the terminal, and what goes into the operation log.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use longshore_engine::ErrorKind;

use super::journal::Journal;
use super::lanes::Watcher;
use super::machine::Cpu;
use super::record::{Record, Verb};
use super::table::number;
use super::tally::Tally;
use super::work::Work;
use crate::error::{Failed, Result};
use crate::session::Session;

const MEBIBYTE: f64 = 1048576.0;

/// Watches one run.
pub(crate) struct Live {
    session: Session,
    bar: Option<ProgressBar>,
    log: Option<Log>,
    elapsed: Duration,
    cpu: Cpu,
}

impl Live {
    /// # Errors
    ///
    /// Where the operating system refuses a thread for the log.
    pub(crate) fn begin(session: &Session, work: &Arc<Work>, journal: Option<Journal>) -> std::io::Result<Self> {
        let log = journal.map(|journal| Log::begin(work, journal)).transpose()?;
        let bar = session.output().shows_progress().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        session.output().show_bar(bar.clone());
        Ok(Self { session: session.clone(), bar, log, elapsed: Duration::ZERO, cpu: Cpu::default() })
    }

    /// Takes the line away, and completes the log.
    ///
    /// # Errors
    ///
    /// Where the log could not be written.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.session.output().show_bar(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let Some(Err(error)) = self.log.take().map(Log::finish) else { return Ok(()) };
        let message = format!("--log: the operation log could not be written: {error}");
        Err(Failed::new(ErrorKind::Generic, message))
    }
}

/// Writes the operation log in a thread of its own: compressing would hold up lanes.
struct Log {
    records: mpsc::Sender<Vec<Record>>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Log {
    fn begin(work: &Arc<Work>, mut journal: Journal) -> std::io::Result<Self> {
        let work = Arc::clone(work);
        let (sender, receiver) = mpsc::channel::<Vec<Record>>();
        let thread = std::thread::Builder::new().name("longshore-log".into()).spawn(move || {
            for mut records in receiver {
                records.sort_by_key(|record| record.due);
                for record in &records {
                    let name = work.name(record.target, record.verb == Verb::List);
                    journal.write(record, &work.clock, &name)?;
                }
            }
            journal.finish()
        })?;
        Ok(Self { records: sender, thread })
    }

    /// Waits until all is written.
    fn finish(self) -> std::io::Result<()> {
        drop(self.records);
        self.thread.join().unwrap_or_else(|_| Err(std::io::Error::other("its thread was lost")))
    }
}

impl Watcher for Live {
    fn second(&mut self, records: &mut Vec<Record>, tally: &Tally, elapsed: Duration, cpu: Cpu) {
        if let Some(bar) = &self.bar {
            bar.set_message(line(records, tally, elapsed, elapsed.saturating_sub(self.elapsed), cpu.since(self.cpu)));
            bar.tick();
        }
        (self.elapsed, self.cpu) = (elapsed, cpu);
        if let Some(log) = &self.log {
            // Where the thread has ended, it says why at the end.
            let _ = log.records.send(std::mem::take(records));
        }
    }
}

/// What was done in the last `length`.
fn line(records: &[Record], tally: &Tally, elapsed: Duration, length: Duration, cpu: Cpu) -> String {
    let failures: u64 = tally.troubles.values().map(|troubles| troubles.count).sum();
    if elapsed.is_zero() {
        return "warming up".into();
    }
    let seconds = length.as_secs_f64().max(1e-3);
    let (mut objects, mut bytes, mut latencies) = (0u64, 0u64, Vec::with_capacity(records.len()));
    for record in records.iter().filter(|record| record.trouble.is_none()) {
        objects += u64::from(record.objects);
        bytes += record.bytes;
        latencies.push(record.ended.saturating_sub(record.due));
    }
    latencies.sort_unstable();
    let at = |quantile: f64| {
        let index = (latencies.len() as f64 * quantile) as usize;
        latencies.get(index.min(latencies.len().saturating_sub(1))).map_or(0.0, |nanos| *nanos as f64 / 1e6)
    };
    let mut text = format!("{:>4.0} s  {:>9} objects/s", elapsed.as_secs_f64(), number(objects as f64 / seconds));
    if bytes > 0 {
        text.push_str(&format!("  {:>8} MiB/s", number(bytes as f64 / MEBIBYTE / seconds)));
    }
    let processors = cpu.seconds() / seconds;
    text.push_str(&format!("  p50 {} ms  p99 {} ms  {processors:.1} processors", number(at(0.5)), number(at(0.99))));
    if failures > 0 {
        text.push_str(&format!("  {failures} errors"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tally::tests::record;
    use super::*;

    #[test]
    fn a_line_tells_of_the_last_second() {
        let records: Vec<Record> = (1..=100).map(|n| record(Verb::Get, 0, n, 1 << 20)).collect();
        let cpu = Cpu { user: Duration::from_millis(300), system: Duration::from_millis(200) };
        let second = Duration::from_secs(1);
        let text = line(&records, &Tally::new(0), second * 7, second, cpu);
        assert_eq!(text, "   7 s      100.0 objects/s     100.0 MiB/s  p50 51.00 ms  p99 100.0 ms  0.5 processors");
        assert_eq!(line(&[], &Tally::new(0), Duration::ZERO, second, cpu), "warming up");
    }
}
