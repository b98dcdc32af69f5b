//! What must hold in every order.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use longshore_abi::raw::{ERROR_CANCELLED, ERROR_SHUTDOWN};
use loom::future::block_on;
use loom::thread;

use crate::exporter::{Exporter, called};

/// Nothing waits as long: loom has no time, and a wait that is not ended otherwise is a deadlock.
const LONG: Duration = Duration::from_secs(3600);

/// A future is dropped: the operation is cancelled, ends, or both at the same moment.
pub(crate) fn dropping_races_with_the_end() {
    let exporter = Exporter::new();
    drop(exporter.begin());
    exporter.ends_after(1);
}

/// Whoever waits is woken, whether the end comes before, during or after the look.
pub(crate) fn waiting_sees_the_end() {
    let exporter = Exporter::new();
    let call = exporter.begin().expect("the gate is open");
    assert_eq!(block_on(call).status(), 0);
    exporter.ends_after(1);
}

/// A future is polled and then dropped, as by a timeout.
pub(crate) fn giving_up_after_a_look() {
    let exporter = Exporter::new();
    let mut call = exporter.begin().expect("the gate is open");
    let answer = Pin::new(&mut call).poll(&mut Context::from_waker(Waker::noop()));
    if let Poll::Ready(answer) = &answer {
        assert_eq!(answer.status(), 0);
    }
    drop(call);
    drop(answer);
    exporter.ends_after(1);
}

/// One future is dropped on one thread while another is waited for: neither harms the other.
pub(crate) fn cancelling_and_waiting() {
    let exporter = Exporter::new();
    let dropped = exporter.begin().expect("the gate is open");
    let awaited = exporter.begin().expect("the gate is open");
    drop(dropped);
    assert_eq!(block_on(awaited).status(), 0);
    exporter.ends_after(2);
}

/// When shutting down has come to its end, every callback has returned; what comes later is refused.
pub(crate) fn shutdown_waits_for_callbacks() {
    let exporter = Exporter::new();
    let closer = {
        let exporter = exporter.clone();
        thread::spawn(move || {
            assert_eq!(exporter.gate.close(LONG), 0, "left when the gate was closed");
            let counts = exporter.gate.counts();
            assert_eq!(counts.entered, called() as u64, "callbacks when the gate was closed");
            assert!(matches!(exporter.begin(), Err(ERROR_SHUTDOWN)));
        })
    };
    let operations = match exporter.begin() {
        Ok(call) => {
            let status = block_on(call).status();
            assert!(status == 0 || status == ERROR_CANCELLED, "{status}");
            1
        }
        Err(code) => {
            assert_eq!(code, ERROR_SHUTDOWN);
            0
        }
    };
    closer.join().unwrap();
    exporter.ends_after(operations);
}

/// The same, with a future that nobody waits for any more.
pub(crate) fn shutdown_races_with_dropping() {
    let exporter = Exporter::new();
    let call = exporter.begin().expect("the gate is open");
    let closer = {
        let exporter = exporter.clone();
        thread::spawn(move || {
            assert_eq!(exporter.gate.close(LONG), 0, "left when the gate was closed");
            assert_eq!(called(), 1, "callbacks when the gate was closed");
        })
    };
    drop(call);
    closer.join().unwrap();
    exporter.ends_after(1);
}

/// What does not end by itself is ended by the end, also where that comes while it begins.
pub(crate) fn shutdown_ends_what_hangs() {
    let exporter = Exporter::that_hangs();
    let closer = {
        let exporter = exporter.clone();
        thread::spawn(move || assert_eq!(exporter.gate.close(LONG), 0, "left when the gate was closed"))
    };
    let operations = match exporter.begin() {
        Ok(call) => {
            assert_eq!(block_on(call).status(), ERROR_CANCELLED);
            1
        }
        Err(code) => {
            assert_eq!(code, ERROR_SHUTDOWN);
            0
        }
    };
    closer.join().unwrap();
    exporter.ends_after(operations);
}

/// Nor does a future that is dropped leave anything behind that hangs.
pub(crate) fn dropping_ends_what_hangs() {
    let exporter = Exporter::that_hangs();
    drop(exporter.begin());
    exporter.ends_after(1);
}

/// Two operations under way, one that is dropped and one that the end cuts short.
pub(crate) fn two_operations_and_shutdown() {
    let exporter = Exporter::new();
    let dropped = exporter.begin().expect("the gate is open");
    let awaited = exporter.begin().expect("the gate is open");
    drop(dropped);
    assert_eq!(exporter.gate.close(LONG), 0);
    assert_eq!(called(), 2, "callbacks when the gate was closed");
    let status = block_on(awaited).status();
    assert!(status == 0 || status == ERROR_CANCELLED, "{status}");
    exporter.ends_after(2);
}
