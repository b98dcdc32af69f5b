//! The progress line on a terminal: objects, bytes, rate, and when it will be done.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
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
    /// A line for `objects` with `bytes` in all. Unknown bytes are 0.
    pub(crate) fn begin(session: &Session, objects: u64, bytes: u64) -> Self {
        let wanted = session.output().shows_progress() && !session.is_one_of_several;
        let bar = wanted.then(|| {
            let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(PER_SECOND));
            bar.set_style(style(bytes > 0));
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

fn style(knows_bytes: bool) -> ProgressStyle {
    let template =
        if knows_bytes { "{msg}  {bytes}/{total_bytes}  {rate}  ETA {eta}" } else { "{msg}  {bytes}  {rate}" };
    // The template is ours; a test draws both.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{}/s", HumanBytes(state.per_sec() as u64));
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_templates_can_be_drawn() {
        for template in ["{msg}  {bytes}/{total_bytes}  {rate}  ETA {eta}", "{msg}  {bytes}  {rate}"] {
            assert!(indicatif::ProgressStyle::with_template(template).is_ok());
        }
    }
}
