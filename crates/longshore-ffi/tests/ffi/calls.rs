//! Calls of a table's functions as another language makes them.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::ThreadId;
use std::time::Duration;

use longshore_abi::arguments::Args;
use longshore_abi::raw::{self, Submit, Vtable};
use longshore_abi::{Answer, Operation, StoreRef};

use crate::doubles::kept;

/// What a callback brought, and the thread that it came on.
pub(crate) type Called = (Answer, ThreadId);

/// A call that was accepted.
pub(crate) struct Under {
    pub(crate) operation: Option<Operation>,
    called: Receiver<Called>,
}

/// What a call came to.
pub(crate) enum Outcome {
    Pending(Under),
    Done(Answer),
    Refused(i32),
}

/// Whoever is called back, any number of times.
struct User {
    vtable: &'static Vtable,
    called: Sender<Called>,
}

unsafe extern "C" fn complete(user: *mut c_void, result: *const raw::Result) {
    // SAFETY: `call` leaks it.
    let user = unsafe { &*user.cast::<User>() };
    // SAFETY: the exporter gives its result away.
    let answer = unsafe { Answer::from_raw(result, user.vtable) };
    let _ = user.called.send((answer, std::thread::current().id()));
}

/// Calls `slot`. `arguments` may be of another length than `T`, as they say themselves.
pub(crate) fn call<T: Args>(
    vtable: &'static Vtable,
    slot: Option<Submit<T>>,
    target: *mut c_void,
    arguments: *const T,
) -> Outcome {
    let (sender, called) = channel();
    // Leaked, so that a callback too many is seen, and not a use after free.
    let user: &'static User = kept(User { vtable, called: sender });
    let mut inline = MaybeUninit::uninit();
    let mut operation = std::ptr::null_mut();
    // SAFETY: as the interface says; every test's target is alive.
    let code = unsafe {
        slot.expect("the slot is there")(
            target,
            arguments,
            Some(complete),
            std::ptr::from_ref(user).cast_mut().cast(),
            inline.as_mut_ptr(),
            &raw mut operation,
        )
    };
    match code {
        raw::PENDING => {
            // SAFETY: written by the exporter.
            let operation = unsafe { Operation::from_raw(vtable, operation) };
            Outcome::Pending(Under { operation, called })
        }
        // SAFETY: as above.
        raw::DONE => Outcome::Done(unsafe { Answer::from_raw(inline.as_ptr(), vtable) }),
        refused => {
            assert!(called.recv_timeout(Duration::from_millis(1)).is_err(), "a callback after a refusal");
            Outcome::Refused(-refused)
        }
    }
}

impl Under {
    /// Waits for the callback, and for a moment more for one too many.
    pub(crate) fn called(&self) -> Called {
        let called = self.called.recv_timeout(Duration::from_secs(30)).expect("the callback comes");
        assert!(self.called.recv_timeout(Duration::from_millis(1)).is_err(), "a second callback");
        called
    }

    /// The callback, if it came.
    pub(crate) fn called_within(&self, limit: Duration) -> Option<Called> {
        self.called.recv_timeout(limit).ok()
    }
}

impl Outcome {
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::Pending(under) => under.called().0,
            Self::Done(answer) => answer,
            Self::Refused(code) => panic!("refused with {code}"),
        }
    }

    pub(crate) fn under(self) -> Under {
        match self {
            Self::Pending(under) => under,
            Self::Done(answer) => panic!("done with {}", answer.status()),
            Self::Refused(code) => panic!("refused with {code}"),
        }
    }

    /// An error's code, whether it came as a refusal or as a result; zero for success.
    pub(crate) fn status(self) -> i32 {
        match self {
            Self::Refused(code) => code,
            other => other.answer().status(),
        }
    }
}

/// The arguments of a get.
pub(crate) fn get_args(path: &str) -> raw::GetArgs {
    raw::GetArgs { path: longshore_abi::Str::new(path), ..raw::GetArgs::EMPTY }
}

pub(crate) fn get(store: &StoreRef, args: &raw::GetArgs) -> Outcome {
    call(store.vtable(), store.vtable().get, store.data(), args)
}
