//! Any sequence of calls: whatever is begun, cancelled, released and ended in whatever order, each operation that was accepted calls
//! back once, each that was not does not, and everything is given back.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use longshore_abi::arguments::Args;
use longshore_abi::raw::{self, Submit, Vtable};
use longshore_abi::{Answer, Buffer, Operation, OwnedBuffer, StoreRef, Str, StreamHandle, UploadHandle};
use object_store_014::memory::InMemory;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::doubles::{Mood, Moody, World, kept};

const KEYS: [&str; 5] = ["a", "b/c", "b/d", "e", "no//path"];

/// Operations, handles and stores are named by a number, modulo how many there are.
#[derive(Clone, Debug)]
enum Step {
    Get {
        key: usize,
        prefetch: u64,
        is_head: bool,
        is_inline: bool,
    },
    Ranges {
        key: usize,
        ends: Vec<u64>,
        is_inline: bool,
    },
    Put {
        key: usize,
        sizes: Vec<usize>,
        mode: u64,
        is_inline: bool,
    },
    Begin {
        key: usize,
        is_inline: bool,
    },
    Part {
        upload: usize,
        size: usize,
        is_inline: bool,
    },
    Complete {
        upload: usize,
        is_inline: bool,
    },
    Abort {
        upload: usize,
        is_inline: bool,
    },
    List {
        has_delimiter: bool,
    },
    Next {
        stream: usize,
        target: u64,
        is_inline: bool,
    },
    Delete {
        keys: Vec<usize>,
        is_inline: bool,
    },
    Copy {
        from: usize,
        to: usize,
        flags: u32,
        is_inline: bool,
    },
    Cancel(usize),
    ReleaseOperation(usize),
    ReleaseStream(usize),
    ReleaseUpload(usize),
    /// Takes what an operation brought, if it is here.
    Take(usize),
    Retain(usize),
    Release(usize),
    Describe(usize),
    Pause,
}

/// How a sequence ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Everything is cancelled, and the exporter shuts down.
    Cancelled,
    /// The exporter shuts down.
    ShutDown,
    /// The runtime goes first.
    RuntimeGone,
}

fn step() -> impl Strategy<Value = Step> {
    let (key, number, is) = (0..KEYS.len(), 0..64_usize, any::<bool>());
    let keys = prop::collection::vec(key.clone(), 0..4);
    let ends = prop::collection::vec(0..64_u64, 0..4);
    let sizes = prop::collection::vec(0..40_usize, 0..4);
    prop_oneof![
        6 => (key.clone(), 0..64_u64, is, is)
            .prop_map(|(key, prefetch, is_head, is_inline)| Step::Get { key, prefetch, is_head, is_inline }),
        2 => (key.clone(), ends, is).prop_map(|(key, ends, is_inline)| Step::Ranges { key, ends, is_inline }),
        6 => (key.clone(), sizes, 0..4_u64, is)
            .prop_map(|(key, sizes, mode, is_inline)| Step::Put { key, sizes, mode, is_inline }),
        2 => (key.clone(), is).prop_map(|(key, is_inline)| Step::Begin { key, is_inline }),
        4 => (number.clone(), 0..40_usize, is)
            .prop_map(|(upload, size, is_inline)| Step::Part { upload, size, is_inline }),
        2 => (number.clone(), is).prop_map(|(upload, is_inline)| Step::Complete { upload, is_inline }),
        1 => (number.clone(), is).prop_map(|(upload, is_inline)| Step::Abort { upload, is_inline }),
        2 => is.prop_map(|has_delimiter| Step::List { has_delimiter }),
        4 => (number.clone(), 0..32_u64, is)
            .prop_map(|(stream, target, is_inline)| Step::Next { stream, target, is_inline }),
        1 => (keys, is).prop_map(|(keys, is_inline)| Step::Delete { keys, is_inline }),
        1 => (key.clone(), key, 0..16_u32, is)
            .prop_map(|(from, to, flags, is_inline)| Step::Copy { from, to, flags, is_inline }),
        4 => number.clone().prop_map(Step::Cancel),
        4 => number.clone().prop_map(Step::ReleaseOperation),
        1 => number.clone().prop_map(Step::ReleaseStream),
        1 => number.clone().prop_map(Step::ReleaseUpload),
        8 => number.clone().prop_map(Step::Take),
        1 => number.clone().prop_map(Step::Retain),
        1 => number.clone().prop_map(Step::Release),
        1 => number.prop_map(Step::Describe),
        2 => Just(Step::Pause),
    ]
}

/// Whoever is called back, any number of times.
struct User {
    vtable: &'static Vtable,
    calls: AtomicUsize,
    answers: Mutex<Vec<Answer>>,
}

unsafe extern "C" fn complete(user: *mut c_void, result: *const raw::Result) {
    // SAFETY: the players keep all users until the end.
    let user = unsafe { &*user.cast::<User>() };
    // SAFETY: the exporter gives its result away.
    let answer = unsafe { Answer::from_raw(result, user.vtable) };
    user.calls.fetch_add(1, SeqCst);
    user.answers.lock().unwrap().push(answer);
}

struct Begun {
    user: Arc<User>,
    operation: Option<Operation>,
    /// Whether a callback was promised.
    is_pending: bool,
    /// The answer of one that was done at once.
    done: Option<Answer>,
}

/// Bytes that count how often they are given back.
struct Given {
    bytes: Vec<u8>,
    released: Arc<AtomicUsize>,
}

unsafe extern "C" fn give_back(owner: *mut c_void) {
    // SAFETY: made by `Players::given`.
    let given = unsafe { Box::from_raw(owner.cast::<Given>()) };
    given.released.fetch_add(1, SeqCst);
    drop(given.bytes);
}

/// All that a sequence has in its hands.
struct Players {
    stores: Vec<StoreRef>,
    begun: Vec<Begun>,
    streams: Vec<StreamHandle>,
    uploads: Vec<UploadHandle>,
    given: Vec<Arc<AtomicUsize>>,
    bytes_read: usize,
}

fn pick<T>(from: &[T], number: usize) -> Option<&T> {
    if from.is_empty() { None } else { from.get(number % from.len()) }
}

fn flags(is_inline: bool) -> u32 {
    if is_inline { raw::ALLOW_INLINE } else { 0 }
}

impl Players {
    fn new(store: StoreRef) -> Self {
        let (begun, streams, uploads, given) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { stores: vec![store], begun, streams, uploads, given, bytes_read: 0 }
    }

    /// Calls a slot, and returns whether it was accepted.
    fn call<T: Args>(&mut self, slot: Option<Submit<T>>, target: *mut c_void, arguments: &T) -> bool {
        let vtable = self.stores[0].vtable();
        let user = Arc::new(User { vtable, calls: AtomicUsize::new(0), answers: Mutex::default() });
        let mut inline = MaybeUninit::uninit();
        let mut operation = ptr::null_mut();
        let slot = slot.expect("the slot is there");
        let user_pointer = Arc::as_ptr(&user).cast_mut().cast();
        // SAFETY: as the interface says; the target is alive, and the user is kept.
        let code =
            unsafe { slot(target, arguments, Some(complete), user_pointer, inline.as_mut_ptr(), &raw mut operation) };
        // SAFETY: the exporter wrote this, and gave it to us.
        let operation = unsafe { Operation::from_raw(vtable, operation) };
        // SAFETY: as above.
        let done = (code == raw::DONE).then(|| unsafe { Answer::from_raw(inline.as_ptr(), vtable) });
        self.begun.push(Begun { user, operation, is_pending: code == raw::PENDING, done });
        code >= 0
    }

    fn given(&mut self, sizes: &[usize]) -> Vec<Buffer> {
        let mut buffers = Vec::with_capacity(sizes.len());
        for size in sizes {
            let released = Arc::new(AtomicUsize::new(0));
            self.given.push(Arc::clone(&released));
            let given = Box::new(Given { bytes: vec![7; *size], released });
            let (ptr, len) = (given.bytes.as_ptr(), given.bytes.len());
            buffers.push(Buffer { ptr, len, owner: Box::into_raw(given).cast(), release: Some(give_back) });
        }
        buffers
    }

    /// Buffers that were not taken are still ours.
    fn after(buffers: Vec<Buffer>, is_accepted: bool) {
        if !is_accepted {
            // SAFETY: made by `given`, and not taken.
            buffers.into_iter().for_each(|buffer| drop(unsafe { OwnedBuffer::from_raw(buffer) }));
        }
    }

    /// Takes an answer apart: reads its bytes, and keeps its handles.
    fn take(&mut self, mut answer: Answer) {
        while let Some(buffer) = answer.take_buffer() {
            self.bytes_read += buffer.as_slice().iter().filter(|byte| **byte == 7).count();
        }
        self.streams.extend(answer.take_stream());
        self.uploads.extend(answer.take_upload());
        let said = answer.failure().map_or(0, |failure| failure.message().len());
        self.bytes_read += said + answer.objects().flatten().map(|object| object.location.len()).sum::<usize>();
    }

    fn play(&mut self, step: &Step) {
        let (vtable, data) = (self.stores[0].vtable(), self.stores[0].data());
        let text = |key: &usize| Str::new(KEYS[*key]);
        match step {
            Step::Get { key, prefetch, is_head, is_inline } => {
                let head = if *is_head { raw::GET_HEAD } else { 0 };
                let args = raw::GetArgs {
                    path: text(key),
                    flags: flags(*is_inline) | head,
                    prefetch_bytes: *prefetch,
                    ..raw::GetArgs::EMPTY
                };
                self.call(vtable.get, data, &args);
            }
            Step::Ranges { key, ends, is_inline } => {
                let range = |end: &u64| raw::Range { kind: raw::RANGE_BOUNDED, start: *end / 2, end: *end };
                let ranges: Vec<_> = ends.iter().map(range).collect();
                let args = raw::RangesArgs {
                    path: text(key),
                    flags: flags(*is_inline),
                    ranges: ranges.as_ptr(),
                    range_count: ranges.len(),
                    ..raw::RangesArgs::EMPTY
                };
                self.call(vtable.get_ranges, data, &args);
            }
            Step::Put { key, sizes, mode, is_inline } => {
                // An update needs an ETag, and there is no mode 3: both are refused.
                let buffers = self.given(sizes);
                let args = raw::PutArgs {
                    path: text(key),
                    flags: flags(*is_inline),
                    buffers: buffers.as_ptr(),
                    buffer_count: buffers.len(),
                    mode: *mode,
                    ..raw::PutArgs::EMPTY
                };
                let is_accepted = self.call(vtable.put, data, &args);
                Self::after(buffers, is_accepted);
            }
            Step::Begin { key, is_inline } => {
                let args = raw::UploadArgs { path: text(key), flags: flags(*is_inline), ..raw::UploadArgs::EMPTY };
                self.call(vtable.upload_start, data, &args);
            }
            Step::Part { upload, size, is_inline } => {
                let Some(target) = pick(&self.uploads, *upload).map(UploadHandle::as_ptr) else { return };
                let buffers = self.given(&[*size]);
                let args = raw::PartArgs {
                    flags: flags(*is_inline),
                    buffers: buffers.as_ptr(),
                    buffer_count: 1,
                    ..raw::PartArgs::EMPTY
                };
                let is_accepted = self.call(vtable.upload_part, target, &args);
                Self::after(buffers, is_accepted);
            }
            Step::Complete { upload, is_inline } | Step::Abort { upload, is_inline } => {
                let Some(target) = pick(&self.uploads, *upload).map(UploadHandle::as_ptr) else { return };
                let args = raw::EndArgs { flags: flags(*is_inline), ..raw::EndArgs::EMPTY };
                let is_abort = matches!(step, Step::Abort { .. });
                let slot = if is_abort { vtable.upload_abort } else { vtable.upload_complete };
                self.call(slot, target, &args);
            }
            Step::List { has_delimiter } => {
                let flags = if *has_delimiter { raw::LIST_DELIMITER } else { 0 };
                let args = raw::ListArgs { flags, ..raw::ListArgs::EMPTY };
                let mut stream = ptr::null_mut();
                // SAFETY: the store is alive, and the stream is ours to be written.
                let code = unsafe { vtable.list.expect("the slot is there")(data, &args, &raw mut stream) };
                if code == 0 {
                    // SAFETY: the exporter wrote it, and gave it to us.
                    self.streams.extend(unsafe { StreamHandle::from_raw(vtable, stream) });
                }
            }
            Step::Next { stream, target, is_inline } => {
                let Some(handle) = pick(&self.streams, *stream).map(StreamHandle::as_ptr) else { return };
                let args = raw::NextArgs {
                    flags: flags(*is_inline),
                    target_bytes: *target,
                    max_items: *target / 8,
                    ..raw::NextArgs::EMPTY
                };
                self.call(vtable.stream_next, handle, &args);
            }
            Step::Delete { keys, is_inline } => {
                let paths: Vec<_> = keys.iter().map(text).collect();
                let args = raw::DeleteArgs {
                    flags: flags(*is_inline),
                    paths: paths.as_ptr(),
                    path_count: paths.len(),
                    ..raw::DeleteArgs::EMPTY
                };
                self.call(vtable.delete, data, &args);
            }
            Step::Copy { from, to, flags: said, is_inline } => {
                // Some of these flags have no meaning, and are refused.
                let flags = flags(*is_inline) | said;
                let args = raw::CopyArgs { flags, from: text(from), to: text(to), ..raw::CopyArgs::EMPTY };
                self.call(vtable.copy, data, &args);
            }
            Step::Cancel(number) => {
                if let Some(Begun { operation: Some(operation), .. }) = pick(&self.begun, *number) {
                    operation.cancel();
                }
            }
            Step::ReleaseOperation(number) if !self.begun.is_empty() => {
                let number = number % self.begun.len();
                self.begun[number].operation = None;
            }
            Step::ReleaseStream(number) if !self.streams.is_empty() => {
                drop(self.streams.swap_remove(number % self.streams.len()));
            }
            Step::ReleaseUpload(number) if !self.uploads.is_empty() => {
                drop(self.uploads.swap_remove(number % self.uploads.len()));
            }
            Step::Take(number) if !self.begun.is_empty() => {
                let number = number % self.begun.len();
                let begun = &mut self.begun[number];
                let answers = std::mem::take(&mut *begun.user.answers.lock().unwrap());
                let answers: Vec<_> = answers.into_iter().chain(begun.done.take()).collect();
                answers.into_iter().for_each(|answer| self.take(answer));
            }
            Step::Retain(number) => {
                let retained = pick(&self.stores, *number).map(StoreRef::retained);
                self.stores.extend(retained.and_then(Result::ok));
            }
            Step::Release(number) if self.stores.len() > 1 => {
                drop(self.stores.swap_remove(number % self.stores.len()));
            }
            Step::Describe(what) => {
                let said = self.stores[0].describe(*what as u32);
                self.bytes_read += said.map_or(0, |said| said.as_slice().len());
            }
            Step::Pause => std::thread::sleep(Duration::from_millis(1)),
            _ => {}
        }
    }

    /// Every promise was kept.
    fn check(&self) -> TestCaseResult {
        for (number, begun) in self.begun.iter().enumerate() {
            let calls = begun.user.calls.load(SeqCst);
            prop_assert_eq!(calls, usize::from(begun.is_pending), "callbacks of operation {}", number);
        }
        Ok(())
    }
}

fn play(mood: Mood, steps: &[Step], end: End, alter: impl FnOnce(&mut Vtable)) -> TestCaseResult {
    let World { exporter, runtime } = World::new();
    let moody = Moody::new(mood);
    let (inner, busy) = (Arc::downgrade(&moody.inner), Arc::clone(&moody.busy));
    let store = exporter.export(longshore_ffi::Exported::new(Arc::new(moody)));
    let mut vtable = *store.vtable();
    alter(&mut vtable);
    let raw = raw::Store { vtable: kept(vtable), ..store.into_raw() };
    // SAFETY: the reference is ours, and the table stays.
    let mut players = Players::new(unsafe { StoreRef::from_raw(raw) }.expect("the table is good"));
    for step in steps {
        players.play(step);
    }
    let mut runtime = Some(runtime);
    match end {
        End::Cancelled => {
            players.begun.iter().filter_map(|begun| begun.operation.as_ref()).for_each(Operation::cancel);
        }
        End::ShutDown => {}
        End::RuntimeGone => {
            runtime = None;
            // What is begun now ends at once, but not inside the call.
            (0..3).for_each(|key| {
                players.play(&Step::Get { key, prefetch: 9, is_head: false, is_inline: false });
                players.play(&Step::Put { key, sizes: vec![9], mode: 0, is_inline: false });
            });
        }
    }
    prop_assert_eq!(exporter.shut_down(Duration::from_secs(30)), 0, "operations that do not end");
    players.check()?;
    // Nor is anything accepted after the end.
    players.play(&Step::Get { key: 0, prefetch: 9, is_head: false, is_inline: true });
    players.check()?;
    prop_assert_eq!(busy.load(SeqCst), 0);
    let given = std::mem::take(&mut players.given);
    drop((players, exporter, runtime));
    for released in given {
        // What is in the store lives as long as that.
        prop_assert_eq!(released.load(SeqCst), 1, "releases of a buffer");
    }
    prop_assert!(Weak::<InMemory>::upgrade(&inner).is_none(), "somebody still has the store");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_called_in_whatever_order_each_operation_calls_back_once(
        mood in prop::sample::select(vec![Mood::Good, Mood::Good, Mood::Slow, Mood::Slow, Mood::Hangs, Mood::PanicsLater]),
        steps in prop::collection::vec(step(), 1..80),
        end in prop::sample::select(vec![End::Cancelled, End::ShutDown, End::RuntimeGone]),
    ) {
        play(mood, &steps, end, |_| {})?;
    }
}

#[test]
fn an_exporter_that_calls_back_twice_or_not_at_all_is_found() {
    unsafe extern "C" fn twice(
        _: *mut c_void,
        _: *const raw::GetArgs,
        complete: Option<raw::Complete>,
        user: *mut c_void,
        _: *mut raw::Result,
        _: *mut *mut c_void,
    ) -> i32 {
        let nothing = raw::Result {
            struct_size: size_of::<raw::Result>() as u32,
            kind: raw::KIND_NONE,
            status: 0,
            flags: 0,
            body: ptr::null(),
            error: ptr::null(),
            owner: ptr::null_mut(),
            release: None,
        };
        // SAFETY: as the interface says, but for being done again.
        unsafe {
            complete.unwrap()(user, &nothing);
            complete.unwrap()(user, &nothing);
        }
        raw::PENDING
    }
    unsafe extern "C" fn never(
        _: *mut c_void,
        _: *const raw::GetArgs,
        _: Option<raw::Complete>,
        _: *mut c_void,
        _: *mut raw::Result,
        _: *mut *mut c_void,
    ) -> i32 {
        raw::PENDING
    }
    let steps = [Step::Get { key: 0, prefetch: 0, is_head: false, is_inline: false }, Step::Pause];
    for bad in [twice, never] {
        let played = play(Mood::Good, &steps, End::ShutDown, |table| table.get = Some(bad));
        let error = played.expect_err("this exporter is wrong").to_string();
        assert!(error.contains("callbacks of operation 0"), "{error}");
    }
}
