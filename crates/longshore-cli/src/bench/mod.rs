//! `longshore bench`: how fast a store is, and what it costs to ask it.
//!
//! ```text
//! run        prepare, measure, report, clean up
//!   ├ plan       what was asked for, checked: sizes, mix, pace
//!   ├ ground     the folder of the run in the store
//!   ├ lanes      do the work, each with a recorder of its own
//!   │   ├ pace       when the next operation begins
//!   │   └ work       the operations, and what is checked of each answer
//!   ├ live       once a second: takes the records, shows a line, writes the operation log
//!   │   ├ tally      histograms, sums, seconds
//!   │   └ journal    the operation log
//!   └ report     the numbers; table and chart show them, compare reads them back
//! ```

mod chance;
mod chart;
mod compare;
mod content;
mod ground;
mod journal;
mod lanes;
mod live;
mod machine;
mod mix;
mod pace;
mod plan;
mod record;
mod report;
mod run;
mod sizes;
mod svg;
mod table;
mod tally;
mod work;

pub(crate) use compare::compare;
pub(crate) use mix::Mix;
pub(crate) use pace::{Length, parse_rate};
pub(crate) use plan::{Files, Plan};
pub(crate) use record::Verb;
pub(crate) use run::run;
pub(crate) use sizes::Sizes;
