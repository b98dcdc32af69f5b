//! The progress line on a terminal: objects, bytes, rate, and when it will be done.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use longshore_engine::Progress;

use crate::session::Session;

/// How often the line is drawn at most.
const PER_SECOND: u8 = 10;

/// Shows a line for as long as it lives, where that is wanted.
pub(crate) struct ProgressLine {
    session: Session,
    bar: Option<ProgressBar>,
}

impl ProgressLine {
    /// A line for `objects` with `bytes` in all. Unknown bytes are 0; the engine may learn them on the way.
    pub(crate) fn begin(session: &Session, objects: u64, bytes: u64) -> Self {
        let wanted = session.output().shows_progress() && !session.is_one_of_several;
        let bar = wanted.then(|| {
            let bar = ProgressBar::with_draw_target(
                (bytes > 0).then_some(bytes),
                ProgressDrawTarget::stderr_with_hz(PER_SECOND),
            );
            bar.set_style(style());
            bar.set_message(format!("0/{objects} objects"));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        if bar.is_some() {
            session.output().show_bar(bar.clone());
        }
        Self { session: session.clone(), bar }
    }

    /// Counters for the engine that move this line.
    pub(crate) fn counters(&self, objects: u64) -> Progress {
        let Some(bar) = self.bar.clone() else { return Progress::silent() };
        let bar = Arc::new(bar);
        Progress::to(move |snapshot| {
            if let Some(total) = snapshot.total_bytes.filter(|total| *total > 0) {
                // What is moved once more was not announced.
                bar.set_length(total.max(snapshot.bytes));
            }
            bar.set_position(snapshot.bytes);
            bar.set_message(format!("{}/{objects} objects", snapshot.objects));
        })
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            self.session.output().show_bar(None);
            bar.finish_and_clear();
        }
    }
}

/// Objects, then what [`amounts`] says.
const TEMPLATE: &str = "{msg}  {amounts}";

fn style() -> ProgressStyle {
    // The template is ours; a test draws it.
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.with_key("amounts", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = out.write_str(&amounts(state.pos(), state.len(), state.per_sec(), state.eta()));
    })
}

/// Bytes, rate, and the time to go, as far as they are known: before anything has moved nobody can tell when it will end.
fn amounts(moved: u64, total: Option<u64>, rate: f64, to_go: Duration) -> String {
    let (moved_bytes, rate) = (HumanBytes(moved), HumanBytes(rate as u64));
    match total {
        Some(total) if moved > 0 => {
            format!("{moved_bytes}/{}  {rate}/s  ETA {:#}", HumanBytes(total), HumanDuration(to_go))
        }
        Some(total) => format!("{moved_bytes}/{}  {rate}/s", HumanBytes(total)),
        None => format!("{moved_bytes}  {rate}/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_can_be_drawn() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }

    #[test]
    fn the_time_to_go_is_shown_once_something_has_moved_towards_a_known_end() {
        let drawn = |moved, total| amounts(moved, total, 1024.0, Duration::from_secs(3));
        assert_eq!(drawn(1024, Some(4096)), "1.00 KiB/4.00 KiB  1.00 KiB/s  ETA 3s");
        assert_eq!(drawn(0, Some(4096)), "0 B/4.00 KiB  1.00 KiB/s");
        assert_eq!(drawn(1024, None), "1.00 KiB  1.00 KiB/s");
    }
}
