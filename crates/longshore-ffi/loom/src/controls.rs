//! What goes wrong, to show that it would be found: the same things, done as one would at first.

use std::task::{Poll, Waker};

use loom::future::block_on;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use loom::sync::{Arc, Mutex};
use loom::thread;

/// A callback whose guard is looked at and then set, as two steps.
pub(crate) fn a_look_before_the_call_calls_twice() {
    struct Callback {
        is_sent: AtomicBool,
        calls: AtomicUsize,
    }
    impl Callback {
        fn send(&self) {
            if !self.is_sent.load(SeqCst) {
                self.is_sent.store(true, SeqCst);
                self.calls.fetch_add(1, SeqCst);
            }
        }
    }
    let callback = Arc::new(Callback { is_sent: AtomicBool::new(false), calls: AtomicUsize::new(0) });
    let worker = {
        let callback = callback.clone();
        thread::spawn(move || callback.send())
    };
    callback.send();
    worker.join().unwrap();
    assert_eq!(callback.calls.load(SeqCst), 1, "control: called back more than once");
}

/// A completion that looks for the value and leaves its waker in two turns of the lock: the value may come between them.
pub(crate) fn a_look_before_the_waker_is_lost() {
    #[derive(Default)]
    struct State {
        is_here: bool,
        waker: Option<Waker>,
    }
    let state = Arc::new(Mutex::new(State::default()));
    let worker = {
        let state = state.clone();
        thread::spawn(move || {
            let mut state = state.lock().unwrap();
            state.is_here = true;
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        })
    };
    block_on(std::future::poll_fn(|context| {
        if state.lock().unwrap().is_here {
            return Poll::Ready(());
        }
        state.lock().unwrap().waker = Some(context.waker().clone());
        Poll::Pending
    }));
    worker.join().unwrap();
}

/// An operation that says it has left before it has called back: whoever waits for the last one goes too early.
pub(crate) fn a_ticket_given_back_before_the_callback() {
    let under_way = Arc::new(AtomicUsize::new(1));
    let calls = Arc::new(AtomicUsize::new(0));
    let worker = {
        let (under_way, calls) = (under_way.clone(), calls.clone());
        thread::spawn(move || {
            under_way.fetch_sub(1, SeqCst);
            calls.fetch_add(1, SeqCst);
        })
    };
    if under_way.load(SeqCst) == 0 {
        assert_eq!(calls.load(SeqCst), 1, "control: shut down before the callback");
    }
    worker.join().unwrap();
}
