//! Tries every order in which an operation can be completed, cancelled, released and shut down.
//!
//! The files that decide about it are `longshore-ffi`'s own: the exporter's gate and callback, the importer's call and completion.
//! Between them is a runtime as far as they know one, in `exporter`: a task is run by a worker, or dropped by whoever aborts it. What is
//! not tried here: a runtime that has ended and drops a new task at once, and forked children. Tests of `longshore-ffi` do those.
//!
//! `longshore-ffi-loom` runs all models; `longshore-ffi-loom NAME` one, which for `control-…` must fail.

#![allow(dead_code, reason = "not every function of these files is part of a model")]

#[path = "../../src/import/call.rs"]
mod call;
#[path = "../../src/export/callback.rs"]
mod callback;
#[path = "../../src/import/completion.rs"]
mod completion;
mod controls;
mod exporter;
#[path = "../../src/export/gate.rs"]
mod gate;
mod models;
#[path = "../../src/unwind.rs"]
mod unwind;

use std::process::ExitCode;

/// A name, how often a thread is interrupted at most (`None`: always, everywhere), and what to try.
type Model = (&'static str, Option<usize>, fn());

const MODELS: &[Model] = &[
    ("dropping-races-with-the-end", None, models::dropping_races_with_the_end),
    ("dropping-ends-what-hangs", None, models::dropping_ends_what_hangs),
    ("waiting-sees-the-end", None, models::waiting_sees_the_end),
    ("giving-up-after-a-look", None, models::giving_up_after_a_look),
    ("shutdown-ends-what-hangs", None, models::shutdown_ends_what_hangs),
    ("cancelling-and-waiting", Some(3), models::cancelling_and_waiting),
    ("shutdown-waits-for-callbacks", Some(3), models::shutdown_waits_for_callbacks),
    ("shutdown-races-with-dropping", Some(4), models::shutdown_races_with_dropping),
    ("two-operations-and-shutdown", Some(3), models::two_operations_and_shutdown),
];

/// These are wrong, and must fail.
const CONTROLS: &[Model] = &[
    ("control-twice", None, controls::a_look_before_the_call_calls_twice),
    ("control-lost", None, controls::a_look_before_the_waker_is_lost),
    ("control-early", None, controls::a_ticket_given_back_before_the_callback),
];

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1);
    let chosen: Vec<_> = match &wanted {
        None => MODELS.iter().collect(),
        Some(wanted) => MODELS.iter().chain(CONTROLS).filter(|(name, _, _)| name == wanted).collect(),
    };
    if chosen.is_empty() {
        eprintln!("there is no such model");
        return ExitCode::from(2);
    }
    for (name, preemptions, model) in chosen {
        let began = std::time::Instant::now();
        let orders = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&orders);
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = *preemptions;
        builder.check(move || {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            model();
        });
        let orders = orders.load(std::sync::atomic::Ordering::Relaxed);
        println!("{name}: {orders} orders, {} ms", began.elapsed().as_millis());
    }
    ExitCode::SUCCESS
}
